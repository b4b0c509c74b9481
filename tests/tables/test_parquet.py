"""Parquet keeps its types, and a file that is not Parquet is refused by name."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_rows import names_in, read_table

from elman.errors import DataError
from elman.tables import parquet


def test_types_are_kept_and_every_kind_of_string_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 2)
    values = ["Ann", None, "Bob", "", "Cem"]
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())):
        table = pa.table({"k": range(5), "name": pa.array(values).cast(kind)})
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
        _, chunks = read_table(tmp_path / "a.parquet")
        assert names_in(chunks) == values
        assert pa.Table.from_batches([chunk.batch() for chunk in chunks]).equals(table)
        assert [chunk.done for chunk in chunks][-1] == 1.0


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 9, b"name,id\n"])
def test_a_file_that_is_not_parquet_is_refused_by_name(write, content):
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read as Parquet") as error:
        read_table(write("a.parquet", content))
    assert (error.value.code, error.value.line) == ("unreadable", None)


def test_every_truncation_is_refused(tmp_path):
    pq.write_table(pa.table({"name": ["Ann", "Bob"] * 9}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.parquet").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"cut\.parquet"):
            read_table(tmp_path / "cut.parquet")


def test_rows_that_are_damaged_are_reported_by_their_number(tmp_path):
    pq.write_table(pa.table({"name": ["Ann", "Bob"]}), tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[:4] + b"\0" * 40 + content[44:])
    with pytest.raises(DataError, match=r"a\.parquet, after row 0: cannot be read") as error:
        read_table(tmp_path / "a.parquet")
    assert (error.value.code, error.value.line) == ("unreadable", 1)


def test_a_missing_column_is_an_error(tmp_path):
    pq.write_table(pa.table({"nom": ["Ann"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="expected one column 'name', found the columns nom") as error:
        read_table(tmp_path / "a.parquet")
    assert error.value.code == "unknown_column"


def test_a_column_of_numbers_is_not_a_column_of_names(tmp_path):
    pq.write_table(pa.table({"name": [1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="expected strings in the column 'name', got int64") as error:
        read_table(tmp_path / "a.parquet")
    assert (error.value.code, error.value.line) == ("not_strings", None)
