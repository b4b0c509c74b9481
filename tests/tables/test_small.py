"""Small tables: levels of labels, and shares of a population."""

import pytest

from elman.errors import DataError
from elman.tables import small
from elman.tables.small import read_levels, read_shares, read_small_table


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_levels_are_read_by_label(write):
    names, groups = read_levels(write('label,region,continent\nGreek, South ,Europe\n"Irish, all",North,Europe\n'))
    assert names == ["label", "region", "continent"]
    assert groups == {"Greek": ["South", "Europe"], "Irish, all": ["North", "Europe"]}


def test_shares_are_read_from_either_kind_of_table(write):
    assert read_shares(write("label\tshare\nGreek\t0.25\nIrish\t3\n", "shares.tsv")) == {"Greek": 0.25, "Irish": 3.0}
    assert read_shares(write("label;share\nGreek;1e2\n")) == {"Greek": 100.0}


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_levels, "label\nGreek\n", "a column of labels and one for each level above; got one column"),
        (read_levels, "label,region\nGreek,a\nGreek,b\n", "has the label 'Greek' twice"),
        (read_shares, "label,share,more\nGreek,1,2\n", "expected two columns, labels and shares; got 3"),
        (read_shares, "label,share\nGreek,a lot\n", "a number of at least 0 for 'Greek'; got 'a lot'"),
        (read_shares, "label,share\nGreek,-1\n", "a number of at least 0 for 'Greek'; got '-1'"),
        (read_shares, "label,share\nGreek,nan\n", "a number of at least 0 for 'Greek'; got 'nan'"),
        (read_shares, "label,share\nGreek,1\nGreek,2\n", "has the label 'Greek' twice"),
    ],
)
def test_other_tables_are_refused_in_one_line(write, read, text, message):
    with pytest.raises(DataError, match=message) as refused:
        read(write(text))
    assert "\n" not in str(refused.value)


def test_files_that_are_no_small_table_are_refused(write, tmp_path, monkeypatch):
    for path in (tmp_path / "missing.csv", write("{}", "table.jsonl")):
        with pytest.raises(DataError, match=path.name):
            read_small_table(path)
    monkeypatch.setattr(small, "MOST_ROWS", 2)
    with pytest.raises(DataError, match="at most 2 rows"):
        read_small_table(write("a,b\n1,2\n3,4\n5,6\n"))
