"""The page in a real browser with a real service: what people see and do."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import STOPWATCH, Browser, Locator, Page, Route, expect, measure_waits, open_browser, run_service

import elman
from elman.model.file import save_artifact
from elman.model.hierarchy import Levels
from elman.prediction.pronouncer import pronounce
from elman.shares.estimates import Estimator, estimate_table
from elman.shares.report import COLUMNS

PAGE = Path(elman.__file__).parent / "server" / "page"
NAME = "Papadopoulos"
KEY = "open sesame"
MANY = 'Nakamura\nO\'Brien\n\n42\nИванов\nمحفوظ\n=1+1\n@sum, "quoted"\n<b>bold</b>'
NONE_OF_THESE = (
    "None of these may be right too: Elman knows 18 origins, and abstains only if a name is unlike all that it learned."
)
ROWS = [["1", "Nakamura", "a, b"], ["2", "42", 'say "so"'], ["3", "", "line\nend"], ["4", "Müller", "ü"]]
SIZES = {"phone": {"width": 320, "height": 640}, "desktop": {"width": 1280, "height": 800}}


@pytest.fixture(scope="module")
def languages() -> elman.Predictor:
    return elman.load("languages")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with run_service("--model", "languages") as address:
        yield address


@pytest.fixture(scope="module")
def strict() -> Iterator[str]:
    with run_service(
        "--model", "languages", "--max-names", "3", "--max-upload-bytes", "2000", ELMAN_API_KEY=KEY
    ) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def allowed_messages() -> list[str]:
    """Parts of the console messages that a test expects: browsers report each failed request there."""
    return []


@pytest.fixture
def open_page(browser: Browser, address: str, allowed_messages: list[str]) -> Iterator[Callable[..., Page]]:
    """Open the page; it may load only from its own host, and the console must stay empty."""
    contexts, requests, messages, hosts = [], [], [], set()

    def open_at(at: str = address, **settings: Any) -> Page:
        context = browser.new_context(**{"viewport": SIZES["desktop"], "reduced_motion": "reduce", **settings})
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.add_init_script(STOPWATCH)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: message.type in ("error", "warning") and messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(at)
        hosts.add(urlsplit(at).netloc)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert {urlsplit(url.removeprefix("blob:")).netloc for url in requests} == hosts
    assert [one for one in messages if not any(known in one for known in allowed_messages)] == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    page = open_page()
    expect(page.locator("#model-facts strong")).to_have_text("languages")
    return page


def percent(share: float) -> str:
    if share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if share > 0.9995 else f"{share * 100:.1f} %"


def bars(page: Page) -> list[list[str]]:
    return [row.replace("\xa0", " ").splitlines() for row in page.locator("#bars li").all_inner_texts()]


def answer_for(page: Page, name: str) -> Locator:
    """Type a name, wait until it is answered and explained, and return the sentence."""
    page.fill("#name", "")
    expect(page.locator("#answer")).to_be_hidden()
    page.fill("#name", name)
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#one")).not_to_have_attribute("data-waiting", "")
    return page.locator("#sentence")


def tiles(page: Page) -> Locator:
    return page.locator("#letters .tile")


def save(page: Page, button: str) -> tuple[str, bytes]:
    """Press a button that saves a file; return the file's name and content."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def table_text(rows: list[list[str]] = ROWS, *, columns: tuple[str, ...] = ("id", "full, name", "note")) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue()


