"""A browser for the tests of the page, the service as a process, and a stopwatch inside the page.

A module that imports this is skipped if there is no browser.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'elman[dev]'")
pytest.importorskip("uvicorn", reason="needs the service: pip install 'elman[serve]'")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("needs Chromium: apt-get install chromium", allow_module_level=True)

Browser, Locator, Page, Route, expect = (
    getattr(playwright, name) for name in ("Browser", "Locator", "Page", "Route", "expect")
)

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
READY = "Elman listens at "

STOPWATCH = """
globalThis.waits = [];
addEventListener("DOMContentLoaded", () => {
  let pressed = 0;
  addEventListener("keydown", ({ timeStamp }) => { pressed = timeStamp; }, true);
  new MutationObserver(() => requestAnimationFrame(() => {
    const painted = new MessageChannel();  // a message posted in a frame arrives after the frame is drawn
    painted.port1.onmessage = () => { waits.push(performance.now() - pressed); painted.port1.close(); };
    painted.port2.postMessage(null);
  })).observe(document.getElementById("answer"), { attributeFilter: ["data-question"] });
});
"""
"""Runs before the page's own script: ``waits`` gets the milliseconds from each key press until its answer is drawn."""


@contextmanager
def open_browser() -> Iterator[Any]:
    """Run the browser."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def run_service(*arguments: str, **environment: str) -> Iterator[str]:
    """Run ``elman serve`` at a free port, and yield its address."""
    command = [sys.executable, "-m", "elman", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            assert line.startswith(READY), f"the service did not start: {line!r}"
            yield line.removeprefix(READY).strip()
        finally:
            server.terminate()


def measure_waits(page: Any, word: str) -> list[float]:
    """Type a word into the name field, each letter after the answer to the last one; return the milliseconds."""
    page.fill("#name", "")
    page.evaluate("() => { waits.length = 0; }")
    for typed, letter in enumerate(word, start=1):
        page.locator("#name").press(letter)
        page.evaluate(ANSWERED, typed)
    waits: list[float] = page.evaluate("() => waits")
    return waits


ANSWERED = """
(typed) => new Promise((resolve, reject) => {
  const limit = setTimeout(() => reject(new Error("no answer within 30 seconds")), 30_000);
  const look = () => waits.length < typed ? requestAnimationFrame(look) : (clearTimeout(limit), resolve());
  look();
})
"""
