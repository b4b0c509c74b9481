"""Pages: their sizes are those of the file, and the longest string and the bytes of a batch are never too low."""

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from elman.tables.columnar.footer import Footer
from elman.tables.columnar.pages import Page, count_most_bytes, find_longest_entry, read_pages

CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]


def pages_of(table, **options):
    """Return the file, the pages of each column of its first row group, and what packs them."""
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    columns = Footer(file).read_columns(0)
    return file, [(read_pages(file, column), column.codec) for column in columns]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", CODECS)
def test_pages_have_all_values_and_the_sizes_of_the_file(codec, version):
    table = pa.table({"a": ["abc", "d" * 70, None] * 3000, "b": [["x"], [], ["y", None]] * 3000, "n": range(9000)})
    file, columns = pages_of(table, compression=codec, data_page_version=version, data_page_size=2000)
    metadata = pq.read_metadata(file).row_group(0)
    for k, (pages, _) in enumerate(columns):
        known = metadata.column(k)
        assert sum(page.values for page in pages if not page.is_dictionary) == known.num_values
        headers = known.total_uncompressed_size - sum(page.size for page in pages)
        assert 0 < headers < 200 * len(pages)
        assert [page.is_dictionary for page in pages] == [True] + [False] * (len(pages) - 1)


@pytest.mark.parametrize("codec", CODECS)
def test_the_longest_entry_of_a_dictionary_is_found(codec):
    file, [(pages, name)] = pages_of(pa.table({"a": ["abc", "d" * 300, None, "e" * 200]}), compression=codec)
    longest = find_longest_entry(file, pages[0], name)
    assert longest == 300 if name else 300 <= longest <= pages[0].size


def test_a_dictionary_that_cannot_be_unpacked_has_its_size_as_a_limit():
    file, [(pages, name)] = pages_of(pa.table({"a": ["abc", "d" * 300]}), compression="zstd")
    damaged = io.BytesIO(file.getvalue()[: pages[0].start] + bytes(1000))
    assert find_longest_entry(damaged, pages[0], name) == pages[0].size - 4 * 2


def test_no_batch_has_more_bytes_than_its_pages():
    draw = random.Random(5)
    for _ in range(300):
        pages = [
            Page(0, 0, draw.choice([0, 10, 1000]), draw.randint(1, 40), 0, is_dictionary=False)
            for _ in range(draw.randint(1, 12))
        ]
        sizes = [page.size for page in pages for _ in range(page.values)]
        owners = [number for number, page in enumerate(pages) for _ in range(page.values)]
        for rows in (1, 3, 16, 500):
            batches = [set(owners[start : start + rows]) for start in range(0, len(sizes), rows)]
            assert count_most_bytes(pages, rows) == max(sum(pages[k].size for k in batch) for batch in batches)