def upload(page: Page, name: str, content: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    expect(page.locator("#file-settings")).to_be_visible()


# One name


def test_typing_moves_the_bars_to_the_same_answer_as_in_python(page, languages):
    courses = []
    for end, letter in enumerate(NAME, start=1):
        page.locator("#name").press(letter)
        answer = languages.predict(NAME[:end], top=5)
        wanted = [[one.label, percent(one.probability)] for one in answer.top]
        expect(page.locator("#bars .share")).to_have_text([share for _, share in wanted])
        assert bars(page) == wanted
        courses.append(wanted)
    assert len({str(course) for course in courses}) > len(NAME) // 2
    expect(page.locator("#sentence")).to_have_text(
        f"Elman reads this as {answer.label}, {percent(answer.probability).replace('>', 'over')}."
    )
    widths = page.locator("#bars .bar").evaluate_all("bars => bars.map(bar => bar.style.getPropertyValue('--share'))")
    assert [float(width) for width in widths] == pytest.approx([one.probability for one in answer.top])


def test_each_key_press_sends_a_request_at_once_and_aborts_the_last_one(page):
    held: list[Route] = []
    page.route("**/v1/predict", lambda route: held.append(route))
    sent: list[list[str] | None] = []
    aborted: list[list[str] | None] = []
    page.on("request", lambda request: sent.append(request.post_data_json.get("names")))
    page.on("requestfailed", lambda request: aborted.append(request.post_data_json.get("names")))
    page.locator("#name").press_sequentially("Nak")
    expect(page.locator("#one")).to_have_attribute("data-waiting", "")
    while len(held) < 3:
        page.evaluate("() => new Promise(requestAnimationFrame)")
    held[-1].continue_()
    expect(page.locator("#sentence")).to_be_visible()
    assert (sent[:3], aborted) == ([["N"], ["Na"], ["Nak"]], [["N"], ["Na"]])


SLOW_FETCH = """
const real = fetch;
let first = null;
globalThis.fetch = async (path, { signal, ...request }) => {  // ignores the abort signal
  const answer = await real(path, request);
  if (path === "v1/predict" && request.body.includes('"Nakamura"')) await new Promise((go) => { first = go; });
  return answer;
};
globalThis.letGo = async () => { first(); await new Promise((go) => setTimeout(go)); };
"""


def test_an_answer_that_arrives_too_late_is_never_shown(open_page, languages):
    page = open_page()
    page.evaluate(f"() => {{ {SLOW_FETCH} }}")
    page.fill("#name", "Nakamura")
    page.fill("#name", NAME)
    expect(page.locator("#bars .label").first).to_have_text("Greek")
    page.evaluate("() => letGo()")
    expect(tiles(page)).to_have_text(list(NAME.lower()))
    assert bars(page)[0][0] == "Greek"


def test_each_letter_shows_the_answers_if_the_name_ended_or_began_there(page, languages):
    from elman.prediction.explanation import explain

    explanation = explain(languages, NAME)
    answer_for(page, NAME)
    expect(tiles(page)).to_have_text(list(explanation.normalised))
    for place in (0, 4, 11):
        tiles(page).nth(place).hover()
        for part, title, text, course in (
            (0, "If the name ended here", NAME[: place + 1], explanation.forwards),
            (1, "If it began here", NAME[place:], explanation.backwards),
        ):
            shown = page.locator("#letter .part").nth(part)
            best = sorted(course[place].items(), key=lambda pair: -pair[1])[:3]
            expect(shown.locator("h3")).to_have_text(title)
            expect(shown.locator(".piece")).to_have_text(text.lower())
            expect(shown.locator(".label")).to_have_text([label for label, _ in best])


def test_the_taller_the_tile_the_stronger_its_evidence(page, languages):
    from elman.prediction.explanation import explain

    answer_for(page, "O'Brien")
    evidence = explain(languages, "O'Brien").evidence
    expect(tiles(page)).to_have_count(7)
    speaks = tiles(page).evaluate_all("tiles => tiles.map(tile => tile.dataset.speaks)")
    assert speaks == ["against" if nats < 0 else "for" for nats in evidence]
    assert "against" in speaks  # otherwise the example shows too little
    edges = tiles(page).evaluate_all(
        """tiles => tiles.map(tile => getComputedStyle(tile, "::before"))
        .map(block => [block.top, block.bottom].map(parseFloat))"""
    )
    strengths = [abs(nats) / max(map(abs, evidence)) for nats in evidence]
    for (top, bottom), nats, strength in zip(edges, evidence, strengths, strict=True):
        assert [top, bottom] == pytest.approx(
            [88 * (1 - strength), 32] if nats >= 0 else [88, 32 * (1 - strength)], abs=1
        )


def test_the_label_of_a_tile_says_what_the_tile_shows(page):
    answer_for(page, "O'Brien")
    expect(tiles(page)).to_have_count(7)
    assert re.fullmatch(
        r"o, 1 of 7\. If the name ended here: \w+ \d+\s%\. If it began here: Irish \d+\s%\. "
        r"Without it the odds of Irish would be [\d.]+ times smaller: it speaks for Irish\.",
        tiles(page).first.get_attribute("aria-label"),
    )


@pytest.mark.parametrize(
    ("name", "sentence", "doubts"),
    [
        ("42", "Elman does not answer: no letters.", ["There is nothing that the model can read."]),
        ("x" * 201, "Elman does not answer: too long.", ["More than 200 characters is no name."]),
    ],
)
def test_a_name_that_the_model_does_not_read_gets_the_reason(page, name, sentence, doubts):
    expect(answer_for(page, name)).to_have_text(sentence)
    expect(page.locator("#doubts li")).to_have_text(doubts)
    expect(page.locator("#bars li")).to_have_count(0)
    expect(page.locator("#reading")).to_be_hidden()


def test_doubts_are_sentences(page):
    expect(answer_for(page, "Ива7нов")).to_contain_text("Russian")
    expect(page.locator("#doubts li")).to_have_text(
        [
            "It read the Cyrillic letters as iva7nov.",
            "It does not know 7; the answer depends on the rest.",
            "The spelling is what counts, not the person.",
            "An unusual name: of those that Elman learned from, < 1 % are less familiar.",
            NONE_OF_THESE,
        ]
    )
    expect(tiles(page).nth(3)).to_have_attribute("data-speaks", "unknown")


def test_the_slider_makes_the_model_abstain(page, languages):
    best = languages.predict("Fernando").top[0]
    assert 0.4 < best.probability < 0.6
    answer_for(page, "Fernando")
    page.locator("#abstain").fill("60")
    expect(page.locator("#sentence")).to_have_text(
        f"Elman abstains: its best guess, {best.label}, reaches only {percent(best.probability)}."
    )
    expect(page.locator("#abstain-shown")).to_have_text("60 %")
    expect(page.locator("#one")).to_have_attribute("data-state", "abstained")
    page.locator("#abstain").fill("0")
    expect(page.locator("#one")).to_have_attribute("data-state", "answered")


def test_the_answer_is_read_out_once_typing_pauses(page):
    spoken = page.locator("#spoken")
    expect(spoken).to_have_attribute("role", "status")
    sentence = answer_for(page, NAME)
    expect(spoken).to_have_text(f"{sentence.inner_text()} The spelling is what counts, not the person. {NONE_OF_THESE}")


def test_the_time_from_a_key_press_to_its_answer_is_measured(page, capsys):
    waits = [wait for word in ("Nakamura", NAME) for wait in measure_waits(page, word)]
    assert len(waits) == 20
    assert min(waits) > 0
    with capsys.disabled():
        print(f"\nkey press to answer: median {sorted(waits)[10]:.0f} ms, longest {max(waits):.0f} ms of {len(waits)}")


def test_an_example_is_predicted_when_pressed_and_an_empty_field_shows_the_examples(page):
    page.get_by_role("button", name="Nakamura").click()
    expect(page.locator("#sentence")).to_contain_text("Japanese")
    expect(page.locator("#name")).to_be_focused()
    page.fill("#name", "  ")
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#answer")).to_be_hidden()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"value": 12.5}, "Elman answers 12.5000."),
        ({"label": "ohlol", "probability": 0.9}, "Elman reads this as ohlol, 90.0 %."),
        ({"label": "A", "probability": 0.3}, "Elman is unsure: A is its best guess, 30.0 %."),
    ],
)
def test_every_kind_of_answer_is_a_sentence(page, answer, sentence):
    known = page.request.get(f"{page.url}v1/models").json()["models"][0]
    page.route("**/v1/models", lambda route: route.fulfill(json={"models": [{**known, "answers": "other"}]}))
    page.reload()
    expect(page.locator("#model-facts strong")).to_have_text("languages")
    top = [{"label": answer["label"], "probability": answer["probability"]}] if "label" in answer else []
    plain = {"label": None, "probability": None, "reason": None, "unknown": [], "transliterated": False, "top": top}
    page.route("**/v1/predict", lambda route: route.fulfill(json={"predictions": [{**plain, **answer}]}))
    page.fill("#name", "hello")
    expect(page.locator("#sentence")).to_have_text(sentence)
    expect(page.locator("#reading")).to_be_hidden()


def test_a_name_from_right_to_left_is_shown_that_way_and_its_latin_letters_from_left_to_right(page):
    answer_for(page, "محفوظ")
    expect(tiles(page)).to_have_count(6)
    assert page.locator("#name").evaluate("field => getComputedStyle(field).direction") == "rtl"
    assert page.locator("#letters").evaluate("row => getComputedStyle(row).direction") == "ltr"


def test_letters_from_right_to_left_have_tiles_from_right_to_left(page, allowed_messages):
    letters = [{"letter": one, "evidence": 1.0, "forwards": {"A": 1.0}, "backwards": {"A": 1.0}} for one in "محفوظ"]
    page.route("**/v1/explain", lambda route: route.fulfill(json={"label": "A", "letters": letters}))
    answer_for(page, "محفوظ")
    expect(tiles(page)).to_have_count(5)
    tiles(page).first.focus()
    page.keyboard.press("ArrowLeft")
    expect(tiles(page).nth(1)).to_be_focused()
    assert tiles(page).nth(1).bounding_box()["x"] < tiles(page).first.bounding_box()["x"]


