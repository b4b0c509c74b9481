"""Shares from Python: lists, columns, groups, levels; and what is refused."""

import subprocess
import sys
from dataclasses import replace

import pytest

import elman
from elman.errors import DataError, SettingError
from elman.model.hierarchy import Levels
from elman.shares import sample as sample_module
from elman.shares.estimates import Estimator, estimate_shares, estimate_table, place_labels
from elman.shares.report import COLUMNS

NAMES = ["Nakamura", "Yamamoto", "Suzuki", "Tanaka", "Rossi", "Bianchi"]


HALVES = Levels(("language", "half"), (("first",) * 9 + ("second",) * 9,))


def estimate(names, by=None, **settings):
    return estimate_shares(names, by, **{"model": "languages", **settings})


@pytest.fixture(scope="module")
def languages() -> elman.Predictor:
    return elman.load("languages")


def test_a_list_is_one_group_whose_shares_sum_to_1():
    (group,) = estimate(NAMES).groups
    assert (group.group, group.names, group.read, group.abstained) == (None, 6, 6, 0)
    assert sum(share.share for share in group.shares) == pytest.approx(1)
    assert [share.label for share in group.shares[:2]] == ["Japanese", "Italian"]
    assert group["Japanese"].counted == pytest.approx(4 / 6)
    assert all(share.low <= share.share <= share.high for share in group.shares)


def test_missing_names_and_abstentions_are_counted_apart():
    report = estimate([*NAMES, None, "", "  ", "12345"])
    (group,) = report.groups
    assert (group.names, group.missing, group.read, group.abstained) == (10, 3, 7, 1)
    assert group.shares == estimate(NAMES).groups[0].shares
    assert any("fewer than 50 names" in note for note in report.notes)


def test_each_group_is_estimated_as_if_it_were_alone():
    groups = ["a", "a", "a", "b", "b", "b"]
    report = estimate(NAMES, groups)
    assert {one.group for one in report.groups} == {"a", "b"}
    for one in report.groups:
        alone = estimate([name for name, group in zip(NAMES, groups, strict=True) if group == one.group])
        for share in one.shares:
            assert alone.groups[0][share.label].share == pytest.approx(share.share, abs=1e-6)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "numpy"])
def test_columns_of_any_library_are_read(library):
    module = pytest.importorskip(library)
    column = getattr(module, {"pyarrow": "array", "numpy": "array"}.get(library, "Series"))
    report = estimate(column(NAMES), column([1, 1, 2, 2, 2, 2]))
    assert [(one.group, one.names) for one in report.groups] == [("2", 4), ("1", 2)]


def test_a_group_without_a_readable_name_has_no_shares_and_one_row():
    report = estimate([*NAMES, "123", None], [*["a"] * 6, "b", "b"])
    assert report.groups[1].shares == ()
    rows = [row for row in report.rows() if row["group"] == "b"]
    assert len(rows) == 1 and tuple(rows[0]) == COLUMNS and rows[0]["share"] is None


def test_a_level_sums_the_shares_of_its_labels(languages):
    predictor = elman.Predictor(replace(languages.artifact, levels=HALVES, sets=None))
    labels = {share.label: share for share in estimate(NAMES, model=predictor).groups[0].shares}
    report = estimate(NAMES, model=predictor, level="half")
    sums = [sum(labels[name].share for name in part) for part in (predictor.labels[:9], predictor.labels[9:])]
    found = report.groups[0]
    assert report.level == "half" and len(found.shares) == 2
    assert [found["first"].share, found["second"].share] == pytest.approx(sums)
    assert found["second"].low <= sums[1] <= found["second"].high


def test_a_model_without_levels_refuses_a_level(languages):
    with pytest.raises(SettingError, match="has no levels above its labels"):
        place_labels(languages.artifact, "region")


def test_a_large_group_is_sampled_and_says_so(monkeypatch):
    monkeypatch.setattr(sample_module.Sample.__init__, "__kwdefaults__", {"most": 4})
    report = estimate(NAMES * 3)
    assert (report.groups[0].names, report.groups[0].read) == (18, 4)
    assert any("were drawn at random" in note for note in report.notes)


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        ("Nakamura", {}, "names must be a list or a column"),
        ([], {}, "at least one name"),
        (NAMES, {"by": ["a"]}, "a group for each of the 6 names; got 1"),
        (NAMES, {"by": "abcdef"}, "by must be a list or a column"),
        (NAMES, {"draws": 5}, "draws must be a whole number of at least 50"),
        (NAMES, {"seed": -1}, "seed must be"),
    ],
)
def test_what_cannot_be_estimated_is_refused(names, settings, message):
    with pytest.raises(SettingError, match=message):
        estimate(names, **settings)


def test_a_table_of_several_files_is_one_table(languages, tmp_path):
    (tmp_path / "a.csv").write_text("surname,town\nNakamura,Kyoto\nSuzuki,\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("surname,town\nRossi,Roma\nTanaka,Kyoto\n", encoding="utf-8")
    estimator = Estimator(languages)
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    report = estimate_table(estimator, paths, column="surname", by="town")
    assert [(one.group, one.names) for one in report.groups] == [("Kyoto", 2), (None, 1), ("Roma", 1)]
    whole = estimate_table(estimator, paths, column="surname").groups[0]
    assert whole.shares == estimate(["Nakamura", "Suzuki", "Rossi", "Tanaka"]).groups[0].shares


def test_a_table_without_rows_or_groups_is_refused(languages, tmp_path):
    estimator, path = Estimator(languages), tmp_path / "a.jsonl"
    path.write_text('{"name": "Rossi"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="no row has a value in the column 'town'"):
        estimate_table(estimator, [str(path)], column="name", by="town")
    path.with_suffix(".csv").write_text("name\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected rows with names; got none"):
        estimate_table(estimator, [str(path.with_suffix(".csv"))], column="name")


def test_shares_need_numpy_alone():
    code = (
        "import sys, elman; elman.estimate_shares(['Nakamura']);"
        "print({'torch', 'scipy', 'matplotlib', 'pyarrow', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("set()\n", "")
