"""``elman predict``: answers in order, and one line for bad input."""

import json
import os
import re
import subprocess
import sys

import pytest
from terminal import PATIENCE

from elman.prediction.predictor import load

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


def test_control_characters_in_a_tab_separated_line_are_escaped_and_other_characters_are_kept(elman_here, model_file):
    outcome = elman_here("predict", "-m", model_file, stdin="a\x1b[31mb\x00\x9b\x7fc\nab\u200cc\u202e\n".encode())
    assert [line.split("\t")[0] for line in outcome.out.split("\n")[:-1]] == [
        r"a\x1b[31mb\x00\x9b\x7fc",
        "ab\u200cc\u202e",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_a_line_is_a_name_whatever_ends_it(elman_here, model_file, end):
    outcome = elman_here("predict", "-m", model_file, stdin=f"abc{end}{end}xyz{end}".encode())
    assert [line.split("\t")[0] for line in outcome.out.splitlines()] == ["abc", "", "xyz"]


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


def test_many_answers_in_json_wait_in_a_file_rather_than_in_memory(elman_here, model_file, monkeypatch):
    lines = ["abc", "x\ty\x1bz", "水", "🙂"] * 100
    monkeypatch.setattr("elman.cli.answers.MEMORY", 100)
    monkeypatch.setattr("elman.cli.names.BLOCK", 7)
    outcome = elman_here("predict", "--json", "-m", model_file, stdin="\n".join(lines).encode())
    assert [answer["name"] for answer in json.loads(outcome.out)] == lines


# Files that were meant


@pytest.mark.parametrize("name", ["people.csv", "people.tsv.gz", "people.jsonl", "people.parquet"])
def test_a_table_as_a_name_is_refused_with_the_command_that_reads_it(elman_here, model_file, tmp_path, name):
    (tmp_path / name).touch()
    line = error_line(elman_here("predict", "-m", model_file, "abc", name))
    assert f"{name} is a file, not a name; for its rows use elman annotate {name} OUT.csv --column NAME" in line


def test_a_text_file_as_a_name_is_refused_with_the_command_that_reads_it(elman_here, model_file, tmp_path):
    (tmp_path / "my names.txt").touch()
    assert "use elman predict < 'my names.txt'" in error_line(elman_here("predict", "-m", model_file, "my names.txt"))


def test_a_spreadsheet_as_a_name_is_refused(elman_here, model_file, tmp_path):
    (tmp_path / "people.XLSX").touch()
    assert "save the table as CSV" in error_line(elman_here("predict", "-m", model_file, "people.XLSX"))


def test_a_folder_as_a_name_is_refused(elman_here, model_file, tmp_path):
    (tmp_path / "people").mkdir()
    line = error_line(elman_here("predict", "-m", model_file, "people/"))
    assert "people/ is a folder, not a name; for the tables in it use elman annotate people/ OUT/" in line


@pytest.mark.parametrize("name", ["abc", "abc.xyz", "abc d"])
def test_a_name_that_a_file_happens_to_have_is_answered_with_a_note(elman_here, model_file, tmp_path, name):
    (tmp_path / name).touch()
    outcome = elman_here("predict", "-m", model_file, name)
    assert (outcome.status, outcome.out.split("\t")[0]) == (0, name)
    assert re.fullmatch(rf"note: {name} is answered as a name, and is also a file here; .*\n", outcome.err)


def test_a_table_that_does_not_exist_is_answered_with_a_note(elman_here, model_file):
    outcome = elman_here("predict", "-m", model_file, "abc.csv", "A. Bcd", "-")
    assert outcome.status == 0 and outcome.out.count("\n") == 3
    assert outcome.err.splitlines() == [
        "note: abc.csv is answered as a name; there is no such file",
        "note: - is answered as a name; without any name, standard input is read",
    ]


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


def test_arguments_that_are_not_utf8_are_named(model_file):
    for arguments in ([b"abc", b"xy\xff"], [b"--top", b"\xff"], [b"--model=\xff", b"abc"]):
        command = [sys.executable, "-m", "elman", "predict", "-m", os.fsencode(model_file), *arguments]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stdout) == (2, b"")
        assert re.fullmatch(rb"elman: argument [45]: byte 0xff is not UTF-8; give text in UTF-8\n", done.stderr)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_closed_output_is_not_an_error(model_file, options):
    command = [sys.executable, "-m", "elman", "predict", "-m", str(model_file), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        _, err = process.communicate(b"abc\n" * 20_000, timeout=PATIENCE)
    assert err == b""
    assert process.returncode == 0


# The shipped model


def test_the_shipped_model_answers_by_name(elman_here):
    outcome = elman_here("predict", "--model", "languages", "--json", "Nakamura", "O'Sullivan", "中村", "")
    answers = json.loads(outcome.out)
    assert [answer["label"] for answer in answers[:2]] == ["Japanese", "Irish"]
    assert answers[3]["abstained"]
    assert {answer["model"] for answer in answers} == {"languages"}
    assert answers == [one.to_dict() for one in load("languages").predict(["Nakamura", "O'Sullivan", "中村", ""])]