def test_nothing_moves_if_people_prefer_reduced_motion(open_page):
    for motion, moves in (("reduce", False), ("no-preference", True)):
        page = open_page(reduced_motion=motion)
        answer_for(page, "Papa")
        page.evaluate("""() => {
          globalThis.moved = 0;
          addEventListener("transitionrun", () => { moved += 1; });
          const real = Element.prototype.animate;
          Element.prototype.animate = function (...args) { moved += 1; return real.apply(this, args); };
        }""")
        page.locator("#name").press_sequentially("dopoulos")
        expect(tiles(page)).to_have_count(12)
        assert (page.evaluate("() => moved") > 0) is moves


def test_names_are_in_no_address_storage_or_cookie(page):
    answer_for(page, NAME)
    page.fill("#lines", MANY)
    expect(page.locator("#rows tr")).to_have_count(9)
    stored = page.evaluate("() => [location.href, history.length, { ...localStorage }, { ...sessionStorage }]")
    assert [NAME in str(stored), stored[2:], page.context.cookies()] == [False, [{}, {}], []]


# What a reader must see


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_the_note_covers_nothing_on_a_phone(open_page):
    page = open_page(**PHONE)
    answer_for(page, "O'Brien")
    note = page.locator("#estimate").bounding_box()
    for part in ("#answer", "#reading", "#letter", "#many"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= note["y"] or box["y"] >= note["y"] + note["height"]


def test_the_chart_has_a_scale_and_keeps_its_legend_while_a_letter_is_shown(page):
    answer_for(page, NAME)
    expect(page.locator("#scale span")).to_have_text(["100 %", "50 %", "0 %"])
    chart = page.locator("#thread").bounding_box()
    for mark, height in zip(page.locator("#scale span").all(), (0, 0.5, 1), strict=True):
        box = mark.bounding_box()
        assert box["y"] + box["height"] / 2 == pytest.approx(chart["y"] + height * chart["height"], abs=3)
    tiles(page).nth(3).hover()
    expect(page.locator("#letter .part")).to_have_count(2)
    expect(page.locator("#legend p")).to_have_text(
        ["how sure it would be of Greek if the name ended here", "if the name began here"]
    )


def test_a_long_name_gets_smaller_letters_and_signs_where_it_is_cut(open_page):
    page = open_page(**PHONE)
    sizes = []
    for name, cuts in (("Nakamura", ("", "")), ("Maria da Silva Santos de Oliveira Bartholomew", ("start", "start"))):
        answer_for(page, name)
        expect(tiles(page)).to_have_count(len(name))
        page.locator("#name").press("End")
        sizes.append(float(page.locator("#name").evaluate("field => parseFloat(getComputedStyle(field).fontSize)")))
        for frame, cut in zip(("#name-field", "#strip-frame"), cuts, strict=True):
            expect(page.locator(frame)).to_have_attribute("data-cut", cut)
    assert sizes[1] < sizes[0]
    page.locator("#strip").evaluate("strip => { strip.scrollLeft = 100; }")
    expect(page.locator("#strip-frame")).to_have_attribute("data-cut", "start end")


def test_letters_are_tapped_on_a_touch_screen(open_page):
    page = open_page(**PHONE)
    answer_for(page, NAME)
    expect(page.locator("#letter")).to_contain_text("Tap a letter for more.")
    tiles(page).nth(2).tap()
    expect(page.locator("#letter .piece").first).to_have_text("pap")


def test_empty_boxes_have_examples(page):
    expect(page.locator("#lines")).to_have_attribute("placeholder", re.compile("^Nakamura\n"))
    page.get_by_role("button", name="Try these names").click()
    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#lines-example")).to_be_hidden()
    page.get_by_role("button", name="Try this file").click()
    expect(page.locator("#column")).to_have_value("name")
    name, content = save(page, "Annotate")
    assert (name, content.count(b"\n")) == ("example.annotated.csv", 4)


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ({"countries": {"Italian": "IT"}}, "Aiko Nakamura"),
        ({"examples": ["abba", "xyz"], "origins": False}, "abba"),
        ({"origins": False}, None),
    ],
)
def test_examples_fit_the_model(page, facts, first):
    known = page.request.get(f"{page.url}v1/models").json()["models"][0]
    page.route("**/v1/models", lambda route: route.fulfill(json={"models": [{**known, **facts, "name": "other"}]}))
    page.reload()
    expect(page.locator("#model-facts strong")).to_have_text("other")
    for example in (page.locator("#examples button"), page.locator("#lines-try"), page.locator("#file-try")):
        expect(example.first).to_be_visible(visible=first is not None)
    if first is not None:
        expect(page.locator("#examples button").first).to_have_text(first)
        assert page.get_attribute("#lines", "placeholder").startswith(f"{first}\n")
        assert page.locator("#file-example pre").inner_text().startswith(f"id,name\n1,{first}\n2,")


def test_the_slider_is_shown_once_there_is_something_to_answer(page):
    expect(page.locator("#abstain")).to_be_hidden()
    page.fill("#lines", "Nakamura")
    expect(page.locator("#abstain")).to_be_visible()
    page.fill("#lines", "")
    expect(page.locator("#abstain")).to_be_hidden()
    answer_for(page, NAME)
    expect(page.locator("#abstain")).to_be_visible()


def test_other_labels_than_origins_get_no_questions_about_names(page):
    known = page.request.get(f"{page.url}v1/models").json()["models"][0]
    other = {**known, "name": "tickets", "labels": ["bill", "order"], "origins": False}
    page.route("**/v1/models", lambda route: route.fulfill(json={"models": [other]}))
    page.reload()
    expect(page.locator("h1")).to_have_text("Which label fits this text?")
    for path in ("predict", "explain"):
        page.route(f"**/v1/{path}", lambda route: route.continue_(post_data=without_model(route)))
    answer_for(page, NAME)
    expect(page.locator("#legend p").last).to_have_text("if the text began here")
    shown = page.locator("#one").inner_text() + page.locator("#estimate").inner_text()
    shown += page.locator("#many").inner_text() + page.locator("nav").inner_text() + page.title()
    assert not re.search(r"\bnames?\b|person|ancestry", shown.replace(NAME, ""))
    none_of_these = "Elman knows 2 labels, and abstains only if a text is unlike all that it learned."
    assert f"None of these may be right too: {none_of_these}" in shown


def without_model(route: Route) -> str:
    return json.dumps({key: value for key, value in route.request.post_data_json.items() if key != "model"})


