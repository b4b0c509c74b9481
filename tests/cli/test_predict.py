"""``elman predict``: answers in order, one line for bad input, and the prompt."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elman.model.shipped import shipped_models
from elman.prediction.predictor import load

PATIENCE = 60  # seconds that a test waits for a process
ESCAPE = "\x1b"


def error_line(outcome) -> str:
    """Return the one line that bad input gets."""
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


# Answers


def test_names_as_arguments_get_a_line_each_in_order(elman_process, model_file, predictor):
    done = elman_process("predict", "--model", model_file, "abcabc", "XYZ", "abcabc")
    assert (done.returncode, done.stderr) == (0, b"")
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [row[0] for row in rows] == ["abcabc", "XYZ", "abcabc"]
    for row in rows:
        answer = predictor.predict(row[0])
        pairs = [text for one in answer.top for text in (one.label, f"{one.probability:.4f}")]
        assert row[1:] == pairs


def test_lines_of_standard_input_keep_their_number_and_order(elman_process, model_file):
    done = elman_process("predict", "--model", model_file, stdin=b"abc\n\nxyz\r\n42\n mnop \nabc")
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [row[:2] for row in rows] == [
        ["abc", "Alfa"],
        ["", "-"],
        ["xyz", "Gamma"],
        ["42", "-"],
        ["mnop", "Beta"],
        ["abc", "Alfa"],
    ]
    assert rows[1][2].startswith("blank")
    assert rows[3][2].startswith("no letters")


def test_many_lines_get_as_many_answers(elman_here, model_file):
    lines = [f"{'abcde' * (k % 4)}{k % 7 * 'x'}" for k in range(9000)]
    out = elman_here("predict", "--model", model_file, stdin="\n".join([*lines, ""]).encode()).out
    assert [line.split("\t")[0] for line in out.splitlines()] == lines


def test_a_byte_order_mark_is_not_part_of_the_first_name(elman_here, model_file):
    outcome = elman_here("predict", "-m", model_file, "--json", stdin="\ufeffabc\nxyz\n".encode())
    assert [one["name"] for one in json.loads(outcome.out)] == ["abc", "xyz"]


def test_empty_input_gets_no_answers(elman_here, model_file):
    assert elman_here("predict", "--model", model_file).out == ""
    assert json.loads(elman_here("predict", "--model", model_file, "--json").out) == []


def test_a_run_folder_is_also_a_model(elman_here, model_file):
    by_file, by_folder = (elman_here("predict", "-m", place, "abc").out for place in (model_file, model_file.parent))
    assert by_file == by_folder != ""


@pytest.mark.parametrize(("top", "listed"), [(1, 1), (2, 2), (99, 3)])
def test_top_lists_as_many_labels(elman_here, model_file, top, listed):
    assert len(elman_here("predict", "-m", model_file, "--top", top, "abc").out.split("\t")) == 1 + 2 * listed
    (answer,) = json.loads(elman_here("predict", "-m", model_file, "-k", top, "--json", "abc").out)
    assert len(answer["top"]) == listed


def test_an_unsure_answer_abstains_on_request(elman_here, model_file):
    (answer,) = json.loads(elman_here("predict", "-m", model_file, "--abstain-below", 1, "--json", "mxz").out)
    assert (answer["abstained"], answer["label"], len(answer["top"])) == (True, None, 3)


def test_tabs_and_line_breaks_in_a_name_never_break_the_table(elman_here, model_file):
    outcome = elman_here("predict", "-m", model_file, "ab\tc\nd", "xyz")
    assert [line.split("\t")[:2] for line in outcome.out.splitlines()] == [["ab c d", "Alfa"], ["xyz", "Gamma"]]


def test_a_name_that_looks_like_an_option_follows_two_dashes(elman_here, model_file):
    assert elman_here("predict", "-m", model_file, "--", "-abc").out.startswith("-abc\tAlfa")


def test_piped_output_has_no_escape_codes(elman_process, model_file):
    done = elman_process("predict", "-m", model_file, "abc", "", "вода", FORCE_COLOR="1", TERM="xterm-256color")
    assert ESCAPE.encode() not in done.stdout


# JSON


def test_json_is_one_array_equal_to_the_answers_of_python(elman_process, model_file, predictor):
    names = ["abcabc", "", "вода", "kkk", 'a"b\\c', "abcabc", "🙂"]
    done = elman_process("predict", "--json", "--model", model_file, *names)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == [answer.to_dict() for answer in predictor.predict(names)]


def test_json_objects_have_the_keys_that_programs_rely_on(elman_here, model_file):
    answers = json.loads(elman_here("predict", "--json", "-m", model_file, "abc", "42").out)
    expected = {"name", "label", "probability", "top", "abstained", "reason", "model"}
    assert all(answer.keys() >= expected for answer in answers)
    assert all(one.keys() == {"label", "probability"} for one in answers[0]["top"])
    assert [answer["abstained"] for answer in answers] == [False, True]


def test_json_is_valid_if_the_output_is_ascii(elman_process, model_file):
    done = elman_process("predict", "--json", "-m", model_file, "é", "вода", "🙂", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert [answer["name"] for answer in json.loads(done.stdout)] == ["é", "вода", "🙂"]


def test_an_argument_that_is_not_text_still_gets_an_answer(model_file):
    command = [sys.executable, "-m", "elman", "predict", "--json", "-m", os.fsencode(model_file), b"abc\xff"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [answer["label"] for answer in json.loads(done.stdout)] == ["Alfa"]


# Bad input


def test_a_line_that_is_not_utf8_is_named(elman_process, model_file):
    for options in ((), ("--json",)):
        done = elman_process("predict", "-m", model_file, *options, stdin=b"abc\nxy\xff\nabc\n")
        assert (done.returncode, done.stdout) == (2, b"")
        assert re.fullmatch(r"elman: standard input, line 2: byte 0xff is not UTF-8.*\n", done.stderr.decode())


def test_an_unknown_model_is_named_on_one_line(elman_process):
    done = elman_process("predict", "--model", "no-such-model", "abc")
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(r"elman: no model 'no-such-model'.*\n", done.stderr.decode())


@pytest.mark.parametrize("model", [".", "absent.safetensors", pytest.param("x" * 300, id="long")])
def test_a_place_without_a_model_gets_one_line(elman_here, model):
    assert model in error_line(elman_here("predict", "--model", model, "abc"))


def test_a_damaged_model_gets_one_line(elman_here, tiny_file):
    tiny_file.write_bytes(tiny_file.read_bytes()[:-1])
    assert "damaged" in error_line(elman_here("predict", "--model", tiny_file, "abc"))


@pytest.mark.parametrize(
    "options",
    [("--top", 0), ("--top", "many"), ("--abstain-below", 2), ("--abstain-below", "nan"), ("--sideways",)],
)
def test_an_invalid_option_gets_one_line(elman_here, model_file, options):
    assert options[0].strip("-").replace("-", "_") in error_line(
        elman_here("predict", "-m", model_file, *options, "abc")
    ).replace("-", "_")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_closed_output_is_not_an_error(model_file, options):
    command = [sys.executable, "-m", "elman", "predict", "-m", str(model_file), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        _, err = process.communicate(b"abc\n" * 20_000, timeout=PATIENCE)
    assert err == b""
    assert process.returncode == 0


# A terminal


# The process must react to Ctrl-C as on a terminal, however the tests were started.
COMMAND = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from elman.cli import main; main()"


class Conversation:
    """A process whose three streams are one terminal, and the other end of the terminal, for typing."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        self.terminal, end = pty.openpty()
        self.deadline = time.monotonic() + PATIENCE
        command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200", **environment}
        self.process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=environment)
        os.close(end)

    def read(self) -> bytes:
        """Return the next output; nothing after the process has ended."""
        left = self.deadline - time.monotonic()
        assert select.select([self.terminal], [], [], max(0, left))[0], "nothing more appears"
        try:
            return os.read(self.terminal, 4096)
        except OSError:  # a terminal whose process has ended cannot be read
            return b""

    def read_until(self, wanted: bytes) -> bytes:
        """Return the output up to and including ``wanted``."""
        output = b""
        while wanted not in output and (more := self.read()):
            output += more
        return output

    def type(self, text: bytes) -> None:
        os.write(self.terminal, text)

    def end(self) -> tuple[bytes, int]:
        """Return the output until the process ends, and its exit status."""
        output = b"".join(iter(self.read, b""))
        return output, self.process.wait(PATIENCE)


