"""Fixtures of annotation: a very small model, and tables of people."""

import csv
import random

import pytest
from people import write_people

from elman.annotation import pieces
from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.prediction.predictor import Predictor
from elman.tables import delimited


@pytest.fixture
def tiny(tiny_artifact):
    predictor = Predictor(tiny_artifact)
    yield predictor
    predictor.close()


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A CSV table of 100 rows, which is read in chunks of 9."""
    monkeypatch.setattr(delimited, "ROWS", 9)
    draw = random.Random(3)
    path = tmp_path / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name"])
        writer.writerows((k, draw.choice(["abc", "cab", "", "b'a", "水", "42", "a" * 300])) for k in range(100))
    return path


@pytest.fixture
def annotator(tiny_artifact):
    return Annotator(Predictor(tiny_artifact), AnnotateConfig(top=2))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of three Parquet files with 290 rows, which are cut into pieces of 50 at most."""
    monkeypatch.setattr(pieces, "ROWS", 50)
    for name, rows in {"a.parquet": 120, "b.parquet": 50, "deep/c.parquet": 120}.items():
        write_people(tmp_path / "people" / name, rows)
    return tmp_path / "people"