# Pronunciations


@pytest.fixture(scope="module")
def speaker() -> Iterator[str]:
    """The address of a service whose first model says names."""
    with run_service("--model", "pronunciation", "--model", "languages") as address:
        yield address


@pytest.fixture
def said(open_page: Callable[..., Page], speaker: str) -> Page:
    page = open_page(speaker)
    expect(page.locator("#model-facts strong")).to_have_text("pronunciation")
    return page


def test_a_pronunciation_has_its_ipa_beside_its_arpabet(said):
    expect(said.locator("h1")).to_have_text("How is this name said?")
    for name in ("Kim Min-jun", "Иванов"):
        sentence = answer_for(said, name)
        (spoken,) = pronounce(elman.load("pronunciation"), [name], top=5)
        best = spoken.top[0]
        expect(sentence).to_have_text(re.compile(f"^Elman says /{best.ipa}/, "))
        assert bars(said) == [[one.ipa, one.arpabet, percent(one.probability)] for one in spoken.top]
    expect(said.locator("#reading")).to_be_hidden()
    assert "no known symbol" in answer_for(said, "42").inner_text()


def test_many_pronunciations_are_a_table_and_its_csv(said):
    names = ["Nguyen", "42", "da Silva"]
    said.fill("#lines", "\n".join(names))
    expect(said.locator("#rows tr")).to_have_count(3)
    answers = pronounce(elman.load("pronunciation"), names)
    for row, answer in zip(said.locator("#rows tr").all(), answers, strict=True):
        first = row.locator("td").first
        expect(first).to_have_text(answer.reason or f"{answer.top[0].ipa} {answer.top[0].arpabet}")
    expect(said.locator("#many-status")).to_have_text("3 names, 1 abstained.")
    _, content = save(said, "Download CSV")
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header == ["name", "elman_label", "elman_probability", "elman_reason", "elman_ipa"]
    found = [("", "") if answer.reason else (answer.top[0].arpabet, answer.top[0].ipa) for answer in answers]
    assert [(row[1], row[4]) for row in rows] == found


def test_tables_are_offered_by_models_that_answer_with_a_label(said):
    expect(said.locator("#file-form")).to_be_hidden()
    said.select_option("#model-name", "languages")
    expect(said.locator("#file-form")).to_be_visible()
    expect(said.locator("h1")).to_have_text("Where does this name come from?")
    expect(answer_for(said, "Ivanov")).to_contain_text("Russian")


def test_a_name_that_is_typed_before_the_models_are_known_is_said(said):
    held: list[Route] = []
    said.route("**/v1/models", lambda route: held.append(route))
    said.reload()
    said.fill("#name", "Kim Min-jun")
    expect(said.locator("#sentence")).to_contain_text("unknown symbol")
    held[0].continue_()
    expect(said.locator("#sentence")).to_contain_text("Elman says /kɪm")


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious_at_pronunciations(open_page, speaker, axe, size):
    page = open_page(speaker, viewport=SIZES[size])
    expect(page.locator("#model-facts strong")).to_have_text("pronunciation")
    answer_for(page, "Maria Papadopoulou-Szczepańska")
    page.fill("#lines", "Nguyen\nSzczepański")
    expect(page.locator("#rows tr")).to_have_count(2)
    check_with_axe(page, axe)


# Regions and the map

OF_ASIA = ("Arabic", "Chinese", "Japanese", "Korean")
CODES = {"Chinese": "CN", "English": "GB", "Italian": "IT", "Japanese": "JP", "Scottish": "GB-SCT", "Spanish": "ES"}


@pytest.fixture(scope="module")
def of_origins(languages, tmp_path_factory) -> Iterator[str]:
    """The address of a service with the shipped model with levels, and with countries for some of its labels."""
    regions = [
        "Asia" if label in ("Arabic", "Chinese", "Japanese", "Korean") else "Europe" for label in languages.labels
    ]
    levels = Levels(("origin", "continent"), (tuple(regions),))
    provenance = {**languages.artifact.provenance, "countries": CODES}
    file = tmp_path_factory.mktemp("origins") / "origins.safetensors"
    save_artifact(replace(languages.artifact, name="origins", levels=levels, sets=None, provenance=provenance), file)
    with run_service("--model", str(file)) as address:
        yield address


def open_origins(open_page, of_origins: str, name: str) -> Page:
    page = open_page(of_origins)
    expect(page.locator("#model-facts strong")).to_have_text("origins")
    answer_for(page, name)
    expect(page.locator("#world-map path[data-shade='4'], #world-map path[data-shade='3']").first).to_be_attached()
    return page


def test_regions_have_the_sums_of_their_labels(open_page, of_origins, languages):
    page = open_origins(open_page, of_origins, "Simito")
    expect(page.locator("#bars li")).to_have_count(5)
    expect(page.locator("#levels h3")).to_have_text("By continent")
    shares = {one.label: one.probability for one in languages.predict("Simito", top=18).top}
    asia = sum(shares[label] for label in OF_ASIA)
    shown = [text.replace("\xa0", " ") for text in page.locator("#levels li").all_inner_texts()]
    assert shown == [f"Europe\n{100 * (1 - asia):.0f} %", f"Asia\n{100 * asia:.0f} %"]


def test_the_map_is_shaded_by_probability_and_says_so_in_words(open_page, of_origins, languages):
    page = open_origins(open_page, of_origins, "Simito")
    shares = {one.label: one.probability for one in languages.predict("Simito", top=18).top}
    assert shares["Italian"] > shares["Japanese"] > 0.2  # otherwise the example shows too little
    for code, share in (("IT", shares["Italian"]), ("GB", shares["English"] + shares["Scottish"]), ("US", 0)):
        shade = sum(share >= least for least in (0.01, 0.05, 0.2, 0.5))
        expect(page.locator(f"#world-map path[data-code='{code}']").first).to_have_attribute("data-shade", str(shade))
    world = page.get_by_role("img", name="World map, shaded by probability: Italy")
    expect(world).to_be_visible()
    expect(page.locator("#world-unmapped")).to_contain_text("Not on the map: Portuguese")
    world.focus()
    for key, text in (("ArrowRight", "Italy: Italian"), ("ArrowRight", "Japan: Japanese"), ("Home", "Italy: Italian")):
        page.keyboard.press(key)
        expect(page.locator("#world-said")).to_contain_text(text)
    page.locator("#world-map path[data-code='CN']").hover()
    expect(page.locator("#world-said")).to_contain_text("China: Chinese")


