"""HTML for notebooks: well-formed, escaped, and without a colour that hides it on a dark page."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import elman
from elman.markup import LONGEST, escape, render_bar, render_card, render_curves, render_table
from elman.model.file import Artifact
from elman.model.kinds import KINDS
from elman.prediction.predictor import Predictor
from elman.records import Candidate, Prediction
from elman.text.vocabulary import Labels

EVIL = "<script>alert('&')</script>"
VOID = {"br", "hr", "img", "line", "polyline"}


class Page(HTMLParser):
    """The tags that a page opens; one that is closed in the wrong place is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def check(page: str) -> str:
    """Check a page and return its text."""
    parsed = Page(page)
    assert not {"script", "style", "link", "img", "iframe"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in ("src", "href")]
    assert not re.search(r"[^-]color:|background:(?!rgba|#3b82f6|#f59e0b)", page)
    return " ".join(parsed.text)


def test_text_is_escaped_cut_and_printable():
    assert escape(EVIL + "\x1b\ud800") == "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;\\x1b\\ud800"
    assert len(escape("x" * 5000)) == LONGEST


def test_the_parts_are_well_formed_and_escaped():
    curves = [(EVIL, "#3b82f6", [2.0, 1.0]), ("b", "#f59e0b", [1.5, 1.5])]
    parts = [render_table([[EVIL, "1"]], header=[EVIL, "n"]), render_bar(2.0), render_curves(EVIL, curves, mark=2)]
    assert check(render_card(EVIL, *parts)).count(EVIL) == 6


def test_curves_of_one_epoch_and_of_equal_values_have_a_place():
    page = render_curves("loss", [("training", "#3b82f6", [0.5])], mark=1)
    assert "nan" not in page and "inf" not in page and check(page)
    assert "0.00" in check(render_curves("loss", [("training", "#3b82f6", [1234.5, 1e-9])]))


@pytest.mark.parametrize("name", ["abcdm", EVIL, "", "42", None, "\ud800", "x" * 5000, "кабан"])
def test_a_prediction_is_shown_whatever_the_name_is(predictor, name):
    page = predictor.predict(name)._repr_html_()
    check(page).encode()
    assert len(page) < 10_000


def test_a_prediction_shows_its_answers_and_why_there_is_none(predictor):
    text = check(predictor.predict("ABCDM")._repr_html_())
    assert "ABCDM → Alfa" in text and "Beta" in text and "read as" not in text
    assert "no answer" in check(predictor.predict("42")._repr_html_())
    assert "no letters" in check(predictor.predict("42")._repr_html_())


def test_labels_and_models_are_escaped_too():
    answer = Prediction(EVIL, EVIL, 0.5, (Candidate(EVIL, 0.5),), EVIL, tuple("<>"), EVIL, True, EVIL, EVIL)
    assert check(answer._repr_html_()).count(EVIL) == 5


def test_a_number_is_shown_as_a_number():
    assert "abc → 2.5" in check(
        Prediction("abc", None, None, (), "abc", (), "Latin", False, None, "m", 2.5)._repr_html_()
    )


def test_a_model_shows_what_its_file_says(predictor):
    text = check(predictor._repr_html_())
    assert "reads strings and answers with a label" in text and "Alfa, Beta, Gamma" in text and "accuracy" in text
    assert repr(predictor) == "<Predictor 'toy': reads strings and answers with a label>"
    assert check(elman.load("languages")._repr_html_()).count("18") == 1


@pytest.mark.parametrize(
    "provenance",
    [{}, {"data": 3}, {"data": {"examples": EVIL}}, {"figures": [1]}, {"figures": {"test": {"accuracy": EVIL}}}],
)
def test_a_model_is_shown_whatever_its_provenance_is(tiny_artifact: Artifact, provenance):
    evil = replace(tiny_artifact, name=EVIL, labels=Labels((EVIL, "b", "c")), provenance=provenance)
    assert check(Predictor(evil)._repr_html_()).count(EVIL) == 2
    assert evil.kind is KINDS["label"]


def test_an_explanation_shows_each_letter(predictor):
    text = check(predictor.explain("abc d<e")._repr_html_())
    assert "abc d<e → " in text and "␣" in text
