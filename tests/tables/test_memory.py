"""Tables of at most 1 MiB take at most 256 MiB more memory, whatever they become when they are decoded."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import table_memory

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process in /proc")

MOST = 256  # MiB
LONG = "x" * 100_000
TARGETS = ("csv", "jsonl", "parquet")


def table(rows, **columns):
    return pa.table({"name": ["abc"] * rows, **columns})


def repeat(value, rows):
    """Return one value in all rows, as a column that is as small in memory as in the file."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value]))


def one_row(values):
    """Return ten lists, of which the first has all values."""
    offsets = pa.array([0] + [len(values)] * 10, pa.int32())
    return pa.ListArray.from_arrays(offsets, values)


PARQUET = {
    "names of one long string": lambda: pa.table({"name": repeat(LONG, 2000)}),
    "one long string": lambda: table(2000, x=repeat(LONG, 2000).cast(pa.string())),
    "one long string, as a dictionary": lambda: table(2000, x=repeat(LONG, 2000)),
    "many columns of one long string": lambda: table(100, **{f"x{k}": [LONG] * 100 for k in range(20)}),
    "a long string after many short ones": lambda: table(33_000, x=["y"] * 31_000 + [LONG] * 2000),
    "control characters": lambda: table(3000, x=["\x01" * 10_000] * 3000),
    "bytes": lambda: table(1500, x=[bytes(100_000)] * 1500),
    "nulls of a wide type": lambda: table(5000, x=pa.nulls(5000, pa.binary(100_000))),
    "nulls of a long list": lambda: table(500, x=pa.nulls(500, pa.list_(pa.int64(), 10_000))),
    "nulls of many columns": lambda: table(3000, **{f"x{k}": pa.nulls(3000, pa.float64()) for k in range(1000)}),
    "long names of columns": lambda: table(3000, **{LONG: pa.nulls(3000)}),
    "long keys of objects": lambda: table(50, x=[[{"k" * 1000: None}] * 1000] * 50),
    "many lists": lambda: table(50_000, x=[["tag", "other tag", "third tag"]] * 50_000),
}

LIKE_ONE_STRING = (
    "names of one long string",
    "one long string, as a dictionary",
    "many columns of one long string",
    "a long string after many short ones",
    "bytes",
)
"""Kinds that become text in the way of one long string, which takes seconds each."""

REFUSED = {
    "a page of zeros": (lambda: table(100, x=["0" * 10**6] * 100), "row group 0 has"),
    "a string of zeros": (lambda: table(1, x=["0" * 6 * 10**7]), "row 1: expected a row of at most"),
    "a list of nulls": (lambda: table(10, x=one_row(pa.nulls(5 * 10**6, pa.int64()))), "row 1: expected a row of|has"),
    "a longer list": (
        lambda: table(10, x=one_row(pa.nulls(2 * 10**7, pa.int64()))),
        "group 0 has .* 'x.list.element'",
    ),
    "a list of long strings": (
        lambda: table(10, x=one_row(repeat(LONG, 10**6))),
        "row 1: expected a row of at most .* got 100,",
    ),
    "a list of objects": (
        lambda: table(10, x=one_row(pa.StructArray.from_arrays([pa.nulls(10**6)] * 3, ["a", "b", "c"]))),
        "row 1: expected a row of at most",
    ),
}

TEXT = {
    "a key for each row": ("jsonl", lambda: "".join(f'{{"name": "abc", "k{k}": 1}}\n' for k in range(9000))),
    "too many keys": ("jsonl", lambda: "".join(f'{{"name": "abc", "k{k}": 1}}\n' for k in range(30_000))),
    "a key inside an object for each row": (
        "jsonl",
        lambda: "".join(f'{{"name": "abc", "x": {{"k{k}": 1}}}}\n' for k in range(20_000)),
    ),
    "many keys once": (
        "jsonl",
        lambda: '{"name": "abc", ' + ", ".join(f'"k{k}": 1' for k in range(900)) + "}\n" + "{}\n" * 8000,
    ),
    "empty objects": ("jsonl.gz", lambda: ('{"name": "abc", "x": [' + ",".join(["{}"] * 10**5) + "]}\n") * 30),
    "too many empty objects": ("jsonl.gz", lambda: '{"name": "abc", "x": [' + ",".join(["{}"] * 10**6) + "]}\n{}\n"),
    "empty cells": ("csv.gz", lambda: f"name{''.join(f',{k}' for k in range(9000))}\n" + f"abc{',' * 9000}\n" * 200),
    "a long name of a column": ("csv", lambda: f"name,{LONG}\n" + "a,\n" * 5000),
}


@pytest.fixture(scope="module")
def measure():
    """Return a function that returns by how many MiB the memory of a process grows that converts a table, and why."""
    command = [sys.executable, table_memory.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(path, target):
            assert path.stat().st_size <= 2**20
            print(path, target, sep="\t", file=process.stdin, flush=True)
            growth, _, outcome = process.stdout.readline().strip().partition(" ")
            return int(growth), outcome

        yield ask


@pytest.fixture
def write_parquet(tmp_path):
    def write(content, **options):
        pq.write_table(content, tmp_path / "a.parquet", compression="zstd", **options)
        return tmp_path / "a.parquet"

    return write


@pytest.mark.parametrize(
    ("kind", "target"),
    [(kind, target) for kind in PARQUET for target in TARGETS if target == "parquet" or kind not in LIKE_ONE_STRING],
)
def test_a_small_parquet_file_takes_little_memory(kind, target, write_parquet, measure):
    growth, outcome = measure(write_parquet(PARQUET[kind]()), target)
    assert (growth <= MOST, outcome) == (True, "written"), growth


@pytest.mark.parametrize("kind", REFUSED)
def test_what_takes_too_much_memory_is_refused_in_one_line(kind, write_parquet, measure):
    content, problem = REFUSED[kind]
    path = write_parquet(content(), use_dictionary=["x.list.element"] if "strings" in kind else False)
    growth, outcome = measure(path, "csv")
    assert growth <= MOST
    with pytest.raises(AssertionError, match=f"a.parquet.*{problem}"):
        raise AssertionError(outcome)


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_strings_that_share_their_text_take_little_memory(encoding, write_parquet, measure):
    rows = 2000 if encoding == "DELTA_BYTE_ARRAY" else 500
    path = write_parquet(table(rows, x=[LONG] * rows), use_dictionary=False, column_encoding={"x": encoding})
    growth, outcome = measure(path, "csv")
    assert (growth <= MOST, outcome) == (True, "written"), growth


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", TEXT)
def test_a_small_text_file_takes_little_memory(kind, target, tmp_path, measure):
    suffix, content = TEXT[kind]
    path, data = tmp_path / f"a.{suffix}", content().encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    growth, outcome = measure(path, target)
    assert growth <= MOST
    assert outcome == "written" or ("key" in kind and "keys" in outcome)