def test_the_letters_explain_the_level_that_is_chosen(open_page, of_origins):
    page = open_origins(open_page, of_origins, "Nakamura")
    expect(page.locator("#legend")).to_contain_text("how sure it would be of Japanese if the name ended here")
    page.select_option("#reading-level", "continent")
    expect(page.locator("#legend")).to_contain_text("how sure it would be of Asia if the name ended here")
    expect(page.locator("#reading-level")).to_have_value("continent")
    expect(tiles(page)).to_have_count(8)


def test_a_model_without_countries_has_no_map(page):
    answer_for(page, NAME)
    expect(page.locator("#world")).to_be_hidden()
    expect(page.locator("#levels")).to_be_hidden()
    expect(page.locator("#reading-level")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious_at_the_map(open_page, of_origins, axe, size):
    page = open_page(of_origins, viewport=SIZES[size])
    expect(page.locator("#model-facts strong")).to_have_text("origins")
    answer_for(page, "Santo")
    expect(page.locator("#world-map path").first).to_be_attached()
    check_with_axe(page, axe)


# Many names


def paste(page: Page, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator("#name").press("Control+v")


def test_many_names_pasted_into_the_name_field_become_a_table(page, languages):
    paste(page, MANY + "\n")
    expect(page.locator("#rows tr")).to_have_count(9)
    assert page.input_value("#name") == ""
    for row, answer in zip(page.locator("#rows tr").all(), languages.predict(MANY.split("\n")), strict=True):
        cells = [cell.replace("\xa0", " ") for cell in row.locator("th, td").all_inner_texts()]
        assert cells == [
            answer.name,
            *([answer.reason] if answer.abstained else [answer.label, percent(answer.probability)]),
        ]
    expect(page.locator("#many-status")).to_contain_text("9 names, 3 abstained.")
    assert page.locator("#rows b").count() == 0  # pasted markup stays text


def test_one_name_pasted_with_its_line_end_stays_one_name(page):
    paste(page, "Nakamura\n")
    expect(page.locator("#sentence")).to_contain_text("Japanese")
    expect(page.locator("#results")).to_be_hidden()


def test_the_csv_of_pasted_names_is_safe_and_has_the_answers_of_python(page, languages):
    page.fill("#lines", MANY)
    expect(page.locator("#rows tr")).to_have_count(9)
    name, content = save(page, "Download CSV")
    assert name == "names.annotated.csv"
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == 10
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header == ["name", "elman_label", "elman_probability", "elman_reason"]
    for row, answer in zip(rows, languages.predict(MANY.split("\n")), strict=True):
        safe = f"'{answer.name}" if answer.name[:1] in ("=", "@") else answer.name
        assert row[0] == safe
        assert (row[1], row[3]) == (answer.label or "", answer.reason or "")
        assert row[2] == "" if answer.abstained else float(row[2]) == pytest.approx(answer.probability, abs=1e-6)


def test_the_copied_text_is_the_csv_without_its_byte_order_mark(page):
    page.fill("#lines", MANY)
    expect(page.locator("#rows tr")).to_have_count(9)
    _, content = save(page, "Download CSV")
    page.get_by_role("button", name="Copy as CSV").click()
    expect(page.locator("#spoken")).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()").encode() == content.removeprefix(b"\xef\xbb\xbf")


def test_a_long_list_is_answered_in_parts_and_in_order(page, languages):
    names = [f"{stem}{end}" for stem in ("Naka", "Papa", "Iva", "Mül", "O'") for end in range(260)]
    sizes = []
    page.on("request", lambda request: sizes.append(len(request.post_data_json["names"])))
    paste(page, "\n".join(names))
    expect(page.locator("#many-status")).to_contain_text("The first 1,000 are shown; the CSV has all.")
    assert sizes == [500, 500, 300]
    expect(page.locator("#rows tr")).to_have_count(1000)
    _, content = save(page, "Download CSV")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[1:]
    assert [row[:2] for row in rows] == [[answer.name, answer.label] for answer in languages.predict(names)]


# Files


def annotate(predictor: elman.Predictor, name: str, content: bytes, folder: Path, **settings: Any) -> bytes:
    from elman.annotation.local import annotate_file

    source, target = folder / name, folder / f"out-{name}"
    source.write_bytes(content)
    annotate_file(predictor, source, target, **settings)
    return target.read_bytes()


def test_a_dropped_table_is_annotated_as_in_python(page, languages, tmp_path):
    text = table_text()
    transfer = page.evaluate_handle(
        "text => { const moved = new DataTransfer(); moved.items.add(new File([text], 'people.csv')); return moved; }",
        text,
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    expect(page.locator("#column option")).to_have_text(["id", "full, name", "note"])
    page.select_option("#column", "full, name")
    page.select_option("#top", "2")
    name, content = save(page, "Annotate")
    assert name == "people.annotated.csv"
    assert content == annotate(languages, "people.csv", text.encode(), tmp_path, column="full, name", top=2)
    expect(page.locator("#file-status")).to_contain_text("Done: 4 rows, 2 abstained.")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.tsv", b"id\tsurname\r\n1\tNakamura\r\n2\t42\r\n"),
        ("people.jsonl", b'{"id": 1, "surname": "Nakamura"}\n{"id": 2, "surname": null}\n'),
        ("with mark.csv", '\ufeff"id","surname"\r\n1,"Müller"\r\n'.encode()),
        ("имена.csv", "id,surname\n1,Иванов\n".encode()),
    ],
)
def test_the_columns_of_a_text_file_are_offered_and_a_likely_one_is_chosen(page, languages, tmp_path, name, content):
    upload(page, name, content)
    expect(page.locator("#column option")).to_have_text(["id", "surname"])
    expect(page.locator("#column")).to_have_value("surname")
    saved_name, answered = save(page, "Annotate")
    assert saved_name == f"{Path(name).stem}.annotated{Path(name).suffix}"
    assert answered == annotate(languages, name, content, tmp_path, column="surname")


def test_a_column_that_is_named_by_a_number_can_be_chosen(page):
    upload(page, "people.csv", b"1,2\n42,Nakamura\n")
    page.select_option("#column", "2")
    _, answered = save(page, "Annotate")
    assert answered.startswith(b"1,2,elman_label,") and b"\n42,Nakamura,Japanese," in answered.replace(b"\r", b"")


def test_the_column_of_a_parquet_file_is_typed(page, languages, tmp_path, allowed_messages):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"surname": ["Nakamura", None, "Müller"]}), tmp_path / "people.parquet")
    content = (tmp_path / "people.parquet").read_bytes()
    upload(page, "people.parquet", content)
    page.get_by_label("Column of the names").fill("surname")
    name, answered = save(page, "Annotate")
    assert name == "people.annotated.parquet"
    wanted = annotate(languages, "people.parquet", content, tmp_path, column="surname")
    assert pq.read_table(pa.BufferReader(answered)).equals(pq.read_table(pa.BufferReader(wanted)))


