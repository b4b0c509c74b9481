"""The build: an honest split, counts of everything, and what is left out on request."""

import csv
import json
import sys
from functools import partial

import pytest

from release.origins import build
from release.origins.rows import PARTS, Row, key_of, make_row, part_of
from release.origins.sources import read_nana


@pytest.fixture
def run(made_up, tmp_path, monkeypatch):
    """A function that runs the command with options and returns the rows of each file, and the counts."""
    monkeypatch.setattr(build, "read_nana", partial(read_nana, sha256=made_up.sha256))
    monkeypatch.setattr(build, "FEWEST", 1)

    def run_build(*options):
        out = tmp_path / "out"
        command = ["build", "--nana", made_up.wheel, "--data", made_up.data, "--out", out, *options]
        monkeypatch.setattr(sys, "argv", list(map(str, command)))
        build.main()
        files = {}
        for path in out.glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                files[path.stem] = [Row(*row) for row in list(csv.reader(file))[1:]]
        return files, json.loads((out / "counts.json").read_text("utf-8"))

    return run_build


def test_no_key_is_in_two_parts(run):
    files, _ = run()
    keys = [{key_of(row.name) for row in files[part]} for part in PARTS]
    assert all(keys)
    assert not (keys[0] & keys[1] or keys[0] & keys[2] or keys[1] & keys[2])


def test_stored_names_are_where_their_key_says(run):
    files, _ = run()
    stored = [(part, row) for part in PARTS for row in files[part] if row.source != "faker"]
    assert len(stored) == 7
    assert all(part_of(key_of(row.name)) == part for part, row in stored)


def test_a_name_and_label_of_two_sources_is_one_row_of_the_first(run):
    files, _ = run()
    rows = [row for part in PARTS for row in files[part] if row.name in ("Kari Nordmann", "Juan Pérez")]
    assert sorted((row.name, row.source) for row in rows) == [("Juan Pérez", "openfootball"), ("Kari Nordmann", "nana")]


def test_counts_add_up_and_say_what_maps_nowhere(run):
    files, counts = run()
    assert counts["rows"] == {part: len(files[part]) for part in PARTS}
    assert sum(counts["source"].values()) == sum(counts["script"].values()) == sum(map(len, files.values()))
    assert counts["unmapped"]["openfootball"] == {"Australia": 1}
    assert counts["labels"]["Swiss"]["source"] == {"goalscorers": 1}


def test_a_source_that_is_held_out_is_in_no_part_and_its_other_names_are_in_a_file(run):
    files, _ = run("--without", "openfootball")
    assert not any(row.source == "openfootball" for part in PARTS for row in files[part])
    assert files["held_out"] == []  # the goal scorers have the one name that NaNa does not have
    files, _ = run("--without", "goalscorers")
    assert [row.name for row in files["held_out"]] == ["Max Muster"]


def test_labels_that_are_left_out_are_in_a_file_of_their_own(run):
    files, _ = run("--without-labels", "2")
    left = {row.label for row in files["left_out"]}
    assert len(left) == 2
    assert not any(row.label in left for part in PARTS for row in files[part])


def test_labels_with_few_names_are_left_out(monkeypatch):
    monkeypatch.setattr(build, "FEWEST", 2)
    many = [make_row(name, "Danish", "nana", "full") for name in ("A B", "C D")]
    few = [make_row("E F", "Finnish", "nana", "full")]
    assert build.enough({"train": many, "test": few}) == {"train": many, "test": []}
