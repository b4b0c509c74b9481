"""JSON and texts on a terminal contain only what prints."""

import json

import pytest
from terminal import Screen

from elman.checks import escape_invisible, whole
from elman.cli.output import print_note, to_json, to_line

VALUE = {"name": "a\x1b\x7f\x9b\u200b\u202e\U000e0041\u3164\u2800\ufe0f\ud800\n\té水🙂", "k": [1.5, None]}


def test_json_on_a_terminal_contains_only_what_prints_and_means_the_same(monkeypatch):
    monkeypatch.setattr("sys.stdout", Screen())
    for indent in (None, 2):
        text = to_json(VALUE, indent=indent)
        assert escape_invisible(text, kept="\n") == text and "é水🙂" in text
        assert json.loads(text) == VALUE


def test_json_elsewhere_is_as_python_writes_it(capsys):
    assert to_json(VALUE) == json.dumps(VALUE, ensure_ascii=False)


def test_a_whole_text_is_escaped_and_not_cut():
    assert whole("a\x1b" * 100) == r"a\x1b" * 100


def test_a_line_has_single_spaces_and_is_cut():
    assert to_line(" 中村\u3000太郎\t\x1b ") == r"中村 太郎 \x1b"
    assert to_line("a" * 1000) == "a" * 59 + "…"


@pytest.mark.parametrize("text", ["a\n b", "a\tb", "a b"])
def test_a_note_is_one_line_on_standard_error(capsys, text):
    print_note(f"{text}\x07")
    assert capsys.readouterr() == ("", "note: a b\\x07\n")