def test_an_annotation_can_be_stopped(page, allowed_messages):
    page.route("**/v1/annotate*", lambda route: None)  # never answered
    upload(page, "people.csv", table_text().encode())
    page.get_by_role("button", name="Annotate").click()
    expect(page.locator("#file-status")).to_contain_text("Sending")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#file-status")).to_have_text("Stopped. The file is still selected.")
    expect(page.locator("#file-stop")).to_be_hidden()


# Shares of a group


def people(rows: int = 60) -> bytes:
    names, towns = ("Nakamura", "Papadopoulos", "Rossi", "42", ""), ("Bern", "Rome", "")
    lines = [f"{names[k % 5]},{towns[k % 3]}" for k in range(rows)]
    return "\n".join(["name,town", *lines, ""]).encode()


def report_of(languages, tmp_path, **options):
    (tmp_path / "people.csv").write_bytes(people())
    return estimate_table(Estimator(languages), [str(tmp_path / "people.csv")], column="name", **options)


def shares_of(group: Locator) -> list[list[str]]:
    rows = group.locator("tbody tr").all()
    return [[cell.replace("\xa0", " ") for cell in row.locator("th, td.number").all_inner_texts()] for row in rows]


def test_a_dropped_table_shows_the_shares_of_its_group_with_their_intervals(page, languages, tmp_path):
    upload(page, "people.csv", people())
    group = page.locator(".group")
    expect(group.locator("caption")).to_have_text("60 rows, 12 without a name; abstained on 12 (25.0\xa0%).")
    (wanted,) = report_of(languages, tmp_path).groups
    listed = [share for share in wanted.shares if share.share >= 0.005]
    assert shares_of(group)[: len(listed)] == [
        [one.label, percent(one.share), f"{percent(one.low).removesuffix(' %')} to {percent(one.high)}"]
        for one in listed
    ]
    assert shares_of(group)[-1][0] == f"{18 - len(listed)} other labels"
    expect(page.locator("#shares-status")).to_contain_text("1 group has fewer than 50 names that can be read")
    point, interval = (group.locator(f"tbody .{mark}").first.bounding_box() for mark in ("point", "range"))
    assert interval["x"] < point["x"] + point["width"] / 2 < interval["x"] + interval["width"]


def test_groups_are_estimated_apart_and_saved_as_the_command_writes_them(page, languages, tmp_path, elman_here):
    upload(page, "people.csv", people())
    expect(page.locator("#shares-result")).to_be_visible()
    page.select_option("#by", "town")
    expect(page.locator(".group strong")).to_have_text(["Bern", "Rome", "(no group)"], use_inner_text=True)
    name, content = save(page, "Download shares (CSV)")
    assert name == "people.shares.csv"
    (tmp_path / "people.csv").write_bytes(people())
    arguments = ("people.csv", "--by", "town", "--model", "languages", "--out", "shares.csv")
    assert elman_here("estimate", *arguments).status == 0
    with (tmp_path / "shares.csv").open(encoding="utf-8", newline="") as file:
        wanted = list(csv.DictReader(file))
    found = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [one["label"] for one in found] == [one["label"] for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert [float(one[key]) for key in COLUMNS[2:]] == pytest.approx(
            [float(other[key]) for key in COLUMNS[2:]], abs=1e-6
        )


def test_shares_of_a_level_can_be_chosen(open_page, of_origins):
    page = open_page(of_origins)
    expect(page.locator("#model-facts strong")).to_have_text("origins")
    upload(page, "people.csv", people())
    expect(page.locator(".group thead th").first).to_have_text("origin")
    page.select_option("#level", "continent")
    expect(page.locator(".group thead th").first).to_have_text("continent")
    assert [row[0] for row in shares_of(page.locator(".group"))] == ["Europe", "Asia"]


def test_a_table_whose_shares_cannot_be_estimated_is_reported_as_an_alert(page, allowed_messages):
    allowed_messages.append("422")
    upload(page, "people.csv", b"name,town\nRossi,Rome\nNakamura\n")
    expect(page.locator("#file-trouble")).to_contain_text("The table cannot be read at line 3")
    expect(page.locator("#shares")).to_be_hidden()
    upload(page, "people.csv", b"name,town\nRossi,\n")
    expect(page.locator("#shares-result")).to_be_visible()
    page.select_option("#by", "town")
    expect(page.locator("#file-trouble")).to_contain_text("The column of the groups is empty")
    expect(page.locator("#shares")).to_be_hidden()


def test_a_model_that_cannot_estimate_offers_no_shares(page):
    known = page.request.get(f"{page.url}v1/models").json()["models"][0]
    page.route("**/v1/models", lambda route: route.fulfill(json={"models": [{**known, "estimates": False}]}))
    page.reload()
    expect(page.locator("#model-facts strong")).to_have_text("languages")
    upload(page, "people.csv", people())
    expect(page.get_by_role("button", name="Annotate")).to_be_visible()
    expect(page.get_by_role("button", name="Estimate shares")).to_be_hidden()
    expect(page.locator("#shares")).to_be_hidden()


# Errors


@pytest.mark.parametrize("is_parquet", [True, False], ids=["unknown column", "not Parquet"])
def test_an_unreadable_table_is_reported_as_an_alert(page, allowed_messages, tmp_path, is_parquet):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"surname": ["Nakamura"]}), tmp_path / "people.parquet")
    allowed_messages.append("422")
    content = (tmp_path / "people.parquet").read_bytes()
    upload(page, "people.parquet", content if is_parquet else b"PAR1 and nothing more")
    page.get_by_label("Column of the names").fill("nowhere")
    page.get_by_role("button", name="Annotate").click()
    alert = page.locator("#file-trouble")
    expect(alert).to_be_visible()
    expect(alert).to_have_attribute("role", "alert")
    expect(alert).to_have_text(re.compile(r"no such column.*\." if is_parquet else r"[A-Z][^{}]+\."))
    expect(page.locator("#file-status")).to_have_text("The file is still selected.")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("people.xlsx", b"PK\x03\x04", "Save the table as CSV UTF-8"),
        ("people.csv", b"PK\x03\x04\x14\x00", "Save the table as CSV UTF-8"),
        ("people.csv", b"", "This file is empty."),
        ("people.csv", b"\r\n\r\n", "only empty lines"),
        ("people.csv", "name\nMüller\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_that_no_one_can_read_is_reported_before_it_is_sent(page, name, content, words):
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    expect(page.locator("#file-trouble")).to_contain_text(words)
    expect(page.locator("#file-settings")).to_be_hidden()
    upload(page, "people.csv", b"name\nNakamura\n")
    expect(page.locator("#file-trouble")).to_be_hidden()


def test_a_limit_is_reported_as_an_alert_and_the_next_name_is_answered(page, allowed_messages):
    allowed_messages.append("422")
    page.fill("#name", "x" * 1001)
    expect(page.locator("#trouble")).to_have_text(re.compile(r"[A-Z].*1,?000.*\."))
    expect(page.locator("#trouble")).to_have_attribute("role", "alert")
    expect(answer_for(page, "Nakamura")).to_contain_text("Japanese")
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_busy_server_is_tried_again_after_the_time_that_it_states(page, allowed_messages):
    allowed_messages.append("429")
    page.route("**/v1/predict", lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}), times=1)
    page.fill("#name", "Nakamura")
    expect(page.locator("#trouble")).to_have_text("The server is busy. Elman tries again in 1 s.")
    expect(page.locator("#sentence")).to_contain_text("Japanese")
    expect(page.locator("#trouble")).to_be_hidden()


