"""Pairs: every form of a file gives the same pairs, each line is accounted for, and no source is in two parts."""

import json

import pytest

from elman.data.pairs import (
    BLANKS,
    IN_ANOTHER_PART,
    NO_TARGET,
    Pair,
    PairReading,
    count_targets,
    drop_labels,
    join_parts,
    normalise_reading,
    read_transcriptions,
    split_pairs,
    swap_reading,
)
from elman.data.reading import account
from elman.errors import DataError, SettingError
from elman.tables.formats import TextOptions
from elman.text.normalisation import Normalisation

LINES = "ann\tAE N\nread\tR IY D\nread\tR EH D\nlee\tL IY\n"
PAIRS = (Pair("ann", ("AE N",), (1,)), Pair("read", ("R IY D", "R EH D"), (1, 1)), Pair("lee", ("L IY",), (1,)))


def write(folder, name, content):
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def as_json(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.train", LINES),
        ("words.tsv", LINES),
        ("words.ref", "ann\tAE N\nread\tR IY D\tR EH D\nlee\tL IY\n"),
        ("head.tsv", "Source\ttarget\n" + LINES),
        ("words.csv", "source,target\n" + LINES.replace("\t", ",")),
        (
            "lines.jsonl",
            as_json({"source": a, "target": b} for a, b in (line.split("\t") for line in LINES.splitlines())),
        ),
        ("lists.jsonl", as_json({"source": pair.source, "target": list(pair.targets)} for pair in PAIRS)),
    ],
)
def test_each_form_gives_the_same_pairs(tmp_path, name, content):
    reading = read_transcriptions(write(tmp_path, name, content), target_symbols=BLANKS)
    assert (reading.examples, reading.dropped, reading.target_symbols) == (PAIRS, {}, BLANKS)
    assert reading.lines == (3 if name in ("words.ref", "lists.jsonl") else 4)
    assert count_targets(reading.examples) == (4, 1)


def test_parquet_holds_one_target_or_a_list(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"source": [pair.source for pair in PAIRS], "target": [list(pair.targets) for pair in PAIRS]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "lists.parquet")
    plain = {"source": ["ann", "read", "read", "lee"], "target": ["AE N", "R IY D", "R EH D", "L IY"]}
    parquet.write_table(pyarrow.table(plain), tmp_path / "plain.parquet")
    for name in ("lists.parquet", "plain.parquet"):
        assert read_transcriptions(tmp_path / name, target_symbols=BLANKS).examples == PAIRS


def test_columns_are_named_or_numbered(tmp_path):
    named = write(tmp_path, "people.csv", "id,word,sound,times\n1,ann,AE N,3\n2,lee,L IY,2\n")
    reading = read_transcriptions(named, source="word", target="sound", count="times")
    assert reading.examples == (Pair("ann", ("AE N",), (3,)), Pair("lee", ("L IY",), (2,)))
    numbered = write(tmp_path, "lines.txt", "1\tann\tAE N\t3\n2\tlee\tL IY\t2\n")
    assert read_transcriptions(numbered, source="2", target="3", count="4").examples == reading.examples


LABELLED = (
    Pair("ann", ("an",), (2,), "Greek"),
    Pair("ann", ("ann", "an"), (1, 1), "Irish"),
    Pair("lee", ("li",), (1,)),
)


@pytest.mark.parametrize(
    ("name", "between", "header", "options"),
    [
        ("named.csv", ",", "source,target,label\n", {}),
        ("other.csv", ",", "source,target,tongue\n", {"label": "tongue"}),
        ("head.tsv", "\t", "source\ttarget\tlabel\n", {}),
        ("lines.txt", "\t", "", {"label": "3"}),
        ("numbered.csv", ",", "", {"source": "1", "target": "2", "label": "3"}),
    ],
)
def test_a_column_has_the_labels_and_some_pairs_have_none(tmp_path, name, between, header, options):
    rows = [("ann", "an", "Greek"), ("ann", "ann", "Irish"), ("ann", "an", " Irish"), ("ann", "an", "Greek")]
    content = header + "".join(between.join(row) + "\n" for row in [*rows, ("lee", "li", "")])
    assert read_transcriptions(write(tmp_path, name, content), **options).examples == LABELLED


