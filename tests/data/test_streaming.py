"""Streaming: the shards of a source hold what the splits and the augmentation make of it in memory."""

import errno
import gzip
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from elman.data import splits, streaming
from elman.data.augment import add_folded_spellings
from elman.data.examples import read_examples
from elman.data.shards import Shards
from elman.data.splits import HASHED, split_examples
from elman.data.streaming import stream_examples
from elman.errors import DataError, SettingError, TrainingError
from elman.records import Example
from elman.text.normalisation import Normalisation

SHARES = {"test_share": 0.2, "validation_share": 0.1}
SMALL = 20_000  # bytes: the table then makes several shards


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Some 1,500 rows with copies, spellings, accents, strings of several labels, and rows that are dropped."""
    draw, path = np.random.default_rng(4), tmp_path_factory.mktemp("table") / "people.csv"
    syllables = ["ka", "mi", "to", "né", "öl", "son", "dorf", "ov", "Ł", "ev"]
    texts = ["".join(draw.choice(syllables, draw.integers(1, 5))) for _ in range(1500)]
    rows = [f"{text},{draw.choice(['Alfa', 'Beta', 'Gamma'])}" for text in texts]
    path.write_text(
        "\n".join(["name,label", *rows, "Ka ,Alfa", ",Beta", "ok,", "\u200b,Alfa"]) + "\n", encoding="utf-8"
    )
    return path


@pytest.fixture
def stream(table, tmp_path):
    def build(path=None, **settings):
        usual = {"normalisation": Normalisation(), "shard_bytes": SMALL, **SHARES}
        return stream_examples(path or table, tmp_path / "run" / "shards", **{**usual, **settings})

    return build


def in_memory(table, *, seed=0):
    """Return the same split without shards."""
    reading, normalisation = read_examples(table), Normalisation()
    examples = [Example(normalisation.apply(one.text), one.label) for one in reading.examples]
    return split_examples([one for one in examples if one.text], HASHED, seed=seed, **SHARES)


def training_of(shards: Shards) -> list[Example]:
    return [one for number in range(len(shards)) for one in shards.load(number).select(shards.index.labels)]


@pytest.mark.parametrize("seed", [0, 7])
def test_shards_hold_the_parts_of_the_hashed_split_with_folded_spellings(stream, table, seed):
    shards, split = stream(seed=seed).shards, in_memory(table, seed=seed)
    assert len(shards) > 3
    learned = add_folded_spellings(split.train)
    assert Counter(training_of(shards)) == Counter(learned) and len(learned) > len(split.train)
    assert set(shards.load_part("test")) == set(split.test)
    assert set(shards.load_part("validation")) == set(split.validation)
    assert (shards.index.sizes, shards.index.fingerprint) == (split.sizes, split.fingerprint)


def test_the_index_counts_what_examples_in_memory_say(stream, table):
    index, split = stream().shards.index, in_memory(table)
    learned = add_folded_spellings(split.train)
    assert index.symbols == Counter(symbol for one in learned for symbol in one.text)
    named = zip(index.labels, index.copies, strict=True)
    assert dict(named) == {label: sum(e.count for e in split.train if e.label == label) for label in index.labels}
    copies = Counter((one.label, one.count) for one in learned)
    assert {(index.labels[label], count): found for label, count, found in index.counts} == copies


def test_rows_are_counted_as_in_memory_and_so_are_strings_that_normalisation_empties(stream, table):
    found, expected = stream(), read_examples(table)
    assert (found.lines, found.repaired, found.notes) == (expected.lines, expected.repaired, expected.notes)
    assert found.dropped == {**expected.dropped, "blank": expected.dropped["blank"] + 1}


def test_no_shard_is_larger_than_asked_and_no_string_is_in_two(stream):
    shards = stream().shards
    loaded = [shards.load(number) for number in range(len(shards))]
    assert max(shard.bytes for shard in loaded) <= SMALL
    texts = [{one.text for one in shard.select(shards.index.labels)} for shard in loaded]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_shards_do_not_depend_on_how_the_source_is_cut(stream, monkeypatch, tmp_path):
    expected = training_of(stream().shards)
    read = streaming.read_strings

    def read_few(*arguments, **settings):
        for strings, labels in read(*arguments, **settings):
            for start in range(0, len(strings), 70):
                yield strings[start : start + 70], labels[start : start + 70]

    monkeypatch.setattr(streaming, "read_strings", read_few)
    monkeypatch.setattr(streaming, "WAITING_CHARACTERS", 50)
    (tmp_path / "run" / "shards" / "index.json").unlink()
    assert training_of(stream().shards) == expected


def test_parts_that_are_kept_back_are_bounded_and_the_rest_trains(stream, table, monkeypatch):
    monkeypatch.setattr(splits, "MOST_KEPT_BACK", 20)
    shards, split = stream().shards, in_memory(table)
    assert len({Normalisation(accents=False).apply(one.text) for one in split.test}) == 20
    assert (shards.index.sizes, shards.index.fingerprint) == (split.sizes, split.fingerprint)
    assert shards.index.sizes["train"] > sum(shards.index.sizes.values()) * 0.8


def test_complete_shards_of_the_same_source_are_used_again(stream, table):
    first = stream().shards
    written = (first.folder / "index.json").stat().st_mtime_ns
    assert (stream().shards.folder / "index.json").stat().st_mtime_ns == written
    assert stream(seed=3).shards.index.fingerprint != first.index.fingerprint
    os.utime(table, ns=(1, 1))
    assert stream().shards.index.origin != first.index.origin


@pytest.mark.parametrize("name", ["00001.npz", "test.npz", "index.json"])
def test_incomplete_shards_are_made_again(stream, name):
    shards = stream().shards
    expected = training_of(shards)
    (shards.folder / name).unlink()
    assert training_of(stream().shards) == expected


def test_a_damaged_shard_is_refused_with_what_to_do(stream):
    shards = stream().shards
    content = bytearray((shards.folder / "00001.npz").read_bytes())
    content[len(content) // 2] ^= 255
    (shards.folder / "00001.npz").write_bytes(content)
    with pytest.raises(TrainingError, match=r"00001.npz: is missing or damaged .* start again"):
        shards.load(1)


class Stop(BaseException):
    """What Ctrl-C or a bug raises."""


@pytest.mark.parametrize("stage", ["read", "written"])
def test_an_interrupted_pass_leaves_nothing_behind(stream, tmp_path, stage):
    def interrupt(what: str, rows: int) -> None:
        if what == stage and rows:
            raise Stop

    with pytest.raises(Stop):
        stream(on_rows=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(stream, tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(DataError, match="no such file"):
        stream("nowhere.csv")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_full_disk_is_told_before_and_while_files_are_written(stream, tmp_path, monkeypatch):
    monkeypatch.setattr(streaming, "LEAST_FREE", 2**80)
    with pytest.raises(TrainingError, match="the disk is full"):
        stream()

    def fail(self: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(streaming._Rows, "_write", fail)
    with pytest.raises(TrainingError, match="with --out"):
        stream()
    assert list(tmp_path.iterdir()) == []


def test_packed_files_and_folders_of_labels_are_streamed_too(stream, table, toy_folder, tmp_path):
    packed = tmp_path / "people.csv.gz"
    packed.write_bytes(gzip.compress(table.read_bytes()))
    assert stream(packed).shards.index.fingerprint == in_memory(table).fingerprint
    assert stream(toy_folder).shards.index.labels == ["Alfa", "Beta", "Gamma"]


def test_a_sample_keeps_rows_that_train_as_they_are_in_the_source(stream, table, monkeypatch):
    monkeypatch.setattr(streaming, "SAMPLE", 300)
    sample, split = stream().examples, in_memory(table)
    trained = {one.text for one in split.train}
    assert 100 < len(sample) <= 300
    assert {Normalisation().apply(one.text) for one in sample} <= trained
    assert any(one.text != one.text.lower() for one in sample)


def test_a_source_without_examples_is_refused(stream, tmp_path):
    (tmp_path / "empty.csv").write_text("name,label\n\u200b,Alfa\n", encoding="utf-8")
    with pytest.raises(DataError, match="no usable example in 1 line; dropped: 1 blank"):
        stream(tmp_path / "empty.csv")


def test_too_few_examples_and_too_many_labels_are_refused(stream, tmp_path, monkeypatch):
    (tmp_path / "few.csv").write_text("name,label\nann,x\nbob,y\n")
    with pytest.raises(DataError, match="too few examples to split by hash"):
        stream(tmp_path / "few.csv")
    monkeypatch.setattr("elman.text.vocabulary.MOST_LABELS", 2)
    monkeypatch.setattr(streaming, "MOST_LABELS", 2)
    with pytest.raises(DataError, match="at most 2 labels; got 3"):
        stream()


def test_rows_that_cannot_be_read_stop_if_asked(stream, tmp_path):
    (tmp_path / "bad.csv").write_text("name,label\nann,a\x01b\n")
    with pytest.raises(DataError, match="row 1"):
        stream(tmp_path / "bad.csv", on_error="stop")
    with pytest.raises(SettingError):
        stream(on_error="never")


def test_shards_hold_no_pickles(stream):
    folder: Path = stream().shards.folder
    for path in folder.glob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype.kind in "uib" for name in arrays.files)
