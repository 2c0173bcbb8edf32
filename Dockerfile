FROM python:3.11-slim AS packages
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
       -r requirements.lock

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Passerelle" org.opencontainers.image.licenses="MIT"

# /app belongs to root: the bot can write only /data, where var/ (its SQLite database, the Teams package) really is.
# What could install more (pip, setuptools, wheel) leaves with the base image's packages.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin passerelle \
    && install --directory --owner passerelle --mode 700 /data \
    && rm -rf /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip*
COPY --from=packages /venv /venv
WORKDIR /app
COPY LICENSE app.py ./
COPY bot bot
COPY cards cards
COPY dialogs dialogs
COPY manifest manifest
COPY services services
RUN ln --symbolic /data var && python -m compileall -q .

ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=3978
USER 10001
VOLUME /data
EXPOSE 3978
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]

# Exec form: Python is process 1, gets SIGTERM itself and finishes the turns under way.
ENTRYPOINT ["python", "app.py"]