def test_labels_of_objects_are_found_and_others_are_dropped_or_stop(tmp_path):
    rows = [{"source": "ann", "target": "an", "label": value} for value in (1, None, [2], "a\x07")]
    file = write(tmp_path, "rows.jsonl", as_json(rows))
    reading = read_transcriptions(file)
    assert [pair.label for pair in reading.examples] == ["1", ""] and reading.dropped == {"malformed row": 2}
    with pytest.raises(DataError, match="line 3: expected a label of characters that can be shown"):
        read_transcriptions(file, on_error="stop")
    with pytest.raises(DataError, match="one column 'tongue'.*--label"):
        read_transcriptions(write(tmp_path, "pairs.csv", "source,target\nann,an\n"), label="tongue")


def test_pairs_of_a_source_stay_in_one_part_whatever_their_labels():
    pairs = tuple(Pair(f"word{number}", ("W",), (1,), label) for number in range(20) for label in ("a", "b", ""))
    split = split_pairs(PairReading(pairs, 60, {}, {}), test_share=0.2, validation_share=0.2)
    parts = [{pair.source for pair in split.part(name)} for name in split.sizes]
    assert split.sizes == {"train": 36, "validation": 12, "test": 12} and sum(map(len, parts)) == 20
    given = split_pairs(PairReading(pairs, 61, {}, {}, test=make(1, 20), held_out=4))
    assert given.sizes["validation"] == 12 and given.fingerprint != split.fingerprint
    assert len({split_pairs(PairReading(some, 60, {}, {})).fingerprint for some in (pairs, pairs[::-1])}) == 2
    without = drop_labels(PairReading(pairs, 60, {}, {})).examples
    assert without == tuple(Pair(f"word{number}", ("W",), (3,)) for number in range(20))


def test_blanks_between_letters_are_removed_on_request_and_copies_are_counted(tmp_path):
    file = write(tmp_path, "wd_arabic", "andri\tأ ن د ر ي\t1\nandri\tأ ن د ر ي\t4\nandri\tأ ن\t2\n")
    reading = read_transcriptions(file, count="3", join=True)
    assert reading.examples == (Pair("andri", ("أندري", "أن"), (5, 2)),)
    assert reading.examples[0].count == 7


def test_every_line_is_a_pair_or_is_dropped_with_its_reason(tmp_path):
    lines = [
        "ann\tAE N",
        "",
        "\tAE N",
        "bob\t",
        "bob\t \t",
        "cy",
        "a\x00b\tAE",
        "dan\tD\x1b",
        "e" * 101 + "\tE",
        "fay\t  F   EY ",
    ]
    reading = read_transcriptions(write(tmp_path, "words.txt", "\n".join(lines)), target_symbols=BLANKS)
    assert reading.examples == (PAIRS[0], Pair("fay", ("F EY",), (1,)))
    assert reading.dropped == {"blank": 2, NO_TARGET: 2, "malformed row": 3, "too long": 1}
    assert account(reading, reading.dropped).startswith("10 lines read, 2 examples; ")


def test_the_length_of_a_target_is_that_of_its_symbols(tmp_path):
    file = write(tmp_path, "words.txt", "ann\tAE N D\nlee\tLEE IY\n")
    assert read_transcriptions(file, max_characters=3, target_symbols=BLANKS).dropped == {}
    with pytest.raises(DataError, match=r"no usable pair in 2 lines; dropped: 2 too long"):
        read_transcriptions(file, max_characters=3)


@pytest.mark.parametrize(
    ("content", "settings", "complaint"),
    [
        ("ann\tAE N\nlee\n", {}, r"words.txt, line 2: expected source<TAB>target in 2 columns, got 1 column"),
        (
            "ann\tAE N\tx\n",
            {"count": "3"},
            r"line 1: expected how often the pair occurs, a whole number above 0, got x",
        ),
        ("ann\tAE N\t0\n", {"count": "3"}, r"a whole number above 0, got 0"),
        ("a\x07\tAE N\n", {}, r"line 1: expected text without control characters"),
    ],
)
def test_a_row_that_cannot_be_read_stops_on_request(tmp_path, content, settings, complaint):
    with pytest.raises(DataError, match=complaint):
        read_transcriptions(write(tmp_path, "words.txt", content), on_error="stop", **settings)