@pytest.fixture
def at_prompt(model_file: Path) -> Iterator[Callable[..., Conversation]]:
    """Start ``elman predict`` on a terminal; it always ends with the test."""
    conversations: list[Conversation] = []

    def start(**environment: str) -> Conversation:
        conversations.append(Conversation("predict", "--model", model_file, **environment))
        return conversations[-1]

    yield start
    for conversation in conversations:
        conversation.process.kill()
        conversation.process.wait()
        os.close(conversation.terminal)


@pytest.mark.parametrize("typed", [b"quit\n", b" QUIT \n", b"exit\n", b"\x04"])
def test_a_prompt_answers_until_quit_or_the_end_of_input(at_prompt, typed):
    talk = at_prompt()
    assert b"3 labels" in talk.read_until(b"name> ")
    talk.type(b"abcabc\n")
    assert re.search(rb"abcabc +Alfa \d", talk.read_until(b"name> "))
    talk.type(b"42\n")
    assert b"no letters" in talk.read_until(b"name> ")
    talk.type(typed)
    output, status = talk.end()
    assert status == 0
    assert b"Traceback" not in output


def test_a_prompt_survives_bytes_that_are_not_text(at_prompt):
    talk = at_prompt(PYTHONIOENCODING="utf-8:strict")
    talk.read_until(b"name> ")
    talk.type(b"ab\xff\n")
    assert b"Traceback" not in talk.read_until(b"name> ")
    talk.type(b"xyz\n")
    assert b"Gamma" in talk.read_until(b"name> ")


def test_ctrl_c_at_a_prompt_ends_it_without_a_traceback(at_prompt):
    talk = at_prompt()
    talk.read_until(b"name> ")
    talk.process.send_signal(signal.SIGINT)
    talk.type(b"\n")  # in case the signal came just before Python began to wait for a line
    output, status = talk.end()
    assert status == 130
    assert b"Traceback" not in output


# The shipped model


def test_the_shipped_model_answers_by_name(elman_here):
    if "languages" not in shipped_models():
        pytest.skip("the model 'languages' is not shipped yet")
    outcome = elman_here("predict", "--json", "Nakamura", "O'Sullivan", "中村", "")
    answers = json.loads(outcome.out)
    assert [answer["label"] for answer in answers[:2]] == ["Japanese", "Irish"]
    assert answers[3]["abstained"]
    assert {answer["model"] for answer in answers} == {"languages"}
    assert answers == [one.to_dict() for one in load().predict(["Nakamura", "O'Sullivan", "中村", ""])]
