"""`elman generate` and `elman score`: lines for people and programs, JSON, and one line for bad input."""

import json

import pytest

import elman

NAMES = [
    f"{start}{end}"
    for start in ["ka", "mi", "ta", "no", "ri", "se", "yo", "ha"]
    for end in ("moto", "ra", "na", "ko", "mi")
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a tiny run without labels and one with labels."""
    from elman.training.options import new_config
    from elman.training.shortcut import train_run

    folder = tmp_path_factory.mktemp("runs")
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in NAMES), encoding="utf-8")
    rows = "".join(f"{name},{'A' if name.endswith('o') else 'B'}\n" for name in NAMES)
    (folder / "names.csv").write_text(f"name,label\n{rows}", encoding="utf-8")
    for name in ("names.txt", "names.csv"):
        path = folder / name
        options = {"task": "generate", "hidden_size": 12, "epochs": 2, "validation_share": 0.2, "test_share": 0.2}
        config = new_config(str(path), "tiny", options)
        train_run(str(path), config, folder / name.replace(".", "-"), quiet=True)
    return folder


def test_strings_are_printed_one_a_line_and_the_seed_repeats_them(elman_here, runs):
    done = elman_here("generate", runs / "names-txt", "--count", 4, "--start", "ka", "--seed", 1)
    assert done.status == 0
    lines = done.out.splitlines()
    assert len(lines) == 4 and all(line.startswith("ka") for line in lines)
    assert lines == [str(one) for one in elman.load(runs / "names-txt").sample(count=4, start="ka", seed=1)]


def test_json_has_the_fields_of_a_sample(elman_here, runs):
    done = elman_here("generate", runs / "names-csv", "--label", "A", "-n", 2, "--unseen", "--seed", 1, "--json")
    samples = json.loads(done.out)
    assert [sample["label"] for sample in samples] == ["A", "A"]
    assert {sample["is_seen"] for sample in samples} == {False}
    assert samples == [
        one.to_dict() for one in elman.load(runs / "names-csv").sample("A", count=2, unseen=True, seed=1)
    ]


def test_a_string_that_was_cut_is_noted(elman_here, runs):
    done = elman_here("generate", runs / "names-txt", "--count", 200, "--temperature", 10, "--seed", 1)
    assert done.status == 0 and "no end after 12 symbols, the most that the model writes" in done.err


def test_scores_are_those_of_python_and_a_reason_where_there_is_none(elman_here, runs):
    done = elman_here("score", runs / "names-txt", "Kamoto", "Ж")
    found = elman.load(runs / "names-txt").score("kamoto")
    likely, unknown = done.out.splitlines()
    assert likely == f"Kamoto\t{found.log_probability:.4f}\t{found.nats_per_symbol:.4f}"
    assert unknown == "Ж\t-\tunknown symbol: the model cannot write ж"


def test_names_to_score_come_from_standard_input_too(elman_here, runs):
    done = elman_here("score", runs / "names-csv", "--label", "B", "--json", stdin=b"kara\n\nminako\n")
    found = json.loads(done.out)
    assert [one["name"] for one in found] == ["kara", "", "minako"]
    assert [one["label"] for one in found] == ["B"] * 3 and found[1]["reason"].startswith("blank")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("generate", "names-txt", "--label", "A"), "tiny learned without labels; leave label out"),
        (("generate", "names-csv", "--label", "a"), "tiny has no label 'a'; did you mean 'A'?"),
        (("generate", "names-txt", "--start", "kaЖ"), "the model cannot write 'ж', which start has"),
        (("generate", "names-txt", "--temperature", "0"), "temperature must be a number of at least 0.05 and at most"),
        (("generate", "names-txt", "--count", "0"), "count must be a whole number from 1"),
        (("score", "names-csv", "kara", "--label", "C"), "tiny has no label 'C'; its labels are A, B"),
        (("predict", "kara", "--model", "names-txt"), "use `elman generate`, `elman score` or elman.load"),
    ],
)
def test_bad_input_gives_one_line(elman_here, runs, command, message):
    done = elman_here(*(runs / word if word.startswith("names-") else word for word in command))
    assert (done.status, done.out) == (2, "")
    assert message in done.err and done.err.count("\n") == 1 and "Traceback" not in done.err


@pytest.mark.parametrize("command", ["generate", "score"])
def test_a_model_of_another_kind_is_refused_with_what_to_do(elman_here, tiny_file, command):
    done = elman_here(command, tiny_file)
    assert done.status == 2 and "writes no new strings; give one that `elman train --task generate` made" in done.err


@pytest.mark.parametrize("name", ["ka" * 60, "a\x07b" + "Ж" * 90])
def test_a_long_name_and_a_long_reason_are_printed_whole(elman_here, runs, name):
    scored = elman_here("score", runs / "names-txt", name).out.removesuffix("\n").split("\t")
    said = elman_here("pronounce", name).out.removesuffix("\n").split("\t")
    assert scored[0] == said[0] == name.replace("\x07", "\\x07")
    assert "…" not in "".join(scored + said)
