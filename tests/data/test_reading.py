"""Reading: a named set comes from a folder, the cache or the package; any other data are a file or folder."""

import pytest
from pictures import write_picture_folder

from elman.data import reading
from elman.data.catalog import CATALOG, NamedSet, PairFiles, TextSet
from elman.data.examples import JUNK
from elman.data.pairs import normalise_reading, split_pairs
from elman.data.reading import read_named, read_source
from elman.errors import DataError, SettingError
from elman.records import Example, Pair
from elman.tables.formats import TextOptions
from elman.text.normalisation import Normalisation

FILES = {"English": "Smith\nTo The First Page\n", "Japanese": "Ito\nTo The First Page\nAbe\n"}
EXAMPLES = (Example("Smith", "English"), Example("Ito", "Japanese"), Example("Abe", "Japanese"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache, empty and not made yet; the catalog has a tiny set more, and no download is allowed."""
    tiny = NamedSet(
        name="tiny",
        about="two labels",
        origin="this test",
        url="https://example.invalid/tiny.zip",
        folder="data/names",
        labels=tuple(FILES),
        junk=frozenset({"To The First Page"}),
    )
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(CATALOG, "tiny", tiny)
    monkeypatch.setattr("elman.data.download._use_pooch", lambda progress: refuse)
    return tmp_path / "cache"


def refuse(*_):
    raise AssertionError("must not download")


def fill(folder):
    folder.mkdir(parents=True)
    for label, content in FILES.items():
        (folder / f"{label}.txt").write_text(content, encoding="utf-8")
    return folder


def test_a_cached_set_is_read_without_its_junk_lines(cache):
    fill(cache / "tiny")
    found = read_named("tiny")
    assert found.examples == EXAMPLES
    assert (found.lines, found.dropped) == (5, {JUNK: 2})


@pytest.mark.parametrize("inside", [".", "names"])
def test_the_users_folder_is_read_without_a_download(tmp_path, monkeypatch, inside):
    monkeypatch.setattr(reading, "fetch", refuse)
    fill(tmp_path / "mine" / inside)
    assert read_named("tiny", tmp_path / "mine").examples == EXAMPLES


def test_a_folder_without_the_set_is_refused(tmp_path):
    with pytest.raises(DataError, match="mine: does not contain the data set 'tiny'"):
        read_named("tiny", tmp_path / "mine")


def test_an_unknown_name_is_refused():
    with pytest.raises(DataError, match="no data set is named 'klingon'"):
        read_named("klingon")


def test_hello_is_one_pair_that_needs_no_folder(monkeypatch):
    monkeypatch.setattr(reading, "fetch", refuse)
    hello = read_named("hello")
    assert (hello.examples, hello.lines, hello.dropped) == ((Example("hello", "ohlol"),), 1, {})


def test_images_are_read_from_the_users_folder_or_the_cache(tmp_path, cache, monkeypatch):
    write_picture_folder(cache / "mnist", size=4, train=9, test=3)
    assert read_named("mnist").lines == 12
    monkeypatch.setattr(reading, "fetch", refuse)
    folder = write_picture_folder(tmp_path / "mine", size=4, train=12, test=6)
    assert read_named("mnist", folder).lines == 18


def test_a_folder_without_the_images_names_the_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte or .*\.gz is missing"):
        read_named("mnist", tmp_path)


def test_the_real_languages_are_read_from_their_folder(real_names):
    found = read_named("languages", real_names.parent)
    assert {example.label for example in found.examples} == set(CATALOG["languages"].labels)


# What DATA means


def test_data_are_a_named_set_or_a_path(tmp_path):
    folder = fill(tmp_path / "mine")
    assert read_source("tiny", folder).examples == EXAMPLES
    (tmp_path / "table.csv").write_text("word,kind\nSmith,English\nIto,Japanese\n")
    found = read_source(str(tmp_path / "table.csv"), text="word", label="kind", max_characters=4)
    assert (found.examples, found.dropped) == ((Example("Ito", "Japanese"),), {"too long": 1})


def test_a_folder_for_data_that_are_not_a_named_set_is_refused(tmp_path):
    with pytest.raises(SettingError, match=r"'table\.csv' is not a named set; give the folder or file as DATA"):
        read_source("table.csv", tmp_path)


UNUSED = [
    ({"text": "word"}, "--text would have no effect on {}; leave it out"),
    ({"label": "2"}, "--label would have no effect on {}; leave it out"),
    (
        {"options": TextOptions(delimiter=";")},
        "--delimiter is for CSV and TSV, and would have no effect on {}; leave it",
    ),
    (
        {"options": TextOptions(header=False)},
        "--header and --no-header are for CSV and TSV, and would have no effect on",
    ),
]
FOR_FILES = [
    ({"max_characters": 5}, "--max-characters would have no effect on {}"),
    ({"on_error": "skip"}, "--on-error would have no effect on {}"),
    ({"options": TextOptions(encoding="cp1252")}, "--encoding is for text files, and would have no effect on {}"),
]


@pytest.mark.parametrize(("settings", "message"), [*UNUSED, *FOR_FILES])
@pytest.mark.parametrize("data", ["tiny", "images"])
def test_a_setting_that_shapes_only_the_reading_of_tables_is_refused(
    cache, tmp_path, monkeypatch, data, settings, message
):
    monkeypatch.chdir(tmp_path)
    fill(cache / "tiny")
    write_picture_folder(tmp_path / "images", size=4, train=9, test=3)
    title = {"tiny": "the named set 'tiny'", "images": "a folder of images"}[data]
    with pytest.raises(SettingError) as refused:
        read_source(data, **settings)
    assert str(refused.value).startswith(message.format(title))
    assert read_source(data, text="name", label="label", max_characters=100, options=TextOptions()).lines > 0


@pytest.mark.parametrize(("settings", "message"), UNUSED)
def test_a_setting_of_columns_is_refused_for_a_folder_of_label_files(tmp_path, settings, message):
    folder = str(fill(tmp_path / "mine"))
    with pytest.raises(SettingError) as refused:
        read_source(folder, **settings)
    assert str(refused.value).startswith(message.format("a folder of Label.txt files"))
    assert read_source(folder, max_characters=4, on_error="stop", options=TextOptions(encoding="cp1252")).lines == 5


def test_an_option_that_no_table_has_a_use_for_is_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"name": "Ito", "label": "Japanese"}\n')
    with pytest.raises(SettingError, match=r"--delimiter is for CSV and TSV, and would have no effect on .*a\.jsonl"):
        read_source(str(tmp_path / "a.jsonl"), options=TextOptions(delimiter=";"))
    assert read_source(str(tmp_path / "a.jsonl"), options=TextOptions(encoding="cp1252")).lines == 1


def test_parts_of_pairs_and_lines_without_labels_are_named_sets_too(tmp_path, monkeypatch):
    files = {
        "w_64": "andri\tأ ن د ر ي\t3\nito\tإ ي ت و\t1\n",
        "w_16": "lee\tل ي\t2\n",
        "w_20": "ito\tإ ت و\t1\n",
        "names.txt": "emma\n\nava\nemma\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    about = {"about": "", "origin": "this test", "url": "https://example.invalid/"}
    parts = dict(zip(("train", "validation", "test"), files, strict=False))
    words = PairFiles("words", files=parts, digests=dict.fromkeys(parts.values(), ""), count="3", join=True, **about)
    monkeypatch.setitem(CATALOG, "words", words)
    monkeypatch.setitem(CATALOG, "lines", TextSet("lines", digests={"names.txt": ""}, **about))
    pairs = read_named("words", tmp_path)
    assert pairs.examples == (Pair("andri", ("أندري",), (3,)), Pair("ito", ("إيتو",), (1,)))
    assert [pair.source for pair in pairs.all] == ["andri", "ito", "lee", "ito"] and pairs.lines == 4
    lines = read_named("lines", tmp_path)
    assert [(one.text, one.label) for one in lines.examples] == [("emma", ""), ("ava", ""), ("emma", "")]
    assert (lines.lines, lines.dropped) == (4, {"blank": 1})
    with pytest.raises(SettingError, match="--text would have no effect on the named set 'words'"):
        read_source("words", tmp_path, text="word")


def test_the_published_pairs_have_the_sizes_that_papers_state(real_data):
    pronunciation = read_named("pronunciation", real_data("pronunciation"))
    split = split_pairs(normalise_reading(pronunciation, Normalisation()), seed=1)
    assert split.sizes == {"train": 106_837 - 2670, "validation": 2670, "test": 12_000}
    assert sum(len(pair.targets) for pair in split.test) == 12_753
    korean = read_named("transliteration-korean", real_data("transliteration"))
    assert [len(part) for part in (korean.examples, korean.validation, korean.test)] == [26_406, 6601, 8251]
    assert len(read_named("given-names", real_data("generation")).examples) == 32_033