def test_an_unreachable_server_is_reported_and_tried_again_and_the_typed_name_stays(page, allowed_messages):
    allowed_messages.append("net::ERR")
    answer_for(page, "Nakamur")
    page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
    page.locator("#name").press("a")
    expect(page.locator("#trouble")).to_contain_text("The server does not answer. What you typed is kept.")
    expect(page.locator("#answer")).to_be_hidden()  # it belongs to another name
    expect(page.locator("#name")).to_have_value("Nakamura")
    page.unroute("**/v1/**")
    expect(page.locator("#sentence")).to_contain_text("Japanese")
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_server_with_a_key_gets_it_from_a_dialog_that_does_not_store_it(open_page, allowed_messages, strict):
    allowed_messages.append("401")
    page = open_page(strict)
    dialog = page.get_by_role("dialog", name="This server needs a key")
    expect(dialog).to_be_visible()
    page.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-why")).to_have_text("The server rejected that key.")
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Use this key").click()
    expect(dialog).to_be_hidden()
    expect(answer_for(page, "Nakamura")).to_contain_text("Japanese")
    assert page.input_value("#key-value") == ""
    assert page.evaluate("() => [{ ...localStorage }, { ...sessionStorage }]") == [{}, {}]


@pytest.fixture
def strict_page(open_page, allowed_messages, strict):
    allowed_messages += ["401", "422", "413", "net::ERR"]
    page = open_page(strict)
    page.get_by_label("API key").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#model-facts strong")).to_have_text("languages")
    return page


def test_a_list_is_answered_however_few_names_the_server_accepts_at_once(strict_page, languages):
    names = [*MANY.split("\n"), "x" * 1001, "Nakamura"]
    paste(strict_page, "\n".join(names))
    expect(strict_page.locator("#rows tr")).to_have_count(11)
    labels = [answer.label or "" for answer in languages.predict(names)]
    _, content = save(strict_page, "Download CSV")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[1:]
    assert [row[1] for row in rows] == labels
    assert "1000 characters" in rows[9][3]


def test_a_file_that_is_too_large_is_reported_as_an_alert(strict_page):
    upload(strict_page, "people.csv", b"name\n" + b"Nakamura\n" * 400)
    strict_page.get_by_role("button", name="Annotate").click()
    expect(strict_page.locator("#file-trouble")).to_have_text(re.compile("2000 bytes|larger than it accepts"))