@pytest.mark.parametrize(
    ("name", "settings", "complaint"),
    [
        ("absent.tsv", {}, "no such file or folder; give a file of lines of source<TAB>target, or a table"),
        ("empty", {}, "expected a file of lines of source<TAB>target, or tables with the columns source and target"),
        (
            "words.txt",
            {"source": "word"},
            "--source must be the number of a column, from 1; these lines name no columns",
        ),
        ("words.csv", {"target": "sound"}, "--target"),
        ("words.txt", {"target_symbols": "letters"}, "target_symbols must be one of characters, blanks; got 'letters'"),
        ("words.txt", {"on_error": "ignore"}, "on_error must be one of skip, stop; got 'ignore'"),
        ("words.txt", {"options": TextOptions(delimiter=";")}, "--delimiter"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, name, settings, complaint):
    (tmp_path / "empty").mkdir()
    write(tmp_path, "words.txt", LINES)
    write(tmp_path, "words.csv", "source,target\nann,AE N\n")
    with pytest.raises((DataError, SettingError)) as caught:
        read_transcriptions(tmp_path / name, **settings)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def make(count, start=0):
    return tuple(Pair(f"word{number}", (f"W {number}",), (1,)) for number in range(start, start + count))


def test_normalised_sources_that_are_equal_are_one_pair():
    reading = PairReading(
        (Pair("Lee", ("L IY",), (2,)), Pair("LEE", ("L IY", "L EH"), (1, 1)), Pair("\u200b", ("A",), (1,))), 4, {}, {}
    )
    normalised = normalise_reading(reading, Normalisation())
    assert normalised.examples == (Pair("lee", ("L IY", "L EH"), (3, 1)),)
    assert normalised.dropped == {"blank": 1}


def test_a_source_of_the_test_part_leaves_the_other_parts():
    parts = [PairReading(pairs, len(pairs), {}, {}) for pairs in (make(4), make(3, 3), make(3, 5))]
    reading = normalise_reading(join_parts(*parts, target_symbols=BLANKS), Normalisation())
    assert [len(part) for part in (reading.examples, reading.validation, reading.test)] == [3, 2, 3]
    assert (reading.lines, reading.dropped) == (10, {IN_ANOTHER_PART: 2})
    assert len({pair.source for pair in reading.all}) == 8


def test_swapped_pairs_read_what_was_written():
    reading = PairReading(
        (Pair("josef", ("jo", "yo"), (2, 1)), Pair("joseph", ("jo",), (5,))),
        3,
        {},
        {},
        test=(Pair("yosef", ("yo",), (1,)),),
    )
    swapped = swap_reading(reading)
    assert swapped.examples == (Pair("jo", ("josef", "joseph"), (2, 5)),)
    assert swapped.test == (Pair("yo", ("yosef",), (1,)),)
    assert swapped.dropped == {IN_ANOTHER_PART: 1}
    with pytest.raises(SettingError, match="tokens between blanks cannot be swapped"):
        swap_reading(PairReading(PAIRS, 4, {}, {}, target_symbols=BLANKS))


def test_given_parts_stay_and_validation_is_held_out_by_the_seed():
    reading = PairReading(make(20), 25, {}, {}, test=make(5, 20), held_out=4)
    split = split_pairs(reading, seed=3)
    assert (split.sizes, split.kind) == ({"train": 16, "validation": 4, "test": 5}, "given")
    assert split.test == reading.test and set(split.part("all")) == set(reading.all)
    assert split.fingerprint == split_pairs(reading, seed=3).fingerprint != split_pairs(reading, seed=4).fingerprint
    whole = PairReading(make(20), 30, {}, {}, validation=make(5, 25), test=make(5, 20))
    assert split_pairs(whole).sizes == {"train": 20, "validation": 5, "test": 5}


def test_other_pairs_are_split_by_their_sources_without_accents():
    pairs = (*make(40), *(Pair(name, (name,), (1,)) for stem in "abcdefgh" for name in (f"m{stem}e", f"m{stem}é")))
    for seed in range(5):
        split = split_pairs(PairReading(pairs, 56, {}, {}), seed=seed, test_share=0.3, validation_share=0.2)
        assert split.kind == "grouped" and set(split.part("all")) == set(pairs)
        for stem in "abcdefgh":
            parts = [name for name in split.sizes for pair in split.part(name) if pair.source[:2] == f"m{stem}"]
            assert parts[0] == parts[1]


def test_a_split_that_does_not_fit_the_pairs_is_refused():
    with pytest.raises(SettingError, match="come with their own test part; leave --split out; got 'grouped'"):
        split_pairs(PairReading(make(9), 10, {}, {}, test=make(1, 9)), "grouped")
    with pytest.raises(SettingError, match="come without a test part; leave --split out; got 'given'"):
        split_pairs(PairReading(make(9), 9, {}, {}), "given")
    with pytest.raises(DataError, match="too few pairs to keep 9 of 9 for validation"):
        split_pairs(PairReading(make(9), 10, {}, {}, test=make(1, 9), held_out=9))
    with pytest.raises(SettingError, match="part must be one of train, validation, test, all"):
        split_pairs(PairReading(make(30), 30, {}, {})).part("rest")
