"""elman estimate: a table in, shares out, printed and in files; and one line for what is refused."""

import csv
import json

import pytest

ESTIMATE = ("estimate", "--model", "languages")
PEOPLE = "surname,town\n" + "".join(
    f"{name},{town}\n"
    for name, town in [
        ("Nakamura", "Kyoto"),
        ("Suzuki", "Kyoto"),
        ("", "Kyoto"),
        ("Rossi", "Roma"),
        ("Bianchi", "Roma"),
        ("Tanaka", "Kyoto"),
        ("123", ""),
    ]
)


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE, encoding="utf-8")
    return path


def test_groups_are_printed_with_counts_and_intervals(elman_here, people):
    done = elman_here(*ESTIMATE, people, "-c", "surname", "--by", "town")
    assert done.status == 0
    assert "Kyoto: 4 rows, 1 without a name, abstained on 0 (0.0%)" in done.out
    assert "(no group): 1 row, abstained on 1 (100.0%)" in done.out and "no name can be read" in done.out
    assert "95% interval" in done.out and "Japanese" in done.out
    assert "note: 3 groups have fewer than 50 names" in done.err


def test_json_and_files_have_all_shares(elman_here, people, tmp_path):
    done = elman_here(*ESTIMATE, people, "-c", "surname", "--by", "town", "--json", "--out", tmp_path / "s.csv")
    values = json.loads(done.out)
    assert values["by"] == "town" and [one["group"] for one in values["groups"]] == ["Kyoto", "Roma", None]
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18 + 18 + 1 and rows[0]["label"] == "Japanese" and float(rows[0]["share"]) > 0.5
    elman_here(*ESTIMATE, people, "-c", "surname", "--by", "town", "--out", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == values


def test_chosen_labels_are_printed_alone(elman_here, people):
    done = elman_here(*ESTIMATE, people, "-c", "surname", "--labels", "Italian, Greek")
    assert "Italian" in done.out and "Greek" in done.out and "Japanese" not in done.out


def test_a_picture_is_drawn(elman_here, people, tmp_path):
    assert elman_here(*ESTIMATE, people, "-c", "1", "--header", "--plot", tmp_path / "s.png").status == 0
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


def test_a_query_is_a_table(elman_here, tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "p.db") as base:
        base.execute("create table people (name text)")
        base.executemany("insert into people values (?)", [("Nakamura",), (None,)])
    done = elman_here(
        *ESTIMATE, "--from-sql", f"sqlite:///{tmp_path / 'p.db'}", "--query", "select * from people order by 1"
    )
    assert done.status == 0 and "2 rows, 1 without a name" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-c", "name"], "expected one column 'name'"),
        (["-c", "surname", "--by", "city"], "expected one column 'city'"),
        (["-c", "surname", "--labels", "Italien"], "there is no 'Italien'; did you mean 'Italian'?"),
        (["-c", "surname", "--level", "region"], "has no levels"),
        (["-c", "surname", "--out", "s.txt"], "ending in .csv or .json"),
        (["-c", "surname", "--out", "there.csv"], "there.csv: exists"),
        (["-c", "surname", "--plot", "s.jpg"], "pictures are PNG files"),
        (["-c", "surname", "--query", "select 1"], "go together"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(elman_here, people, tmp_path, arguments, message):
    (tmp_path / "there.csv").write_text("")
    done = elman_here(*ESTIMATE, people, *arguments)
    assert done.status == 2 and message in done.err and done.err.count("\n") == 1
