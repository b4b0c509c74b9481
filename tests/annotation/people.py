"""Tables of people, and short ways to annotate and read them."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq

from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.cluster import annotate_cluster
from elman.annotation.local import annotate_table
from elman.tables.formats import format_of

NAMES = ["abc", "cab", None, "", "b'a", "水", "42", "a" * 300]


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def finish(steps):
    return list(steps)[-1].summary


def table_steps(predictor, source, target, **settings):
    names = ("top", "abstain_below", "skip_malformed", "prefix")
    config = {name: settings.pop(name) for name in names if name in settings}
    annotator = Annotator(predictor, AnnotateConfig(**config))
    return annotate_table(annotator, [str(source)], target, form=format_of(str(target)), **settings)


def write_people(path, rows, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"name": [NAMES[k % len(NAMES)] for k in range(rows)], "id": list(range(rows)), **more}
    pq.write_table(pa.table(columns), path, row_group_size=25)


def tables_of(folder):
    return {str(path): str(path.relative_to(folder)) for path in sorted(folder.rglob("*.parquet"))}


def steps_of(annotator, folder, **settings):
    return annotate_cluster(annotator, tables_of(folder), folder.parent / "out", **settings)


def read_folder(folder):
    """Every row of the Parquet files below a folder, in the order of their names, and how many files there are."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [row for path in files for row in pq.read_table(path).to_pylist()], len(files)
