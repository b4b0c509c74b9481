"""Arbitrary tables: each is built from random parts, written, annotated into a random format, and parsed back.

    python benchmarks/tables.py --count 10000 [--seed 0]

A table has random columns and cells (letters of many scripts, quotation marks, delimiters, line ends, invisible
characters, missing and blank names), and a random format, line end, delimiter, quoting and byte order mark. Afterwards
every row must be there once, in order, with its cells unchanged, and with the answer that Python gives for its name.
Prints JSON, and exits with status 1 if a table differs or anything but an `ElmanError` is raised.
"""

import argparse
import csv
import io
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import elman
from elman.annotation.local import annotate_file
from elman.errors import ElmanError
from elman.prediction.predictor import Predictor

ENDS = ("\n", "\r\n", "\r", "\r\r\n")
LETTERS = "abcXYZ éßø中村Жω한ا'-.,;\t|\"\\/#0123 \u200b\u2028\x85\x0c\U0001f600"
KINDS = ("csv", "tsv", "jsonl", "parquet")


def main() -> None:
    """Annotate as many tables as asked, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    predictor, failures, refused = elman.load("languages"), list[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.count):
            draw = random.Random(f"{arguments.seed} {number}")
            try:
                difference = annotate_one(predictor, draw, Path(folder))
            except ElmanError as error:
                difference, refused = f"refused: {error}", refused + 1
            except Exception as error:  # what the search is for
                difference = f"{type(error).__name__}: {error}"
            if difference:
                failures.append(f"table {number}: {difference}")
    print(json.dumps({"tables": arguments.count, "refused": refused, "failures": failures[:20]}, ensure_ascii=False))
    sys.exit(1 if failures else 0)


def annotate_one(predictor: Predictor, draw: random.Random, folder: Path) -> str:
    """Write, annotate and read one table; return what differs, or an empty string."""
    columns = draw_columns(draw)
    rows = [draw_row(draw, columns) for _ in range(draw.randrange(1, 6))]
    kind, target_kind = draw.choice(KINDS), draw.choice(KINDS)
    source, target = folder / f"source.{kind}", folder / f"target.{target_kind}"
    if kind in ("csv", "tsv"):  # text has no missing cells
        rows = [[cell or "" for cell in row] for row in rows]
    source.write_bytes(write_table(draw, kind, columns, rows))
    annotate_file(predictor, source, target, column="name", overwrite=True)
    found = read_table(target, target_kind)
    place = columns.index("name")
    answers = predictor.predict([row[place] for row in rows], top=1)
    if len(found) != len(rows):
        return f"{kind} → {target_kind}: {len(rows)} rows became {len(found)}"
    for row, other, answer in zip(rows, found, answers, strict=True):
        expected: dict[str, Any] = dict(zip(columns, row, strict=True))
        expected |= {"elman_label": answer.label, "elman_reason": answer.reason}
        for key, value in expected.items():
            if (other[key] or None) != (value or None):
                return f"{kind} → {target_kind}: {key!r} was {value!r} and is {other[key]!r}"
    return ""


def draw_columns(draw: random.Random) -> list[str]:
    others = ["id", "a b", 'q"uote', "semi;colon", "com,ma", "中"]
    columns = ["name", *draw.sample(others, draw.randrange(1, 4))]
    draw.shuffle(columns)
    return columns


def draw_row(draw: random.Random, columns: list[str]) -> list[str | None]:
    row: list[str | None] = []
    for column in columns:
        text: str | None = "".join(draw.choices(LETTERS, k=draw.randrange(1, 9)))
        if draw.random() < 0.1:
            text = draw.choice(["", " ", "nan", "null", "line\nend", "line\r\nend", "line\rend", "=1+1", "x" * 300])
        if draw.random() < 0.1:
            text = None
        row.append(text if column != "id" else str(draw.randrange(1000)))
    return row


def write_table(draw: random.Random, kind: str, columns: list[str], rows: list[list[str | None]]) -> bytes:
    end, mark = draw.choice(ENDS), draw.choice([b"", b"\xef\xbb\xbf"])
    if kind == "parquet":
        out = io.BytesIO()
        arrays = [pa.array([row[k] for row in rows], pa.string()) for k in range(len(columns))]
        table = pa.table(dict(zip(columns, arrays, strict=True)))
        pq.write_table(table, out, use_dictionary=draw.random() < 0.5)
        return out.getvalue()
    if kind == "jsonl":
        ascii_only = draw.random() < 0.5
        lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=ascii_only) + end for row in rows)
        return mark + "".join(lines).encode()
    text = io.StringIO(newline="")
    quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    delimiter = "\t" if kind == "tsv" else ","
    for row in [columns, *rows]:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerow(row)
        text.write(line.getvalue().removesuffix("\r\n") + end)
    return mark + text.getvalue().encode()


def read_table(path: Path, kind: str) -> list[dict[str, Any]]:
    if kind == "parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    text = path.read_bytes().decode("utf-8-sig")
    if kind == "jsonl":
        return [json.loads(line) for line in text.replace("\r", "\n").split("\n") if line]
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ","))


if __name__ == "__main__":
    main()
