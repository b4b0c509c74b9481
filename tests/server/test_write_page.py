"""The page that writes, in a real browser with a real service: letter by letter, what is asked for, and errors."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import Browser, Page, expect, open_browser, run_service
from client import make_generator

from elman.model.writer import save_writer

NOTES = """
globalThis.shown = [];
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  const text = document.querySelector(".letters-shown")?.textContent;
  if (text && text !== shown.at(-1)) shown.push(text);
}).observe(document.getElementById("written"), { childList: true, subtree: true, characterData: true }));
"""
"""Runs before the page's own script: ``shown`` gets what the first row has shown, in order."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file: Path = tmp_path_factory.mktemp("model") / "names.safetensors"
    save_writer(make_generator().artifact, file)
    with run_service("--model", str(file), "--max-names", "20") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page; it may load only from its own host, and its scripts may not fail."""
    contexts, requests, errors = [], [], []

    def open_at(**settings: Any) -> Page:
        context = browser.new_context(**{"reduced_motion": "reduce", **settings})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(NOTES)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        expect(page.locator("#spoken")).to_contain_text("Written: ", timeout=20_000)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert {urlsplit(url).netloc for url in requests} == {urlsplit(address).netloc}
    assert errors == []


def texts(page: Page) -> list[str]:
    expect(page.locator("#written")).not_to_have_attribute("aria-busy", "true")
    return page.locator("#written .text").all_inner_texts()


def test_strings_appear_letter_by_letter_unless_less_motion_is_asked_for(open_page):
    moving = open_page(reduced_motion="no-preference")
    final = texts(moving)[0]
    assert moving.evaluate("shown") == [final[:end] for end in range(1, len(final) + 1)]
    assert len(open_page().evaluate("shown")) == 1


def test_what_is_asked_for_is_sent_and_written(open_page):
    page = open_page()
    page.select_option("#count", "5")
    expect(page.locator("#written li")).to_have_count(5)
    page.select_option("#label", "Greek")
    page.locator("#temperature").fill("1.5")
    page.locator("#unseen").check()
    with page.expect_request(lambda one: (one.post_data_json or {}).get("start") == "ca") as sent:
        page.fill("#name", "ca")
        page.locator("#name").press("Enter")
    order = {"model": "names", "label": "Greek", "count": 5, "start": "ca", "temperature": 1.5, "unseen": True}
    assert sent.value.post_data_json == order
    expect(page.locator("#spoken")).to_contain_text("Written: ca")
    assert all(text.startswith("ca") for text in texts(page))
    assert page.locator("#temperature-shown").inner_text() == "1.50"
    written = sent.value.response().json()["samples"]
    odds = page.locator("#written .odds").all_inner_texts()
    assert len(odds) == len(written) == 5
    for text, sample in zip(odds, written, strict=True):  # the draws differ from run to run, and some have no end
        assert ("1 in " in text) == (sample["reason"] is None)
        assert (text == "cut: it had no end") == (sample["reason"] is not None)


def test_what_the_model_cannot_write_is_one_line_and_the_page_goes_on(open_page):
    page = open_page()
    page.fill("#name", "Q")
    expect(page.locator("#trouble")).to_contain_text("cannot begin so")
    expect(page.locator("#written li")).to_have_count(0)
    page.fill("#name", "a")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#written li")).to_have_count(10)


def test_the_page_fits_a_phone_and_needs_no_mouse(open_page):
    page = open_page(viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    visited = set()
    page.locator("#name").focus()
    for _ in range(8):
        page.keyboard.press("Tab")
        visited.add(page.evaluate("document.activeElement.id"))
    assert {"label", "temperature", "count", "unseen", "write", "copy"} <= visited
    assert page.locator("#read-link").is_hidden()  # no model reads
