"""Nothing that comes from outside reaches a terminal as it is: not from arguments, files, tables or models."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from terminal import Conversation, Screen

from elman.checks import escape_invisible
from elman.cli import main
from elman.model.file import save_artifact
from elman.text.vocabulary import Labels

INVISIBLE = "ab\u202e\u200b\u2066\u3164\u2800\ufe0fc"
"""What a label may hold: model files refuse control characters in labels."""

CANARY = "ab\x1b]0;title\x07\x1b[31m\x9b2J\x7f\r\b\u202e\u200b\u2066\U000e0041\u3164\u2800\ufe0fc"
"""Terminal sequences, a bell, controls of both kinds, and characters without a width or with a direction."""


@pytest.fixture
def on_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the command line with all output on a terminal; return the exit status and the output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "dumb")  # otherwise Elman's own colours are among the output
    monkeypatch.setenv("COLUMNS", "300")

    def run(*arguments: object, stdin: bytes = b"") -> tuple[int, str]:
        screen = Screen()
        monkeypatch.setattr(sys, "argv", ["elman", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setattr(sys, "stderr", screen)
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, screen.text()

    return run


@pytest.fixture
def foreign(tiny_artifact, tmp_path: Path) -> str:
    """A model whose name, labels and provenance contain the canary, in a file that is named so too."""
    artifact = replace(
        tiny_artifact,
        name=INVISIBLE,
        labels=Labels((INVISIBLE, "b\u202e", "c")),
        provenance={"data": {"source": CANARY}},
    )
    save_artifact(artifact, tmp_path / f"{CANARY}.safetensors")
    return f"{CANARY}.safetensors"


def raw(output: str) -> list[str]:
    """Return what a terminal would act on rather than show."""
    return sorted({character for character in output if escape_invisible(character, kept="\n") != character})


REFUSED = [
    (CANARY,),
    (f"--{CANARY}",),
    ("help", CANARY),
    ("data", CANARY),
    ("predict", f"--{CANARY}"),
    ("predict", "--top", CANARY),
    ("predict", "--model", CANARY, "abc"),
    ("predict", "--model", f"{CANARY}.csv", "abc"),
    ("explain", "4\x1b[1\x07\u202e\u200b\0"),
    ("explain", "abc", "--label", CANARY),
    ("explain", "abc", "--plot", CANARY),
    ("models", "show", CANARY),
    ("models", "shrink", "languages", f"{CANARY}.csv"),
    ("data", "show", CANARY),
    ("data", "show", f"{CANARY}.csv", "--text", CANARY),
    ("data", "show", f"{CANARY}.jsonl"),
    ("data", "show", "languages", "--data", CANARY),
    ("data", "fetch", CANARY),
    ("annotate", f"{CANARY}.csv", "out.csv", "--column", CANARY + "x"),
    ("annotate", CANARY, "out.csv"),
    ("annotate", f"{CANARY}.csv", CANARY),
    ("annotate", "people.csv", "out.csv", "--on-error", CANARY),
    ("train", CANARY),
    ("train", f"{CANARY}.csv", "--cell", CANARY),
    ("evaluate", "languages", CANARY),
    ("evaluate", "languages", f"{CANARY}.csv"),
    ("compare", CANARY),
    ("serve", "--model", CANARY),
    ("serve", "--host", CANARY),
]


@pytest.fixture
def files(tmp_path: Path) -> None:
    (tmp_path / f"{CANARY}.csv").write_text(f'"name{CANARY}","label"\n"{CANARY}","b{CANARY}"\n', newline="")
    (tmp_path / f"{CANARY}.jsonl").write_text('{"other\\u001b": "\\u001b"}\n')


@pytest.mark.parametrize("arguments", REFUSED, ids=lambda arguments: " ".join(arguments).replace(CANARY, "X")[:40])
def test_an_error_shows_no_raw_character(on_screen, files, arguments):
    status, output = on_screen(*arguments)
    assert (status, raw(output)) == (2, [])
    assert output.lstrip().startswith("elman: ") and output.strip().count("\n") == 0


def test_answers_for_strange_names_show_no_raw_character(on_screen, model_file):
    status, output = on_screen("predict", "-m", model_file, CANARY, "abc", CANARY * 50, "\ud800", "a\x00\u2028b")
    assert (status, raw(output)) == (0, [])
    assert r"ab\x1b]0;title\x07" in output
    status, output = on_screen("predict", "-m", model_file, "--top", 1, stdin=f"{CANARY}\0\nname,{CANARY}\n".encode())
    assert (status, raw(output)) == (0, []) and r"\x1b" in output
    status, output = on_screen("predict", "-m", model_file, "--json", CANARY)
    assert (status, raw(output)) == (0, []) and r"\u001b" in output


def test_notes_show_no_raw_character(on_screen, model_file, tmp_path):
    (tmp_path / CANARY).touch()
    status, output = on_screen("predict", "-m", model_file, CANARY, f"{CANARY}.csv")
    assert (status, raw(output), output.count("note: ")) == (0, [], 2)
    status, output = on_screen("predict", "-m", model_file, stdin=f"name,{CANARY}\n".encode())
    assert (status, raw(output), output.count("note: ")) == (0, [], 1)


@pytest.mark.parametrize("name", [CANARY, "cab", "\u202eбаб\x1b"])
def test_an_explanation_shows_no_raw_character(on_screen, model_file, foreign, tmp_path, name):
    for model in (model_file, foreign):
        for options in ((), ("--json",), ("--plot", f"{CANARY}.png"), ("--label", INVISIBLE)[: 2 * (model == foreign)]):
            status, output = on_screen("explain", name, "-m", model, *options)
            assert (status, raw(output)) == (0, [])


def test_a_foreign_model_shows_no_raw_character(on_screen, foreign, tmp_path):
    for options in (("predict", "-m", foreign, "abc", "Z"), ("predict", "-m", foreign, "--json", "abc")):
        status, output = on_screen(*options)
        assert (status, raw(output)) == (0, []) and "202e" in output
    for options in ((), ("--json",), ("--plot", f"{CANARY}.png")):
        status, output = on_screen("models", "show", foreign, *options)
        assert (status, raw(output)) == (0, [])
    (tmp_path / f"{CANARY}.md").write_bytes(
        f"# Card {CANARY}\n\n- `{CANARY}`\n\n    {CANARY}\n\n\xff".encode("latin-1", "replace")
    )
    status, output = on_screen("models", "show", foreign)
    assert (status, raw(output)) == (0, []) and "Card ab" in output
    status, output = on_screen("models", "shrink", foreign, f"small{CANARY}.safetensors")
    assert (status, raw(output)) == (0, []) and "small" in output


def test_a_data_set_shows_no_raw_character(on_screen, tmp_path):
    folder = tmp_path / CANARY
    folder.mkdir()
    (folder / f"b{CANARY}.txt").write_text("abc\n")
    (folder / "Alfa.txt").write_text(f"abc\n{CANARY}\n", newline="")
    status, output = on_screen("data", "show", CANARY)
    assert (status, raw(output)) == (0, []) and "Alfa" in output


def test_a_run_and_its_evaluation_show_no_raw_character(on_screen, tmp_path):
    folder, out = tmp_path / CANARY, f"run{CANARY}"
    folder.mkdir()
    for label in ("Alfa", "b\u3164\u2800", "c\ufe0f"):
        (folder / f"{label}.txt").write_text("".join(f"{label[0]}{a}{b}\n" for a in "abcdef" for b in "uvwxyz"))
    (folder / f"hidden{CANARY}").touch()
    options = ("--epochs", 1, "--hidden-size", 4, "--embedding-size", 4, "--threads", 1)
    for arguments in (
        ("train", CANARY, "--out", out, *options),
        ("evaluate", out, CANARY, "--baseline", "quick", "--out", "e"),
    ):
        status, output = on_screen(*arguments)
        assert (status, raw(output)) == (0, []) and r"\u202e" in output, output
    assert r"b\u3164\u2800" in output and "note: " in output


def test_an_annotated_table_shows_no_raw_character(on_screen, model_file, tmp_path):
    (tmp_path / f"{CANARY}.csv").write_text(f'name,"{CANARY}"\nabc,"{CANARY}"\n', newline="")
    options = ("--model", model_file, "--processes", 1)
    status, output = on_screen("annotate", f"{CANARY}.csv", f"out{CANARY}.csv", *options)
    assert (status, raw(output)) == (0, []) and "1 row" in output


@pytest.fixture
def typing(foreign: str, tmp_path: Path) -> Iterator[Conversation]:
    talk = Conversation("predict", "--model", tmp_path / foreign)
    yield talk
    talk.close()


def test_a_prompt_shows_no_raw_character(typing):
    output = typing.read_until(b"name> ")
    typing.type("ab\u202e\u200bc\x9b\n".encode())
    output += typing.read_until(b"name> ").partition(b"\n")[2]  # the echo of what is typed is the terminal's own
    typing.type(b"quit\n")
    text = output.decode().replace("\r\n", "\n")
    assert raw(text) == [] and r"\u202e" in text
