"""``elman data``: list, show and fetch data sets, without a network."""

import re
from dataclasses import replace

import pytest

from elman.data.catalog import CATALOG
from elman.errors import DataError


def error_line(outcome) -> str:
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def test_list_names_every_set_with_its_origin(elman_here):
    outcome = elman_here("data", "list")
    assert (outcome.status, outcome.err) == (0, "")
    assert len(outcome.out.splitlines()) == len(CATALOG)
    for entry in CATALOG.values():
        assert f"{entry.name}: {entry.about}" in outcome.out
        assert entry.origin in outcome.out


def test_show_counts_examples_and_different_strings_of_each_label(elman_here, toy_folder, toy_lines):
    outcome = elman_here("data", "show", toy_folder)
    assert (outcome.status, outcome.err) == (0, "")
    for label, lines in toy_lines.items():
        row = re.search(rf"^[│|] {label} .*$", outcome.out, re.MULTILINE).group()
        assert [int(number) for number in re.findall(r"\d+", row)][:2] == [len(lines), len(set(lines))]


def test_show_counts_strings_that_other_labels_share(elman_here, tmp_path):
    (tmp_path / "shared.tsv").write_text("name\tlabel\nLee\tEnglish\nLEE\tChinese\nWong\tChinese\nlee\tChinese\n")
    out = elman_here("data", "show", "shared.tsv").out
    rows = {label: re.findall(r"\d+", re.search(rf"{label}.*", out).group()) for label in ("Chinese", "English")}
    assert rows == {"Chinese": ["3", "2", "1"], "English": ["1", "1", "1"]}


def test_show_accounts_for_every_line(elman_here, tmp_path):
    (tmp_path / "rows.csv").write_text('name,label\nabc,Alfa\n"xyz,",Beta\n,Alfa\nabc\n')
    out = elman_here("data", "show", "rows.csv").out
    assert "4 lines read, 2 examples; 1 dropped: malformed row; 1 dropped: blank; 1 repaired: stray comma" in out


def test_show_reads_the_named_set_from_a_folder(elman_here, real_names):
    outcome = elman_here("data", "show", "languages", "--data", real_names)
    assert outcome.status == 0
    assert all(label in outcome.out for label in CATALOG["languages"].labels)


def test_show_refuses_a_folder_without_the_named_set(elman_here, toy_folder):
    assert "Arabic.txt" in error_line(elman_here("data", "show", "languages", "--data", toy_folder))


@pytest.mark.parametrize("data", ["absent", "absent.csv"])
def test_show_names_what_is_missing(elman_here, data):
    assert data in error_line(elman_here("data", "show", data))


def test_fetch_refuses_a_name_that_is_not_in_the_catalog(elman_here):
    line = error_line(elman_here("data", "fetch", "planets"))
    assert "'planets'" in line
    assert "languages" in line


def test_fetch_without_a_network_is_an_error_and_leaves_no_file(elman_here, tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", fail)
    line = error_line(elman_here("data", "fetch", "languages"))
    assert CATALOG["languages"].url in line
    assert "--data DIR" in line
    assert list((tmp_path / "cache").iterdir()) == []


def test_fetch_refuses_a_download_that_is_not_an_archive(elman_here, tmp_path, monkeypatch):
    def download_login_page(_: object, url: str, file: str, pooch: object) -> None:
        with open(file, "w") as page:
            page.write("<html>Please log in</html>")

    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", download_login_page)
    assert "zip archive" in error_line(elman_here("data", "fetch", "languages"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_fetch_prints_the_folder_of_a_set_that_was_fetched_before(elman_here, tmp_path, monkeypatch):
    folder = tmp_path / "cache" / "languages"
    folder.mkdir(parents=True)
    for label in CATALOG["languages"].labels:
        (folder / f"{label}.txt").write_text("name\n")
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    outcome = elman_here("data", "fetch", "languages")
    assert (outcome.status, outcome.out.strip()) == (0, str(folder))


def test_a_cached_set_that_lacks_a_file_is_refused(elman_here, tmp_path, monkeypatch):
    folder = tmp_path / "cache" / "languages"
    folder.mkdir(parents=True)
    for label in CATALOG["languages"].labels[1:]:
        (folder / f"{label}.txt").write_text("name\n")
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    assert f"{CATALOG['languages'].labels[0]}.txt" in error_line(elman_here("data", "fetch", "languages"))


def test_python_refuses_an_unknown_set_too():
    from elman.data.reading import read_named

    with pytest.raises(DataError, match="'planets'"):
        read_named("planets")


def test_show_counts_the_pairs_of_each_part(elman_here, tmp_path, monkeypatch):
    (tmp_path / "a.train").write_text("ann\tAE N\nread\tR IY D\nread\tR EH D\n")
    (tmp_path / "a.ref").write_text("lee\tL IY\tL EY\n")
    words = replace(
        CATALOG["pronunciation"], files={"train": "a.train", "test": "a.ref"}, digests={"a.train": "", "a.ref": ""}
    )
    monkeypatch.setitem(CATALOG, "pronunciation", words)
    outcome = elman_here("data", "show", "pronunciation", "--data", tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("pronunciation: 4 lines read, 4 examples")
    rows = {part: re.findall(r"\d+", re.search(rf"{part} .*", outcome.out).group()) for part in ("train", "test")}
    assert rows == {"train": ["2", "3", "1"], "test": ["1", "2", "1"]}


def test_show_counts_strings_without_labels(elman_here, tmp_path, monkeypatch):
    (tmp_path / "names.txt").write_text("emma\nava\nemma\n")
    assert re.search(r"\(no label\)\D*3\D*2\D*0", elman_here("data", "show", "given-names", "--data", tmp_path).out)
    assert "names.txt" in error_line(elman_here("data", "show", "given-names", "--data", tmp_path / "absent"))
