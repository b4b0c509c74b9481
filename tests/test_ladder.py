"""Imports go one way, from later modules to earlier ones; each heavy library is imported in one place."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import elman

# A module imports from the lines above its own, or from its left.
LADDER = """
errors version checks markup extras columns records reports files
text text.scripts text.phonemes text.normalisation text.placeholders text.encoded text.ngrams
text.vocabulary text.targets text.evidence
model model.kinds model.tensors model.config model.header model.packing model.content model.hierarchy model.sets
model.familiarity model.file model.seen model.writing model.writer model.files model.prior
model.card model.address model.hub model.shipped
scoring scoring.processor scoring.probabilities scoring.reference scoring.decoder scoring.layers scoring.transducer
scoring.lookups scoring.trie
scoring.kernel scoring.kernel.build scoring.kernel.library scoring.kernel.packing scoring.kernel.scorer
scoring.kernel.text scoring.kernel.answers
scoring.scorer scoring.system
prediction prediction.publishing
prediction.names prediction.inputs prediction.options prediction.pool prediction.answers prediction.columns
prediction.explanation prediction.facts prediction.predictor prediction.worker
prediction.generator prediction.alignment prediction.transcriber prediction.pronouncer prediction.loading
export export.graph export.ngrams export.bag export.layers export.network export.content export.parity export.file
tables tables.formats tables.values
tables.columnar tables.columnar.arrays tables.columnar.weights tables.chunks tables.lines tables.delimited tables.jsonl
tables.columnar.objects tables.columnar.thrift tables.columnar.footer tables.columnar.pages tables.columnar.groups
tables.columnar.parquet tables.sources tables.small
tables.sql tables.sql.statements tables.sql.databases tables.sql.results tables.sql.queries tables.sinks
shares shares.mixture shares.prior shares.report shares.sample shares.estimates
annotation annotation.annotator annotation.written annotation.paths annotation.job annotation.parts annotation.local
annotation.pieces annotation.cluster annotation.request annotation.frames
data data.columns data.examples data.texts data.images data.splits data.pairs data.catalog data.download
data.reading data.numbers data.steps data.augment data.batches data.packed data.shards data.streaming data.held_back
cells.contract cells.elman cells.gru cells.lstm cells.library cells.unroll cells.passes.buffers cells.passes.steps
cells.passes.elman cells.passes.gru cells.passes.lstm cells.passes cells.fused cells.attention cells
evaluation evaluation.intervals evaluation.uncertainty evaluation.metrics evaluation.verdict evaluation.mistakes
evaluation.calibration evaluation.conformal evaluation.familiarity evaluation.transcription evaluation.letterwise
evaluation.counted evaluation.writing evaluation.linear evaluation.baseline evaluation.scores evaluation.titles
evaluation.report evaluation.figures evaluation.confusions evaluation.plots evaluation.drawings evaluation.shares
training training.config training.allowance training.reading training.history training.progress
training.tasks training.tasks.strings training.tasks.advice training.held_out training.transcribed
training.rows training.averages training.network training.decoder training.transducer
training.exchange training.ranks training.tuning training.state training.loop
training.tasks.task training.tasks.labels training.tasks.streamed training.tasks.tags training.tasks.numbers
training.tasks.features training.tasks.images training.tasks.generate
training.tasks.pairs training.tasks.registry
training.fitting training.recipes training.run training.options training.shortcut training.comparison
estimators estimators.inputs estimators.division estimators.estimator estimators.classifier estimators.regressor
server.settings server.bugs server.jobs server.errors server.metrics server.models server.writing server.schemas
server.worker server.pool server.batching server.middleware server.limits server.service server.uploads
server.openapi
server.routes server.app server.protocol server.run server
cli.process cli.options cli.output cli.progress cli.names cli.answers cli.prompt cli.data cli.predict cli.annotate
cli.generate cli.score cli.pronounce
cli.estimate cli.models cli.export cli.train cli.evaluate cli.compare cli.explain cli.serve cli.system cli __main__
"""
DOOR = "elman"  # elman/__init__.py may name any room, in its lazy table or for type checkers; no room imports it


def package_of(module: str) -> str:
    return module.split(".")[0]


RUNGS = [name for line in LADDER.split("\n") for name in line.split()]
ROOT = Path(elman.__file__).parent
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").removesuffix(".") or DOOR: path
    for path in sorted(ROOT.rglob("*.py"))
}
LIGHT = [*RUNGS[: RUNGS.index("data")], "training.config", "training.history", "training.progress"]
TORCH_FREE = [name for name in RUNGS[: RUNGS.index("training.rows")] if package_of(name) != "cells"]
HEAVY = ("torch", "sklearn", "matplotlib", "scipy")


def imported(source: str) -> set[str]:
    """Return every module that a source imports, anywhere: rooms without the leading ``elman.``, others by package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            inner = {f"{module}.{alias.name}" for alias in node.names}
            rooms = {name for name in inner if name.removeprefix("elman.") in FILES}
            names |= rooms | ({module} if rooms != inner else set())
    return {name.removeprefix("elman.") if name.startswith("elman.") else name.split(".")[0] for name in names}


