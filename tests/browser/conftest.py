"""`make run` in a process of its own, and a Chromium to look at it with."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.page import CHROMIUM, PracticePage

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def chromium() -> str:
    """The browser's path. Without one the browser tests are skipped, except where CI asks for them."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on the PATH")
    assert found is not None, "CI needs a Chromium"
    return found


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield launched
        await launched.close()


@pytest.fixture
async def practice_url(chromium: str, tmp_path: Path) -> AsyncIterator[str]:
    """The page of a practice firm started as `make run` starts it, its memory in a folder of the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "practice", "--no-open", "--port", "0", "--folder", str(tmp_path / "practice"),
        cwd=ROOT, stdout=PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(90):
        while not (line := (await process.stdout.readline()).decode()).startswith("practice: http"):
            assert line or process.returncode is None, "the practice ended before it began"
    yield line.split()[1]
    process.terminate()
    await process.communicate()


@pytest.fixture
async def page(browser: Browser, practice_url: str) -> AsyncIterator[PracticePage]:
    opened = await PracticePage.open(browser, practice_url)
    yield opened
    await opened.close()
