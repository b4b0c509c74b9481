"""Pieces cover the rows of their tables, and a process writes each the same way however often."""

import json
from contextlib import ExitStack
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pairs import build_writer
from people import tables_of, write_people

from elman.annotation import pieces
from elman.annotation.annotator import AnnotateConfig
from elman.annotation.pieces import PieceAnnotator, cut_tables
from elman.errors import DataError, SettingError, WorkerError
from elman.files import open_atomically
from elman.model.file import dump_artifact
from elman.model.files import dump_model
from elman.prediction.predictor import Predictor
from elman.prediction.transcriber import Transcriber
from elman.version import __version__


def test_tables_are_cut_into_pieces_whose_names_sort_in_the_order_of_their_rows(folder):
    pieces = cut_tables(tables_of(folder), "name")
    assert [piece.name for piece in pieces] == [
        "a.00000.parquet",
        "a.00001.parquet",
        "a.00002.parquet",
        "b.parquet",
        "deep/c.00000.parquet",
        "deep/c.00001.parquet",
        "deep/c.00002.parquet",
    ]
    assert [piece.row_groups for piece in pieces[:4]] == [(0, 1), (2, 3), (4,), (0, 1)]
    assert [piece.rows for piece in pieces] == [50, 50, 20, 50, 50, 50, 20]
    assert sorted(piece.name for piece in pieces) == [piece.name for piece in pieces]


def test_a_table_without_rows_is_a_piece(folder, annotator):
    pq.write_table(pa.table({"name": pa.array([], pa.string())}), folder / "empty.parquet")
    (piece,) = cut_tables({str(folder / "empty.parquet"): "empty.parquet"}, "name")
    writer = writer_of(annotator, folder.parent)
    assert writer.write(piece).rows == 0
    assert pq.read_table(folder.parent / "empty.parquet").column_names[:2] == ["name", "elman_label"]


def test_a_file_that_is_not_parquet_is_refused(folder):
    (folder / "b.parquet").write_bytes(b"name\nabc\n")
    with pytest.raises(DataError, match=r"b\.parquet: cannot be read as Parquet"):
        cut_tables(tables_of(folder), "name")
    with pytest.raises(SettingError, match=r"people\.csv: expected Parquet"):
        cut_tables({"people.csv": "people.csv"}, "name")


def test_two_pieces_of_one_name_are_refused(folder):
    write_people(folder / "a.00001.parquet", 10)
    with pytest.raises(DataError, match=r"two tables would become a\.00001\.parquet"):
        cut_tables(tables_of(folder), "name")


@pytest.mark.parametrize("stem", ["n" * 240, "名" * 80], ids=["latin", "Chinese"])
def test_the_pieces_of_a_table_with_a_long_name_have_legal_names(folder, stem):
    for name in (stem, f"{stem[:-1]}x"):
        write_people(folder / "long" / f"{name}.parquet", 120)
    cut = [piece for piece in cut_tables(tables_of(folder), "name") if "long" in piece.source]
    assert len({piece.name for piece in cut}) == 6 == len(cut)
    for piece in cut:
        (folder / piece.name).touch()


def writer_of(annotator, folder, version=__version__):
    return PieceAnnotator(dump_artifact(annotator.predictor.artifact), annotator.config, str(folder), version)


def result_of(annotator, folder, version=__version__):
    """The result of a process for the first piece."""
    piece = json.dumps(asdict(cut_tables(tables_of(folder), "name")[0]))
    (result,) = writer_of(annotator, folder.parent / "whole", version)({"piece": [piece]})["result"]
    return json.loads(result)


def test_a_piece_has_the_same_bytes_however_often_it_is_written(folder, annotator):
    piece = cut_tables(tables_of(folder), "name")[1]
    writer = writer_of(annotator, folder.parent / "whole")
    first, path = writer.write(piece), folder.parent / "whole" / piece.name
    content = path.read_bytes()
    assert writer.write(piece) == first and path.read_bytes() == content
    assert pq.read_table(path)["id"].to_pylist() == list(range(50, 100))


@pytest.mark.parametrize("stem", ["b", "b" * 230], ids=["short", "long"])
def test_a_piece_over_which_many_processes_died_stops_the_job(folder, annotator, stem):
    name = f"{stem}.parquet"
    (piece,) = cut_tables({str(folder / "b.parquet"): name}, "name")
    writer = writer_of(annotator, folder.parent / "whole")
    with ExitStack() as stack:
        for _ in range(pieces.DEATHS - 1):  # a process that dies leaves its scratch file
            stack.enter_context(open_atomically(folder.parent / "whole" / name))
        assert writer.write(piece).rows == 50
        stack.enter_context(open_atomically(folder.parent / "whole" / name))
        with pytest.raises(WorkerError, match=f"8 processes died while they wrote {name}"):
            writer.write(piece)


def test_a_process_that_cannot_write_gives_the_reason(folder, annotator):
    assert "expected Elman 0.0.0 on all machines" in result_of(annotator, folder, version="0.0.0")["error"]
    (folder.parent / "whole").touch()
    assert result_of(annotator, folder)["error"].endswith("File exists")


def test_an_unexpected_error_does_not_quote_a_row(folder, annotator, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("Nakamura")

    monkeypatch.setattr(Predictor, "answer_columns", fail)
    assert result_of(annotator, folder)["error"].endswith("a.parquet: ZeroDivisionError")


def test_a_model_of_pairs_writes_pieces_with_the_label_of_each_row(tmp_path):
    told = Transcriber(build_writer(labels=("Greek", "Polish")))
    columns = {"name": ["abc", "abc", None], "from": ["Greek", None, "Greek"]}
    pq.write_table(pa.table(columns), tmp_path / "people.parquet")
    (piece,) = cut_tables({str(tmp_path / "people.parquet"): "out.parquet"}, "name")
    config = AnnotateConfig(label_column="from")
    PieceAnnotator(dump_model(told.artifact), config, str(tmp_path), __version__).write(piece)
    written = pq.read_table(tmp_path / "out.parquet").to_pydict()
    greek, plain = told.predict(["abc"] * 2, label=["Greek", None])
    assert written["elman_label"] == [greek.label, plain.label, None]
    assert written["elman_probability"][:2] == [round(one.probability, 6) for one in (greek, plain)]
    lost = PieceAnnotator(dump_model(told.artifact), AnnotateConfig(label_column="form"), str(tmp_path), __version__)
    with pytest.raises(DataError, match="did you mean --label-column 'from'"):
        lost.write(piece)