IMPORTS = {name: imported(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def test_the_reader_sees_imports_in_functions_for_type_checkers_and_of_submodules():
    assert imported("def f():\n    from elman.training.run import Run") == {"training.run"}
    assert imported("if TYPE_CHECKING:\n    import torch.nn as nn") == {"torch"}
    assert imported("from elman.data import catalog\nfrom elman.cells import Cell") == {"data.catalog", "cells"}
    assert imported("import elman\nfrom elman import load, files") == {"elman", "files"}


def test_every_module_has_one_place_on_the_ladder():
    assert sorted(RUNGS) == sorted(FILES.keys() - {DOOR})


@pytest.mark.parametrize("module", sorted(FILES.keys() - {DOOR}))
def test_imports_only_go_down_the_ladder(module):
    rooms = IMPORTS[module] & FILES.keys()
    assert not rooms - set(RUNGS[: RUNGS.index(module)])  # the rest comes after the module, or is the public interface


# Which packages, and which single modules of others, each package may import beside the modules at the root.
PACKAGES = {
    "text": "",
    "model": "text",
    "scoring": "model text",
    "prediction": "scoring model text",
    "export": "prediction scoring model text",
    "tables": "",
    "shares": "prediction tables model",
    "annotation": "prediction tables model scoring.processor",
    "data": "tables text",
    "cells": "",
    "evaluation": "shares prediction scoring model text",
    "training": "cells data evaluation model prediction scoring tables text",
    "estimators": "training data prediction scoring model text",
    "server": "annotation shares prediction tables model text scoring.processor data.catalog",
    "cli": "annotation shares cells data evaluation export model prediction scoring server tables text training",
}


def test_every_package_has_its_line():
    assert sorted(PACKAGES) == sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_its_line_allows(package):
    allowed = PACKAGES[package].split()
    met = {name for module, names in IMPORTS.items() if package_of(module) == package for name in names & FILES.keys()}
    inner = {name for name in met if package_of(name) in PACKAGES and package_of(name) != package}
    assert {name for name in inner if name not in allowed and package_of(name) not in allowed} == set()


@pytest.mark.parametrize("module", LIGHT)
def test_what_predicts_names_no_heavy_package(module):
    assert not IMPORTS[module] & set(HEAVY)


def test_what_evaluates_loads_no_torch():
    modules = ", ".join(f"elman.{name}" for name in [*TORCH_FREE, "cli.evaluate"])
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    ("package", "place"),
    [
        ("matplotlib", "evaluation"),
        ("typer", "cli"),
        ("pyarrow", "columns tables"),
        ("sqlalchemy", "tables"),
        ("ray", "annotation.cluster"),
        ("narwhals", "annotation.frames"),
        ("huggingface_hub", "model.hub"),
        ("onnx", "export.graph"),
        ("onnxruntime", "export.parity"),
    ],
)
def test_a_library_for_one_thing_is_imported_in_one_place(package, place):
    users = {module for module, names in IMPORTS.items() if package in names}
    assert users and all({module, package_of(module)} & set(place.split()) for module in users)


PREDICT = """
import sys
import numpy as np
import elman
from elman.model.file import Artifact, save_artifact
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary

config = elman.ModelConfig(hidden_size=2, embedding_size=2, ngram_buckets=4)
vocabulary, labels = Vocabulary(tuple("abc")), Labels(("Dutch", "Greek"))
shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels), bag=3)
tensors = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
tensors["bag.codes"] = np.arange(3)
save_artifact(Artifact("tiny", config, tensors, vocabulary, labels, Normalisation(), 1.0), sys.argv[1])
assert elman.load(sys.argv[1]).predict(["abc", "Жук"])[0].label == "Dutch"
print(sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[2:])))
"""


def test_a_prediction_loads_no_heavy_package(tmp_path):
    command = [sys.executable, "-W", "error", "-c", PREDICT, str(tmp_path / "tiny.safetensors"), *HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_every_public_name_that_predicts_loads_no_heavy_package():
    code = f"import sys, elman; elman.Predictor, elman.load; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


UNUSED = (
    "reports",
    "markup",
    "model.card",
    "model.hub",
    "prediction.facts",
    "prediction.pool",
    "scoring.trie",
    "tables",
)


def test_the_first_answer_of_the_command_line_loads_only_what_it_needs():
    """Each module costs about a millisecond of the first answer, which benchmarks/first_answer.py measures."""
    code = (
        "import atexit, sys; from elman.cli import main; atexit.register(lambda: print(*sorted(sys.modules))); main()"
    )
    command = [sys.executable, "-W", "error", "-c", code, "predict", "--model", "languages", "Nakamura"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer, modules = done.stdout.splitlines()
    assert answer.startswith("Nakamura\tJapanese")
    assert {f"elman.{name}" for name in UNUSED} & set(modules.split()) == set()