def test_a_cancelled_key_dialog_opens_again_with_the_next_name(page, allowed_messages):
    allowed_messages.append("401")
    page.route("**/v1/**", lambda route: route.fulfill(status=401, json={}))
    page.fill("#name", "Nakamura")
    expect(page.locator("#key")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#trouble")).to_contain_text("The server does not answer without its key.")
    page.unroute("**/v1/**")
    expect(answer_for(page, "Nakamura")).to_contain_text("Japanese")


def test_a_page_opened_before_its_server_loads_the_models_with_the_first_answer(page, allowed_messages):
    allowed_messages.append("net::ERR")
    page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
    page.reload()
    expect(page.locator("#model-facts")).to_contain_text("The server does not answer.")
    page.unroute("**/v1/**")
    answer_for(page, "Nakamura")
    expect(page.locator("#model-facts strong")).to_have_text("languages")


# The model


def test_the_card_is_shown_below_the_headings_of_the_page(page):
    expect(page.locator("#model-facts")).to_contain_text("Learned from")
    page.locator("summary").click()
    expect(page.locator("#card-text h4").first).to_have_text("What it is")
    assert page.locator("#card-text :is(h1, h2)").count() == 0
    expect(page.locator("#card-text")).to_contain_text("It is no evidence of a person's identity")


def test_the_note_on_what_an_answer_is_not_is_always_visible(page):
    note = page.locator("#estimate")
    expect(note).to_contain_text(
        "no evidence of a person’s identity, ancestry or citizenship. Names stay on this server."
    )
    for part in ("#one", "#many", "#model"):
        page.locator(part).evaluate("part => part.scrollIntoView()")
        expect(note).to_be_in_viewport(ratio=1)


def test_a_model_can_be_chosen_if_there_are_several(open_page, address):
    page = open_page()
    expect(page.locator("#model-facts strong")).to_have_text("languages")
    expect(page.locator("#model-choice")).to_be_hidden()
    known = page.request.get(f"{address}/v1/models").json()["models"][0]
    others = [{**known, "name": "towns", "default": False}, {**known, "name": "digits", "reads": "images"}]
    page.route("**/v1/models", lambda route: route.fulfill(json={"models": [known, *others]}))
    page.reload()
    expect(page.locator("#model-name option")).to_have_text(["languages", "towns"])
    chosen = []

    def answer_with_languages(route: Route) -> None:
        sent = route.request.post_data_json
        chosen.append(sent["model"])
        route.continue_(post_data=json.dumps({**sent, "model": "languages"}))

    for path in ("predict", "explain"):
        page.route(f"**/v1/{path}", answer_with_languages)
    answer_for(page, "Nakamura")
    page.select_option("#model-name", "towns")
    expect(page.locator("#model-facts strong")).to_have_text("towns")
    expect(page.locator("#answer")).to_have_attribute("data-question", "2")
    expect(page.locator("#one")).not_to_have_attribute("data-waiting", "")
    assert (chosen[0], chosen[-1]) == ("languages", "towns")


# Accessibility


def test_every_file_of_the_page_is_served_with_its_media_type(page):
    kinds = {".svg": ["image/svg+xml"], ".css": ["text/css"], ".html": ["text/html"]}
    kinds[".js"] = ["text/javascript", "application/javascript"]  # by the version of Python
    files = list(PAGE.iterdir())
    assert len(files) == 20
    for file in files:
        answer = page.request.get(f"{page.url}page/{file.name}")
        assert answer.status == 200
        assert answer.headers["content-type"].partition(";")[0] in kinds[file.suffix]


def state_empty(page: Page) -> None:
    expect(page.locator("#welcome")).to_be_visible()


def state_answered(page: Page) -> None:
    answer_for(page, NAME)
    expect(tiles(page)).to_have_count(12)


def state_letter(page: Page) -> None:
    answer_for(page, "O'Brien7")
    expect(tiles(page)).to_have_count(8)
    tiles(page).first.focus()
    page.keyboard.press("ArrowRight")


def state_abstained(page: Page) -> None:
    answer_for(page, "Santo")
    page.locator("#abstain").fill("99")
    expect(page.locator("#one")).to_have_attribute("data-state", "abstained")
    expect(tiles(page)).to_have_count(5)


def state_long(page: Page) -> None:
    answer_for(page, "Maria da Silva Santos de Oliveira")
    expect(tiles(page)).to_have_count(33)


def state_many(page: Page) -> None:
    page.fill("#lines", MANY)
    expect(page.locator("#rows tr")).to_have_count(9)


def state_file(page: Page) -> None:
    upload(page, "people.csv", table_text().encode())


def state_shares(page: Page) -> None:
    upload(page, "people.csv", people())
    expect(page.locator("#shares-result")).to_be_visible()
    page.select_option("#by", "town")
    expect(page.locator(".group")).to_have_count(3)


def state_error(page: Page) -> None:
    page.fill("#name", "x" * 1001)
    expect(page.locator("#trouble")).to_be_visible()
    upload(page, "people.parquet", b"PAR1")
    page.get_by_role("button", name="Annotate").click()
    expect(page.locator("#file-trouble")).to_be_visible()


def state_key(page: Page) -> None:
    page.route("**/v1/**", lambda route: route.fulfill(status=401, json={}))
    page.fill("#name", "N")
    expect(page.locator("#key")).to_be_visible()


def state_card(page: Page) -> None:
    page.locator("summary").click()
    expect(page.locator("#card-text table").first).to_be_visible()


STATES = {name.removeprefix("state_"): state for name, state in globals().items() if name.startswith("state_")}


@pytest.fixture(scope="module")
def axe() -> str:
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("needs axe: pip install 'elman[dev]'")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious_and_nothing_overflows_the_page(open_page, axe, allowed_messages, size, state):
    allowed_messages += ["422", "401"] if state in ("error", "key") else []
    page = open_page(viewport=SIZES[size])
    expect(page.locator("#model-facts strong")).to_have_text("languages")
    STATES[state](page)
    check_with_axe(page, axe)


def check_with_axe(page: Page, axe: str) -> None:
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("() => axe.run()")
        assert len(found["passes"]) > 10
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_everything_can_be_done_with_the_keyboard_alone(page):
    press = page.keyboard.press
    expect(page.locator("#name")).to_be_focused()  # from the start, so that people can type at once
    page.keyboard.type("Nakamura")
    expect(tiles(page)).to_have_count(8)
    press("Tab")
    expect(page.locator("#abstain")).to_be_focused()
    press("ArrowRight")
    expect(page.locator("#abstain-shown")).to_have_text("1 %")
    press("Tab")
    expect(tiles(page).first).to_be_focused()
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", 7),
        ("ArrowRight", 7),
        ("Home", 0),
    ):
        press(key)
        expect(tiles(page).nth(place)).to_be_focused()
        expect(page.locator("#letter .piece").nth(1)).to_have_text("nakamura"[place:])
    press("Tab")
    expect(page.locator("#letter .piece")).to_have_count(0)
    expect(page.locator("#lines")).to_be_focused()
    page.keyboard.type("Papadakis\nIvanov")
    expect(page.locator("#rows tr")).to_have_count(2)
    press("Tab")
    expect(page.locator("#file")).to_be_focused()
    press("Tab")
    expect(page.locator("#file-try")).to_be_focused()
    press("Tab")
    expect(page.locator("#copy")).to_be_focused()
    press("Enter")
    expect(page.locator("#spoken")).to_have_text("Copied")
    expect(page.locator("#copy")).to_be_focused()
    press("Tab")
    with page.expect_download() as download:
        press("Enter")
    assert download.value.suggested_filename == "names.annotated.csv"
    press("Tab")
    expect(page.get_by_role("region", name="Answers")).to_be_focused()
    press("Tab")
    press("Enter")
    expect(page.locator("#card-text h4").first).to_be_visible()


FOCUS = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const drawn = [getComputedStyle(focused), getComputedStyle(focused, "::before")];
  const seen = drawn.some((one) => one.outlineStyle !== "none" && parseFloat(one.outlineWidth) >= 2
    || focused.id === "name" && one.boxShadow !== "none");
  return [focused.id || focused.className || focused.textContent.trim() || focused.tagName, seen];
}"""


def test_the_focus_is_always_visible(page):
    state_answered(page)
    state_many(page)
    state_file(page)
    page.locator(".brand").focus()
    stops = []
    while (stop := page.evaluate(FOCUS)) is not None and stop not in stops:
        stops.append(stop)
        page.keyboard.press("Tab")
    assert len(stops) >= 15
    assert [name for name, is_seen in stops if not is_seen] == []


# Colours


Colour = tuple[float, ...]


def colours(block: str) -> dict[str, Colour]:
    found = re.findall(r"--([\w-]+): #(..)(..)(..);", block)
    return {name: tuple(int(part, 16) / 255 for part in parts) for name, *parts in found}


def mix(over: Colour, under: Colour, share: float) -> Colour:
    return tuple(share * one + (1 - share) * other for one, other in zip(over, under, strict=True))


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours as WCAG 2.2 defines it, 1 to 21."""

    def luminance(colour: Colour) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(scheme):
    light, dark = (PAGE / "style.css").read_text(encoding="utf-8").split("prefers-color-scheme: dark", 1)
    block = light if scheme == "light" else dark.split("}")[0]
    known = colours(block)
    *lamp, share = map(float, re.search(r"--lamp: rgb\((\d+) (\d+) (\d+) / (0\.\d+)\)", block).groups())
    lit = mix([part / 255 for part in lamp], known["paper"], share)
    for background in (known["paper"], known["sheet"], lit):
        assert min(contrast(known[text], background) for text in ("ink", "quiet", "glass", "brass")) >= 4.5
        assert contrast(known["edge"], background) >= 3
    assert contrast(known["on-glass"], known["glass"]) >= 4.5
    for tint in ("glass", "brass"):  # the deepest tile
        assert contrast(known["ink"], mix(known[tint], known["sheet"], 0.38)) >= 4.5
