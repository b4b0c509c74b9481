"""The example in JavaScript prepares strings as Elman does, and WebAssembly answers with the same probabilities.

The tests run in Node with the package onnxruntime-web: `npm install onnxruntime-web` in a folder, and
ELMAN_NODE_MODULES set to its node_modules.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.export.content import dump_graph
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.text.normalisation import Normalisation

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
MODULES = Path(os.environ.get("ELMAN_NODE_MODULES", ROOT / "node_modules"))

pytest.importorskip("onnx", reason="needs onnx: pip install 'elman[onnx]'")
if shutil.which("node") is None:
    pytest.skip("needs Node: apt-get install nodejs", allow_module_level=True)
if not (MODULES / "onnxruntime-web").is_dir():
    pytest.skip("needs onnxruntime-web: npm install onnxruntime-web, and ELMAN_NODE_MODULES", allow_module_level=True)

ASK = """
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web/wasm";
import { classify, open } from "./elman.mjs";
ort.env.wasm.numThreads = 1;
const answers = {};
for (const [name, texts] of Object.entries(JSON.parse(await readFile("texts.json", "utf8")))) {
  try {
    const model = await open(ort, new Uint8Array(await readFile(`${name}.onnx`)));
    answers[name] = await classify(model, texts, 1000);
  } catch (error) {
    answers[name] = error.message;
  }
}
console.log(JSON.stringify(answers));
"""
NAMES = [
    "Nakamura", "papadopoulos", "Li", "MU\u0308LLER", "O’Brien", "o`hara", "Jean–Luc", " a  b, ,", "Nguyễn", "Čapek",
    "İnönü", "ﬁsher", "Ｔａｎａｋａ", "zero\u200bwidth", "tab\there", "a" * 200, "b" * 201, "x1", "d'Ávila,",
]  # fmt: skip
UNREAD = ["", "  ", "42", "...", "b" * 5000, ","]
LATIN = [f"a{chr(point)}b" for point in (*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x1E00, 0x1F00))]


STRINGS = [*LATIN, "'", "Ñandu É", "İstanbul", "Жук", "ñe'", "łódź", "Straße"]
FOREIGN = ["Иванов", "中村", "Müllerов"]


@pytest.fixture(scope="module")
def models(build: Callable[..., Artifact]) -> dict[str, tuple[Artifact, list[str]]]:
    """The models that the example reads, each with the strings to read."""
    small = build(bag_orders=(1, 2, 3))
    bare = replace(small, normalisation=Normalisation(lower_case=False, accents=False), evidence="letters")
    own_script = replace(small, normalisation=Normalisation(transliterate=False), evidence="all")
    return {
        "languages": (elman.load("languages").artifact, [*NAMES, *UNREAD, *LATIN, *FOREIGN]),
        "bare": (bare, STRINGS),
        "own_script": (own_script, STRINGS),
        "words": (build(separator=1, bag_size=2), ["a'b", "b'c'de", "ab", "'a'", "e''d"]),
        "number": (build("number", labels=1), ["a"]),
    }


@pytest.fixture(scope="module")
def answers(models: dict[str, tuple[Artifact, list[str]]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the example answers in Node, by model; the message if it refuses the model."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(MODULES.resolve())
    (folder / "ask.mjs").write_text(ASK, "utf-8")
    shutil.copy(EXAMPLES / "elman.mjs", folder)
    for name, (artifact, _) in models.items():
        (folder / f"{name}.onnx").write_bytes(dump_graph(artifact))
    (folder / "none.onnx").write_bytes(b"\x08\x08")
    texts = {"none": ["a"], **{name: texts for name, (_, texts) in models.items()}}
    (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
    done = subprocess.run(["node", "ask.mjs"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["languages", "bare", "own_script", "words"])
def test_strings_are_prepared_and_answered_as_in_python(models, answers, name):
    artifact, texts = models[name]
    own = Predictor(artifact).predict(texts, top=len(artifact.labels))
    for text, answer, prediction in zip(texts, answers[name], own, strict=True):
        if answer.get("reason") == "another script":
            assert prediction.transliterated, text
            continue
        assert (answer["normalised"], "reason" in answer) == (prediction.normalised, prediction.abstained), text
        found = {one["label"]: one["probability"] for one in answer["top"]}
        assert found == pytest.approx({one.label: one.probability for one in prediction.top}, abs=1e-5), text


def test_letters_of_other_scripts_get_a_reason(answers):
    reasons = [answer.get("reason") for answer in answers["languages"]]
    assert reasons[-len(FOREIGN) :] == ["another script"] * len(FOREIGN)
    assert reasons.count("another script") < 10


def test_a_file_that_the_example_cannot_read_is_refused(answers):
    assert answers["none"] == "not a file that elman export wrote"
    assert answers["number"] == "this model needs other code"


def test_the_example_prints_what_the_page_says(tmp_path):
    (tmp_path / "node_modules").symlink_to(MODULES.resolve())
    for name in ("elman.mjs", "classify.mjs"):
        shutil.copy(EXAMPLES / name, tmp_path)
    (tmp_path / "languages.onnx").write_bytes(dump_graph(elman.load("languages").artifact))
    page = (ROOT / "docs" / "onnx.md").read_text("utf-8")
    command, printed = re.search(
        r"^(node classify\.mjs .+)\n```\n\nprints\n\n```\n([^`]+)```", page, re.MULTILINE
    ).groups()
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == printed, done.stderr
    assert "Japanese 99" in printed


def test_the_tables_of_the_example_are_those_of_the_normalisation():
    from elman.text import normalisation

    script = (EXAMPLES / "elman.mjs").read_text("utf-8")
    assert all(f'{chr(key)}: "{value}"' in script for key, value in normalisation._STROKES.items())
    characters = normalisation._APOSTROPHES + normalisation._DASHES
    assert [c for c in characters if c not in script and f"\\u{ord(c):04x}" not in script] == []
