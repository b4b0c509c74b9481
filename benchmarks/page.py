"""The page of `elman serve` in a browser: its first byte, and the time from a key press to the answer on the screen.

    python benchmarks/page.py [--pictures FOLDER]

Needs Chromium and playwright (`elman[dev]`). Some 50 letters are typed, each after the answer to the one before. Each
is timed in the page, from the event of the key press to the end of the frame that shows the answer. What each letter
is worth is a second request, timed on its own. The first byte is that of a new load of the page, connection included.
`--pictures docs/pictures` also takes the two pictures of the page.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("Nakamura", "Papadopoulos", "O'Brien", "Wisniewska", "Rodriguez", "Szabolcsi")  # as many keys as letters
LOADS = 20
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
LIMIT = 30_000  # milliseconds for one answer
TARGETS = {"first byte": 50, "answer": 100}  # milliseconds

STOPWATCH = """
globalThis.waits = { answer: [], reading: [] };
addEventListener("DOMContentLoaded", () => {
  let pressed = 0;
  addEventListener("keydown", ({ timeStamp }) => { pressed = timeStamp; }, true);
  const watch = (what, id, options) => new MutationObserver(() => {
    const from = pressed;
    requestAnimationFrame(() => {
      const painted = new MessageChannel();  // a message posted in a frame arrives after the frame is drawn
      painted.port1.onmessage = () => { waits[what].push(performance.now() - from); painted.port1.close(); };
      painted.port2.postMessage(null);
    });
  }).observe(document.getElementById(id), options);
  watch("answer", "answer", { attributeFilter: ["data-question"] });
  watch("reading", "letter", { childList: true });
});
"""
ANSWERED = """
([typed, limit]) => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error("no answer")), limit);
  const look = () => Math.min(waits.answer.length, waits.reading.length) < typed
    ? requestAnimationFrame(look) : (clearTimeout(late), resolve());
  look();
})
"""


def measure_page(page: Page, address: str) -> dict[str, list[float]]:
    """Return the milliseconds of each load's first byte, and of each key press to the answer and to the reading."""
    times: dict[str, list[float]] = {"first byte": []}
    for _ in range(LOADS):
        page.goto(address)
        entry = page.evaluate("() => performance.getEntriesByType('navigation')[0].toJSON()")
        times["first byte"].append(entry["responseStart"] - entry["fetchStart"])
    typed = 0
    for name in NAMES:
        page.fill("#name", "")
        for letter in name:
            typed += 1
            page.locator("#name").press(letter)
            page.evaluate(ANSWERED, [typed, LIMIT])
    return {**times, **page.evaluate("() => waits")}


def take_pictures(browser: Browser, address: str, folder: Path) -> None:
    """Take a picture of the page on a computer, with light colours, and one on a phone, with dark colours."""
    desk = {"viewport": {"width": 1280, "height": 1240}, "color_scheme": "light"}
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}
    for file, name, letter, settings in (
        ("page.png", "Papadopoulos", 7, desk),
        ("page-phone.png", "O'Brien", None, phone),
    ):
        page = browser.new_page(reduced_motion="reduce", **settings)
        page.goto(address)
        page.fill("#name", name)
        page.wait_for_function("count => document.querySelectorAll('#letters > *').length === count", arg=len(name))
        if letter is not None:
            page.locator("#letters > *").nth(letter).hover()
        page.wait_for_timeout(500)  # the end of the fade
        page.screenshot(path=folder / file)
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="the folder for the pictures")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("page: needs Chromium: apt-get install chromium")
    command = [sys.executable, "-P", "-m", "elman", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        try:
            page = browser.new_page()
            page.add_init_script(STOPWATCH)
            times = measure_page(page, address)
            version = browser.version
            if arguments.pictures:
                take_pictures(browser, address, arguments.pictures)
        finally:
            browser.close()
            server.terminate()
    print(f"Chromium {version}, Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}")
    for what, values in times.items():
        values = sorted(values)
        target = f" (target: {TARGETS[what]} ms)" if what in TARGETS else ""
        high = values[round(0.95 * (len(values) - 1))]
        middle, count = statistics.median(values), len(values)
        print(f"{what:>10}: median {middle:5.1f} ms, 95th percentile {high:5.1f} ms of {count}{target}")


if __name__ == "__main__":
    main()
