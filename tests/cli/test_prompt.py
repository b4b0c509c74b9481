"""The prompt of ``elman predict``: answers, line editing, help, and how it ends."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import Conversation

STYLE = re.compile(rb"\x1b\[[\d;]*m")
UP, LEFT, RUBOUT = b"\x1b[A", b"\x1b[D", b"\x7f"


@pytest.fixture
def at_prompt(model_file: Path) -> Iterator[Callable[..., Conversation]]:
    """Start ``elman predict`` on a terminal, and wait for its prompt; it always ends with the test."""
    conversations: list[Conversation] = []

    def start(**environment: str) -> Conversation:
        conversations.append(Conversation("predict", "--model", model_file, **environment))
        assert b"3 labels" in conversations[-1].read_until(b"name> ")
        return conversations[-1]

    yield start
    for conversation in conversations:
        conversation.close()


@pytest.mark.parametrize("typed", [b"quit\n", b" QUIT \n", b"exit\n", b"\x04"])
def test_a_prompt_answers_until_quit_or_the_end_of_input(at_prompt, typed):
    talk = at_prompt()
    talk.type(b"abcabc\n")
    assert re.search(rb"abcabc +Alfa \d", talk.read_until(b"name> "))
    talk.type(b"42\n")
    assert b"no letters" in talk.read_until(b"name> ")
    talk.type(typed)
    output, status = talk.end()
    assert status == 0
    assert b"Traceback" not in output


def test_a_blank_line_is_not_answered(at_prompt):
    talk = at_prompt()
    talk.type(b"\n  \n")
    output = talk.read_until(b"name> ") + talk.read_until(b"name> ")
    assert re.sub(rb"[\r\n ]|name>", b"", output) == b""


@pytest.mark.parametrize("typed", [b"help\n", b"?\n", b"HELP\n"])
def test_help_says_what_to_type_and_how_to_end(at_prompt, typed):
    talk = at_prompt()
    talk.type(typed)
    output = talk.read_until(b"name> ")
    assert b"Type a name" in output and b"Ctrl-D" in output and b"blank" not in output


def test_a_typed_line_can_be_edited_and_recalled(at_prompt):
    talk = at_prompt(TERM="xterm")
    talk.type(b"abx" + LEFT + RUBOUT + b"c\n")
    assert re.search(rb"acx +\S+ \d", STYLE.sub(b"", talk.read_until(b"name> ")))
    talk.type(UP + b"yz\n")
    assert re.search(rb"acxyz +\S+ \d", STYLE.sub(b"", talk.read_until(b"name> ")))


def test_each_line_of_what_is_pasted_is_a_name(at_prompt):
    talk = at_prompt(TERM="xterm")
    talk.type(b"abc\nxyz\n")
    output = STYLE.sub(b"", talk.read_until(b"name> ") + talk.read_until(b"name> "))
    assert re.search(rb"abc +Alfa", output) and re.search(rb"xyz +Gamma", output)
    assert b"2004h" not in output  # the terminal is not told to paste several lines as one


def test_no_file_keeps_what_was_typed(at_prompt, tmp_path):
    talk = at_prompt(HOME=str(tmp_path))
    talk.type(b"abcabc\nquit\n")
    assert talk.end()[1] == 0
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_not_text_are_refused_and_do_not_end_a_prompt(at_prompt):
    talk = at_prompt(PYTHONIOENCODING="utf-8:strict")
    talk.type(b"ab\xff\n")
    assert b"byte 0xff is not UTF-8" in talk.read_until(b"name> ")
    talk.type(b"xyz\n")
    assert b"Gamma" in talk.read_until(b"name> ")


def test_ctrl_c_discards_the_line_and_asks_again(at_prompt):
    talk = at_prompt()
    talk.type(b"abc")
    talk.read_until(b"abc")
    talk.interrupt()
    assert b"quit or Ctrl-D ends" in talk.read_until(b"name> ")
    talk.type(b"xyz\n")
    assert re.search(rb"\nxyz +Gamma", talk.read_until(b"name> "))
    talk.type(b"quit\n")
    output, status = talk.end()
    assert status == 0
    assert b"Traceback" not in output


def test_without_a_terminal_for_its_answers_there_is_no_prompt(model_file):
    """As in ``elman predict > answers.tsv``: the lines that are typed are read, and only the answers are written."""
    talk = Conversation("predict", "--json", "--model", model_file)
    try:
        talk.read_until(b"Ctrl-D ends")
        talk.type(b"abc\n\x04")
        output, status = talk.end()
        assert status == 0
        assert b"name>" not in output and b'"label": "Alfa"' in output
    finally:
        talk.close()
