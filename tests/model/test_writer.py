"""The file of a model that writes: what is written is read back, and other files are refused in one line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from elman.errors import DamagedModelError, ModelFileError, NotAModelError, SettingError
from elman.model.content import digest_of
from elman.model.file import load_artifact
from elman.model.files import load_model
from elman.model.kinds import KINDS
from elman.model.seen import Seen
from elman.model.writer import Writer, dump_writer, load_writer, save_writer, with_seen
from elman.model.writing import WriterConfig
from elman.text.normalisation import Normalisation
from elman.text.targets import Targets
from elman.text.vocabulary import Labels, Vocabulary

Change = Callable[[dict[str, Any], dict[str, Any]], object]
Forge = Callable[[Writer, Change], Path]
ENCODER: dict[str, Any] = {"encoder_cell": "gru", "encoder_size": 2, "source_size": 3, "attention": "additive"}


def build(kind: str = "generate", *, labels: tuple[str, ...] = (), seen: bool = False, **config: Any) -> Writer:
    shape = WriterConfig(**{"hidden_size": 3, "embedding_size": 2, "label_size": 2 if labels else 0, **config})
    targets, sources = Targets(tuple("abc")), Vocabulary(tuple("xyz") if kind == "pairs" else ())
    draw = np.random.default_rng(0)
    shapes = shape.tensor_shapes(symbols=len(targets), sources=len(sources), labels=len(labels))
    writer = Writer(
        name="tiny",
        config=shape,
        tensors={name: draw.standard_normal(size).astype(np.float32) for name, size in shapes.items()},
        targets=targets,
        normalisation=Normalisation(),
        kind=KINDS[kind],
        longest=20,
        sources=sources,
        labels=Labels(labels) if labels else None,
    )
    return with_seen(writer, Seen.from_texts(["abc", "cab"])) if seen else writer


MADE = {
    "alone": build(),
    "labels": build(labels=("Dutch", "Greek"), cell="lstm", layers=2),
    "seen": build(seen=True, cell="elman"),
    "pairs": build("pairs", **ENCODER),
    "plain pairs": build("pairs", labels=("Dutch", "Greek"), encoder_cell="lstm"),
    "tokens": replace(build(), targets=Targets(("AA1", "N", "T"), "blanks")),
}


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    """Write a model file with other content and a digest that fits it, as only a program can."""

    def write(writer: Writer, change: Change) -> Path:
        path = tmp_path / "forged.safetensors"
        content = dump_writer(writer)
        tensors = safetensors.numpy.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        document = json.loads(header["__metadata__"]["elman"])
        change(document, tensors)
        body = json.dumps(document)
        path.write_bytes(safetensors.numpy.save(tensors, {"elman": body, "digest": digest_of(body, tensors)}))
        return path

    return write


def equal(one: Writer, other: Writer) -> bool:
    same = one.tensors.keys() == other.tensors.keys() and all(
        tensor.dtype == other.tensors[name].dtype and np.array_equal(tensor, other.tensors[name])
        for name, tensor in one.tensors.items()
    )
    return same and replace(one, tensors=other.tensors) == other


@pytest.mark.parametrize("name", MADE)
def test_a_model_is_read_back_as_it_was_written(name, tmp_path):
    save_writer(MADE[name], tmp_path / "model")
    found = load_writer(tmp_path / "model")
    assert equal(found, MADE[name]) and found.digest == MADE[name].digest == replace(found).digest
    both = load_model(tmp_path / "model")
    assert isinstance(both, Writer) and equal(both, found)


def test_a_changed_model_has_another_digest(tmp_path):
    save_writer(MADE["alone"], tmp_path / "model")
    found = load_writer(tmp_path / "model")
    assert replace(found, longest=21).digest != found.digest


def test_weights_of_8_bits_are_read_back_nearly(tmp_path):
    save_writer(MADE["pairs"], tmp_path / "model", weights="int8")
    found = load_writer(tmp_path / "model")
    for name, tensor in MADE["pairs"].tensors.items():
        assert np.abs(found.tensors[name] - tensor).max() < 0.02
    with pytest.raises(SettingError, match="weights must be one of float, int8, int4; got 'int3'"):
        save_writer(MADE["pairs"], tmp_path / "model", weights="int3")


def test_the_filter_of_training_strings_is_kept(tmp_path):
    save_writer(MADE["seen"], tmp_path / "model")
    seen = load_writer(tmp_path / "model").seen
    assert seen is not None and "abc" in seen and "bbbb" not in seen
    assert MADE["seen"].parameters == replace(MADE["seen"], hashes=0, tensors=_without_bits(MADE["seen"])).parameters


def _without_bits(writer: Writer) -> dict[str, Any]:
    return {name: tensor for name, tensor in writer.tensors.items() if name != "seen.bits"}


def test_each_record_says_which_command_is_for_the_other(tmp_path, tiny_file):
    save_writer(MADE["alone"], tmp_path / "model")
    with pytest.raises(NotAModelError, match="reads labels and writes strings; use `elman generate`"):
        load_artifact(tmp_path / "model")
    with pytest.raises(NotAModelError, match=r"tiny\.safetensors: is a model that .* use `elman predict`"):
        load_writer(tiny_file)
    assert not isinstance(load_model(tiny_file), Writer)


SPOILT: dict[str, tuple[str, Change]] = {
    "no targets": ("alone", lambda document, tensors: document.pop("targets")),
    "targets of another type": ("alone", lambda document, tensors: document.update(targets="abc")),
    "a number among targets": ("alone", lambda document, tensors: document.update(targets=["a", "b", 3])),
    "a target twice": ("alone", lambda document, tensors: document.update(targets=["a", "b", "a"])),
    "a control character": ("alone", lambda document, tensors: document.update(targets=["a", "b", "\x1b"])),
    "another form": ("alone", lambda document, tensors: document.update(target_symbols="words")),
    "more targets than rows": ("alone", lambda document, tensors: document.update(targets=list("abcd"))),
    "no bound": ("alone", lambda document, tensors: document.update(longest=0)),
    "a huge bound": ("alone", lambda document, tensors: document.update(longest=10**9)),
    "a bound that is true": ("alone", lambda document, tensors: document.update(longest=True)),
    "hashes without bits": ("alone", lambda document, tensors: document.update(hashes=7)),
    "bits without hashes": ("seen", lambda document, tensors: document.update(hashes=0)),
    "very many hashes": ("seen", lambda document, tensors: document.update(hashes=10**9)),
    "bits of floats": ("seen", lambda document, tensors: tensors.update({"seen.bits": np.ones(1, np.float32)})),
    "labels without rows": ("alone", lambda document, tensors: document.update(labels=["Dutch", "Greek"])),
    "rows without labels": ("labels", lambda document, tensors: document.update(labels=[])),
    "an unknown setting": ("alone", lambda document, tensors: document["config"].update(wings=2)),
    "no label size": ("alone", lambda document, tensors: document["config"].update(label_size=None)),
    "very many layers": ("alone", lambda document, tensors: document["config"].update(layers=64)),
    "a weight is missing": ("pairs", lambda document, tensors: tensors.pop("attention.vector")),
    "a strange weight": ("pairs", lambda document, tensors: tensors.update(stranger=np.zeros(2, np.float32))),
    "not finite": ("pairs", lambda document, tensors: tensors["output.bias"].fill(np.nan)),
    "symbols and no encoder": ("alone", lambda document, tensors: document.update(vocabulary=["x"])),
    "reads strings without an encoder": ("alone", lambda document, tensors: document.update(reads="strings")),
    "reads labels with an encoder": ("pairs", lambda document, tensors: document.update(reads="labels")),
    "temperature": ("alone", lambda document, tensors: document.update(temperature=0)),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_model_with_invalid_content_is_refused_in_one_line(forge, case):
    name, change = SPOILT[case]
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors: is damaged: ") as refused:
        load_writer(forge(MADE[name], change))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 700


def test_a_document_that_claims_another_kind_is_refused(forge):
    path = forge(MADE["alone"], lambda document, tensors: document.update(reads="strings", answers="label"))
    with pytest.raises(NotAModelError, match="reads strings and answers with a label"):
        load_writer(path)
    with pytest.raises(ModelFileError):
        load_artifact(path)


def test_every_truncation_is_refused_by_name(tmp_path):
    content = dump_writer(MADE["labels"])
    for length in range(0, len(content), 61):
        (tmp_path / "short").write_bytes(content[:length])
        with pytest.raises(ModelFileError, match="short"):
            load_writer(tmp_path / "short")


@pytest.mark.parametrize("changes", [{"kind": KINDS["label"]}, {"longest": 401}, {"temperature": 0.0}])
def test_a_model_whose_parts_do_not_fit_is_never_built(changes):
    with pytest.raises(DamagedModelError):
        replace(MADE["alone"], **changes)
