FROM python:3.11-slim AS packages
COPY requirements.lock .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Passerelle" org.opencontainers.image.licenses="MIT"

# /app belongs to root: the bot can write only /data, where var/ (its SQLite database, the Teams package) really is.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin passerelle \
    && install --directory --owner passerelle --mode 700 /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY LICENSE app.py ./
COPY bot bot
COPY cards cards
COPY dialogs dialogs
COPY manifest manifest
COPY services services
RUN ln --symbolic /data var

ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=3978
USER 10001
VOLUME /data
EXPOSE 3978
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]

# Exec form: Python is process 1, gets SIGTERM itself and finishes the turns under way.
ENTRYPOINT ["python", "app.py"]
