"""Footer: it says what Arrow reads from it, and no damage to it ends the process."""

import ast
import io
import subprocess
import sys

import damaged_parquet
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arrow_types import COLUMNS, NOT_IN_PARQUET

from elman.tables.columnar.footer import Footer
from elman.tables.columnar.thrift import INT32, INT64, STRUCT, ThriftReader

TYPES = [kind for kind in COLUMNS if kind not in NOT_IN_PARQUET]


def write(table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_the_description_is_the_one_that_arrow_reads(codec, use_dictionary):
    table = pa.table({"name": ["abc", "cab"], **{kind: COLUMNS[kind][0] for kind in TYPES}})
    file = write(table, compression=codec, use_dictionary=use_dictionary, row_group_size=1)
    footer, metadata = Footer(file), pq.read_metadata(file)
    assert footer.rows == (1, 1)
    for group in range(2):
        columns = footer.read_columns(group)
        assert len(columns) == metadata.num_columns
        for k, column in enumerate(columns):
            known = metadata.row_group(group).column(k)
            start = known.dictionary_page_offset if known.has_dictionary_page else known.data_page_offset
            assert (column.start, column.packed, column.values) == (
                start,
                known.total_compressed_size,
                known.num_values,
            )
            assert column.codec in (codec, "uncompressed", "lz4_raw", "")


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" * 3, bytes(100), b"\x19\xfc\xff\xff\xff\xff\x0f\x01\0\0\0PAR1"]
)
def test_what_is_no_footer_is_refused(content):
    with pytest.raises(ValueError):
        if not Footer(io.BytesIO(content)).rows:
            raise ValueError("nothing to read")


def test_a_field_of_another_type_does_not_replace_one():
    numbers = [0x15, 0x08], [0x02, 0x02], [0x06, 0x02, 0x0A]  # field 1: 4 in 32 bits, true, 5 in 64 bits
    inside = [0x0C, 0x04, 0x15, 0x02, 0x00]  # field 2: a struct whose field 1 is 1
    content = bytes([*numbers[0], *numbers[1], *numbers[2], *inside, 0])
    assert ThriftReader(content).read_struct() == {(1, INT32): 4, (1, INT64): 5, (2, STRUCT): {(1, INT32): 1}}


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_no_damage_ends_the_process_or_becomes_a_traceback(codec, tmp_path):
    kinds = ["null", "double", "decimal128", "timestamp, UTC", "list", "struct", "dictionary", "binary"]
    table = pa.table({"name": ["abc", "cab"], **{kind: COLUMNS[kind][0] for kind in kinds}})
    pq.write_table(table, tmp_path / "a.parquet", compression=codec, store_schema=False)
    command = [sys.executable, damaged_parquet.__file__, str(tmp_path / "a.parquet"), "0", "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = ast.literal_eval(done.stdout)
    assert counts.keys() == {"read", "refused"} and counts["refused"] > 30
