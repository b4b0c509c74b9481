"""The model file: what is written is read back, and other files are refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import DamagedModelError, ModelFileError, NewerModelError, NotAModelError, SettingError
from elman.model.config import ModelConfig
from elman.model.content import FORMAT_VERSION
from elman.model.file import (
    SETTINGS_OF_BAGS,
    SETTINGS_OF_WORDS,
    Artifact,
    digest_of_artifact,
    dump_artifact,
    load_artifact,
    save_artifact,
)
from elman.model.kinds import KINDS
from elman.prediction.predictor import Predictor
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary

Forge = Callable[..., Path]


def equal(one: Artifact, other: Artifact) -> bool:
    """Whether two artifacts are the same in every part, each weight to the last bit."""
    same_weights = one.tensors.keys() == other.tensors.keys() and all(
        tensor.dtype == other.tensors[name].dtype and np.array_equal(tensor, other.tensors[name])
        for name, tensor in one.tensors.items()
    )
    return same_weights and replace(one, tensors=other.tensors) == other


def refill(artifact: Artifact, fill: Callable[[Any], Any]) -> Artifact:
    """The same model with other weights in single precision."""
    weights = {name: tensor for name, tensor in artifact.tensors.items() if tensor.dtype == np.float32}
    filled = {name: fill(tensor).astype(np.float32) for name, tensor in weights.items()}
    return replace(artifact, tensors={**artifact.tensors, **filled})


# What is written is read back


def test_a_model_is_read_back_as_it_was_written(tiny_artifact, tiny_file):
    assert equal(load_artifact(tiny_file), tiny_artifact)
    assert equal(load_artifact(str(tiny_file)), tiny_artifact)


def test_a_forged_file_without_changes_is_read(forge, tiny_artifact):
    assert equal(load_artifact(forge(lambda document, tensors: None)), tiny_artifact)


def test_weights_that_fit_16_bits_take_half_the_space_and_lose_nothing(tiny_artifact, tiny_file, tmp_path):
    rounded = refill(tiny_artifact, lambda weight: weight.astype(np.float16))
    save_artifact(rounded, tmp_path / "small")
    assert equal(load_artifact(tmp_path / "small"), rounded)
    assert tiny_file.stat().st_size - (tmp_path / "small").stat().st_size >= 2 * tiny_artifact.parameters - 8


@pytest.mark.parametrize("value", [1e-40, 65504.0, 65519.0, 3e38, -3e38])
def test_weights_of_any_size_are_read_back(tiny_artifact, tmp_path, value):
    full = refill(tiny_artifact, lambda weight: np.full_like(weight, value))
    save_artifact(full, tmp_path / "model")
    assert equal(load_artifact(tmp_path / "model"), full)


def test_parameters_counts_all_weights_but_no_codes(tiny_artifact):
    weights = [tensor.size for name, tensor in tiny_artifact.tensors.items() if not name.endswith("codes")]
    assert tiny_artifact.parameters == sum(weights) > 0


def test_any_reader_of_safetensors_can_open_a_model(tiny_artifact, tiny_file):
    assert safetensors.numpy.load_file(tiny_file).keys() == tiny_artifact.tensors.keys()


def test_missing_folders_are_made(tiny_artifact, tmp_path):
    save_artifact(tiny_artifact, tmp_path / "a" / "b" / "model")
    assert equal(load_artifact(tmp_path / "a" / "b" / "model"), tiny_artifact)


def test_a_write_that_fails_leaves_the_older_model(tiny_artifact, tiny_file, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_artifact(replace(tiny_artifact, name="newer"), tiny_file)
    assert equal(load_artifact(tiny_file), tiny_artifact)
    assert os.listdir(tiny_file.parent) == [tiny_file.name]


def test_a_model_is_read_and_written_without_torch(python_process, tiny_file):
    code = (
        "import sys; from elman.model.file import load_artifact, save_artifact\n"
        "save_artifact(load_artifact(sys.argv[1]), 'copy'); print('torch' in sys.modules)"
    )
    assert python_process(code, tiny_file) == "False\n"


# The digest


def stored_digest(path: Path) -> str:
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return str(header["__metadata__"]["digest"])


def computed_digest(artifact: Artifact, folder: Path) -> str:
    """The digest of the file that a model without any memory of its own file is saved to."""
    (folder / "again").write_bytes(dump_artifact(replace(artifact)))
    return stored_digest(folder / "again")


def test_the_digest_of_a_loaded_model_is_not_computed_again(tiny_artifact, tiny_file, monkeypatch):
    model, expected = load_artifact(tiny_file), digest_of_artifact(tiny_artifact)
    monkeypatch.setattr("elman.model.file.digest_of", None)
    assert digest_of_artifact(model) == stored_digest(tiny_file) == expected


OTHER_FILES: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "other order": lambda document, tensors: dict(reversed(document.items())),
    "other name": lambda document, tensors: document.update(name="other"),
    "version 1": lambda document, tensors: as_version_1(document, tensors),
    "wide": lambda document, tensors: tensors.update({"head.bias": np.array([0, 0.5, 2], np.float32)}),
}


@pytest.mark.parametrize("change", OTHER_FILES)
def test_the_digest_of_a_model_is_that_of_the_file_it_is_saved_to(forge, tmp_path, change):
    path = forge(OTHER_FILES[change])
    model = load_artifact(path)
    assert digest_of_artifact(model) == computed_digest(model, tmp_path)
    assert (digest_of_artifact(model) == stored_digest(path)) == (change == "other name")


def test_the_digest_of_a_model_of_8_bits_is_that_of_its_rounded_weights(tiny_artifact, tmp_path):
    save_artifact(tiny_artifact, tmp_path / "small", weights="int8")
    model = load_artifact(tmp_path / "small")
    assert digest_of_artifact(model) == computed_digest(model, tmp_path) == stored_digest(tmp_path / "small")
    assert digest_of_artifact(model) != digest_of_artifact(tiny_artifact)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"temperature": 2.0}, {"labels": Labels(("x", "y", "z"))}])
def test_a_changed_model_has_another_digest(tiny_file, tmp_path, changes):
    model = load_artifact(tiny_file)
    other = replace(model, **changes)
    assert digest_of_artifact(other) == computed_digest(other, tmp_path) != digest_of_artifact(model)


def test_a_model_with_other_weights_has_another_digest(tiny_file, tmp_path):
    model = load_artifact(tiny_file)
    other = replace(model, tensors={**model.tensors, "head.bias": np.zeros(3, np.float32)})
    assert digest_of_artifact(other) == computed_digest(other, tmp_path) != digest_of_artifact(model)


@pytest.mark.parametrize("first", [1e-9, 0.5])
def test_a_tensor_takes_16_bits_only_if_none_of_its_numbers_needs_more(tiny_artifact, tmp_path, monkeypatch, first):
    monkeypatch.setattr("elman.model.packing.FIRST", 1)
    tensor = np.full_like(tiny_artifact.tensors["ngrams.weight"], 0.5)
    tensor[0, 0], tensor[-1, -1] = first, 0.1
    save_artifact(replace(tiny_artifact, tensors={**tiny_artifact.tensors, "ngrams.weight": tensor}), tmp_path / "m")
    assert np.array_equal(load_artifact(tmp_path / "m").tensors["ngrams.weight"], tensor)


# Files of another kind


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"name,label\nMueller,German\n", b"\x80\x04N.", b"PK\x03\x04" + bytes(60), bytes(4096)]
)
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, content):
    (tmp_path / "other.bin").write_bytes(content)
    with pytest.raises(NotAModelError, match=r"other\.bin"):
        load_artifact(tmp_path / "other.bin")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(NotAModelError, match="absent"):
        load_artifact(tmp_path / "absent")


def test_a_folder_is_refused_by_name(tmp_path):
    with pytest.raises(NotAModelError, match=str(tmp_path)):
        load_artifact(tmp_path)


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_tensors_of_another_program_are_refused_by_name(tmp_path, metadata):
    safetensors.numpy.save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "bert.safetensors", metadata)
    with pytest.raises(NotAModelError, match=r"bert\.safetensors"):
        load_artifact(tmp_path / "bert.safetensors")


def test_a_pickle_is_never_run(tmp_path):
    # a pickle that writes a file when it is loaded
    spell = f"cos\nsystem\n(S'touch {tmp_path / 'ran'}'\ntR.".encode()
    (tmp_path / "evil").write_bytes(spell)
    with pytest.raises(NotAModelError, match="evil"):
        load_artifact(tmp_path / "evil")
    assert not (tmp_path / "ran").exists()


# Damage


def test_every_truncation_is_refused_by_name(tiny_file):
    content = tiny_file.read_bytes()
    lengths = {*range(40), *range(40, len(content), 97), len(content) - 1}
    for length in sorted(lengths):
        tiny_file.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match=r"tiny\.safetensors"):
            load_artifact(tiny_file)


def test_a_truncated_model_is_called_damaged(tiny_file):
    content = tiny_file.read_bytes()
    for length in (9, 100, len(content) // 2, len(content) - 1):
        tiny_file.write_bytes(content[:length])
        with pytest.raises(DamagedModelError, match="truncated|damaged"):
            load_artifact(tiny_file)


def test_bytes_after_the_end_are_refused(tiny_file):
    tiny_file.write_bytes(tiny_file.read_bytes() + b"\0")
    with pytest.raises(DamagedModelError, match=r"tiny\.safetensors"):
        load_artifact(tiny_file)


@pytest.mark.parametrize("by", [-4, 4])
def test_tensors_that_do_not_follow_each_other_are_refused(tiny_file, by):
    content = tiny_file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    for entry in header.values():
        if "data_offsets" in entry and entry["data_offsets"][0] > 0:
            entry["data_offsets"] = [place + by for place in entry["data_offsets"]]
    body = json.dumps(header).encode()
    tiny_file.write_bytes(len(body).to_bytes(8, "little") + body + content[8 + length :] + b"\0" * max(0, by))
    with pytest.raises(DamagedModelError, match="do not follow each other"):
        load_artifact(tiny_file)


@pytest.mark.parametrize("length", [0, 1, 2**20, 2**31, 2**62, 2**64 - 1])
def test_a_wrong_header_length_is_refused(tiny_file, length):
    tiny_file.write_bytes(length.to_bytes(8, "little") + tiny_file.read_bytes()[8:])
    with pytest.raises(ModelFileError, match=r"tiny\.safetensors"):
        load_artifact(tiny_file)


@pytest.fixture(scope="session")
def written(tiny_artifact: Artifact, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("flips") / "flipped.safetensors"
    save_artifact(tiny_artifact, path)
    return path, path.read_bytes()


@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_one_altered_byte_is_refused_or_changes_nothing(written, tiny_artifact, share, flip):
    path, content = written
    altered = bytearray(content)
    altered[int(share * len(content))] ^= flip
    path.write_bytes(altered)
    try:
        found = load_artifact(path)
    except ModelFileError as error:
        assert "flipped.safetensors" in str(error)
    else:
        assert equal(found, tiny_artifact)  # the header may have other white space


def test_an_altered_weight_is_called_damage(written):
    path, content = written
    for distance in (1, 2, 40, 300):
        path.write_bytes(content[:-distance] + bytes([content[-distance] ^ 1]) + content[len(content) - distance + 1 :])
        with pytest.raises(DamagedModelError, match="altered"):
            load_artifact(path)


def test_an_altered_label_is_called_damage(written):
    path, content = written
    path.write_bytes(content.replace(b"Alfa", b"Alpa", 1))
    with pytest.raises(DamagedModelError, match="altered"):
        load_artifact(path)


# Files with invalid content and a digest that fits it


def test_a_model_of_a_newer_elman_says_what_to_install(forge):
    path = forge(lambda document, tensors: document.update(format_version=FORMAT_VERSION + 1))
    with pytest.raises(NewerModelError, match=r"forged\.safetensors.*install a newer Elman"):
        load_artifact(path)


FIELDS = ("name", "config", "vocabulary", "labels", "normalisation", "temperature", "provenance", "format_version")


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_refused(forge, field):
    path = forge(lambda document, tensors: document.pop(field) and None)
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors"):
        load_artifact(path)


@pytest.mark.parametrize("value", [None, 7, "abcdefgh", [], {}, [["a"]], {"cell": "gru", "wings": 2}])
@pytest.mark.parametrize("field", ["config", "vocabulary", "labels", "normalisation"])
def test_a_field_of_another_kind_is_refused(forge, field, value):
    path = forge(lambda document, tensors: document.update({field: value}))
    if (field, value) in [("normalisation", {})]:
        assert load_artifact(path).normalisation  # every setting has a default
        return
    with pytest.raises(ModelFileError, match=r"forged\.safetensors"):
        load_artifact(path)


@pytest.mark.parametrize("document", [[], 3, "text", {}])
def test_a_description_of_another_kind_is_refused(forge, document):
    path = forge(lambda *_: document)
    with pytest.raises(ModelFileError, match=r"forged\.safetensors"):
        load_artifact(path)


@pytest.mark.parametrize(
    "temperature",
    [0, -1, float("nan"), float("inf"), "warm", "1.5", True, None, [], 1e-300, 1e300, pytest.param(10**400, id="huge")],
)
def test_an_invalid_temperature_is_refused(forge, temperature):
    path = forge(lambda document, tensors: document.update(temperature=temperature))
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors"):
        load_artifact(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(forge, value):
    def spoil(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors["head.bias"] = np.array([0, value, 0], np.float32)

    with pytest.raises(DamagedModelError, match=r"forged\.safetensors.*not finite"):
        load_artifact(forge(spoil))


@pytest.mark.parametrize("name", ["embedding.weight", "head.bias", "bag.weight", "bag.codes"])
def test_weights_of_another_number_type_are_refused_or_answer(forge, name):
    def spoil(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        whole = tensors[name].dtype.kind == "i"
        tensors[name] = tensors[name].astype(np.float32 if whole else np.int32)

    try:
        model = load_artifact(forge(spoil))
    except DamagedModelError as error:
        assert "forged.safetensors" in str(error)
    else:
        assert Predictor(model).predict("abc").label in model.labels.names


def test_weights_of_another_shape_are_refused_by_name(forge):
    def spoil(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors["head.bias"] = np.zeros(4, np.float32)

    with pytest.raises(DamagedModelError, match=r"forged\.safetensors.*head\.bias"):
        load_artifact(forge(spoil))


@pytest.mark.parametrize("name", ["head.bias", "embedding.weight", "recurrence.weight_hh_l0"])
def test_a_missing_weight_is_refused_by_name(forge, name):
    with pytest.raises(DamagedModelError, match=f"forged.*{name}"):
        load_artifact(forge(lambda document, tensors: tensors.pop(name) is None or None))


def test_an_unknown_weight_is_refused_by_name(forge):
    def spoil(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors["stranger"] = np.zeros(2, np.float32)

    with pytest.raises(DamagedModelError, match=r"forged.*stranger"):
        load_artifact(forge(spoil))


def test_a_config_of_very_many_layers_is_refused_in_a_few_words(forge):
    path = forge(lambda document, tensors: document["config"].update(layers=5000))
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors") as refused:
        load_artifact(path)
    assert len(str(refused.value)) < 1000


def test_an_artifact_whose_parts_do_not_fit_is_never_built(tiny_artifact):
    tensors = {**tiny_artifact.tensors, "head.bias": np.zeros(2, np.float32)}
    with pytest.raises(DamagedModelError, match=r"head\.bias"):
        replace(tiny_artifact, tensors=tensors)


def test_a_document_nested_too_deeply_is_refused(tiny_file):
    body = '{"__metadata__":' + '{"a":' * 200_000 + "1" + "}" * 200_001
    tiny_file.write_bytes(len(body).to_bytes(8, "little") + body.encode())
    with pytest.raises(ModelFileError, match=r"tiny\.safetensors"):
        load_artifact(tiny_file)


def test_the_description_is_json_that_a_person_can_read(tiny_artifact, tiny_file):
    content = tiny_file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    document = json.loads(header["__metadata__"]["elman"])
    assert document["labels"] == list(tiny_artifact.labels.names)
    older = (*SETTINGS_OF_BAGS, *SETTINGS_OF_WORDS)
    config = {name: value for name, value in asdict(tiny_artifact.config).items() if name not in older}
    assert document["config"] == json.loads(json.dumps(config))  # which older versions of Elman can read


# What a model reads and answers with

ADDED = ("reads", "answers", "columns", "picture")
ADDED_TO_CONFIG = ("input_size", "readout", "head", "first_state", "initialisation")
BARE: dict[str, Any] = {"hidden_size": 3, "embedding_size": 2, "directions": 1, "ngram_orders": (), "bag_orders": ()}
MADE: dict[str, dict[str, Any]] = {
    "strings to labels": {},
    "strings to tags": {"config": {"readout": "each"}, "kind": KINDS["tags"]},
    "strings to a number": {"labels": ("age",), "kind": KINDS["number"]},
    "images": {"config": {"input_size": 4}, "vocabulary": "", "kind": KINDS["images"], "picture": (6, 4)},
    "features": {
        "config": {"input_size": 2, "cell": "none"},
        "vocabulary": "",
        "labels": ("price",),
        "kind": KINDS["features"],
        "columns": ("size", "rooms"),
    },
    "no head": {"config": {"head": "none"}},
    "one-hot rows": {"config": {"embedding_size": 0, "head": "concatenation"}},
}


def made(**parts: Any) -> Artifact:
    """A very small model of a kind, with random weights."""
    config = ModelConfig(**{**BARE, **parts.pop("config", {})})
    vocabulary = Vocabulary(tuple(parts.pop("vocabulary", "abc")))
    labels = Labels(parts.pop("labels", ("x", "y", "z")))
    draw = np.random.default_rng(0)
    shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels))
    tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return Artifact("made", config, tensors, vocabulary, labels, Normalisation(), 1.0, **parts)


@pytest.mark.parametrize("parts", MADE)
def test_what_a_model_reads_and_answers_with_is_read_back(tmp_path, parts):
    artifact = made(**MADE[parts])
    save_artifact(artifact, tmp_path / "model")
    found = load_artifact(tmp_path / "model")
    assert equal(found, artifact)
    defaults = {"kind": KINDS["label"], "columns": (), "picture": ()}
    assert {name: getattr(found, name) for name in defaults} == {
        name: MADE[parts].get(name, default) for name, default in defaults.items()
    }


@pytest.mark.parametrize(
    ("parts", "changes", "message"),
    [
        ("strings to labels", {"kind": KINDS["images"], "picture": (6, 4)}, "its network does not read images"),
        ("strings to labels", {"kind": KINDS["features"], "columns": ("size",)}, "its network does not read features"),
        ("strings to labels", {"kind": KINDS["features"]}, "its network does not read features"),
        ("images", {"kind": KINDS["label"]}, "its network does not read strings"),
        ("images", {"picture": (6, 5)}, "its network does not read images"),
        ("images", {"picture": ()}, "its network does not read images"),
        ("images", {"picture": (6, 6, 4)}, "its network does not read images"),
        ("features", {"columns": ("size",)}, "its network does not read features"),
        ("features", {"columns": ()}, "its network does not read features"),
        ("strings to labels", {"kind": KINDS["tags"]}, "its readout 'last' does not answer with tags"),
        ("strings to tags", {"kind": KINDS["label"]}, "its readout 'each' does not answer with label"),
        ("strings to labels", {"kind": KINDS["number"]}, "it has 3 labels to answer with number"),
        ("strings to a number", {"kind": KINDS["label"]}, "it has 1 label to answer with label"),
        ("no head", {"labels": Labels(("x", "y"))}, "it has no head to make 2 scores"),
    ],
)
def test_a_model_whose_network_does_not_suit_its_kind_is_never_built(parts, changes, message):
    with pytest.raises(DamagedModelError, match=message):
        replace(made(**MADE[parts]), **changes)


def test_a_file_whose_network_does_not_suit_its_kind_is_refused_by_name(forge):
    path = forge(lambda document, tensors: document.update(answers="tags"))
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors: is damaged: its readout 'last'"):
        load_artifact(path)


@pytest.mark.parametrize("field", ADDED)
def test_a_file_of_this_version_without_its_kind_is_refused(forge, field):
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors"):
        load_artifact(forge(lambda document, tensors: document.pop(field) and None))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reads", "sounds"),
        ("reads", None),
        ("reads", ["strings"]),
        ("answers", "poems"),
        ("answers", 3),
        ("columns", 7),
        ("columns", None),
        ("picture", ["wide"]),
    ],
)
def test_an_unknown_kind_or_one_of_another_type_is_refused(forge, field, value):
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors") as error:
        load_artifact(forge(lambda document, tensors: document.update({field: value})))
    assert ("which no Elman does" in str(error.value)) == (value in ("sounds", "poems"))


def as_version_1(document: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Take away all that version 2 added."""
    document["format_version"] = 1
    for name in ADDED:
        del document[name]
    for name in ADDED_TO_CONFIG:
        del document["config"][name]


def test_a_file_of_version_1_is_still_read_and_gives_the_same_answers(forge, tiny_artifact):
    found = load_artifact(forge(as_version_1))
    assert equal(found, tiny_artifact)
    assert (found.kind, found.columns, found.picture) == (KINDS["label"], (), ())
    assert Predictor(found).predict("abc") == Predictor(tiny_artifact).predict("abc")


def test_a_file_of_version_1_is_written_again_as_one_of_version_2(forge, tiny_artifact, tmp_path):
    save_artifact(load_artifact(forge(as_version_1)), tmp_path / "again")
    header = safetensors.safe_open(tmp_path / "again", "numpy").metadata()
    assert json.loads(header["elman"])["format_version"] == 2
    assert equal(load_artifact(tmp_path / "again"), tiny_artifact)


# Weights of 8 bits


def test_weights_of_8_bits_come_back_within_half_a_step_of_each_row(tmp_path, tiny_artifact):
    save_artifact(tiny_artifact, tmp_path / "small.safetensors", weights="int8")
    loaded = load_artifact(tmp_path / "small.safetensors")
    assert loaded.config == tiny_artifact.config and loaded.tensors.keys() == tiny_artifact.tensors.keys()
    for name, tensor in tiny_artifact.tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        step = np.abs(tensor).max(axis=1, keepdims=True) / 127 if tensor.ndim == 2 else np.zeros(1)
        assert (np.abs(loaded.tensors[name] - tensor) <= step / 2 + 1e-6).all()


def test_rows_of_zeros_stay_zeros_in_8_bits(tmp_path, tiny_artifact):
    tensors = {name: np.zeros_like(t) if name == "head.weight" else t for name, t in tiny_artifact.tensors.items()}
    save_artifact(replace(tiny_artifact, tensors=tensors), tmp_path / "small.safetensors", weights="int8")
    assert not load_artifact(tmp_path / "small.safetensors").tensors["head.weight"].any()


def test_a_file_of_fewer_bits_is_smaller_and_says_that_it_is_newer(tmp_path, tiny_artifact, monkeypatch):
    monkeypatch.setattr("elman.model.packing.TABLE", 2)
    versions, sizes = [], []
    for weights in ("float", "int8", "int4"):
        save_artifact(tiny_artifact, tmp_path / weights, weights=weights)
        content = (tmp_path / weights).read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        versions.append(json.loads(header["__metadata__"]["elman"])["format_version"])
        sizes.append(sum(np.diff(one["data_offsets"])[0] for name, one in header.items() if name != "__metadata__"))
    assert versions == [2, 3, 7] and sizes == sorted(sizes, reverse=True)


def test_a_model_is_always_written_as_the_same_bytes(tiny_artifact):
    code = (
        "import sys; from elman.model.file import dump_artifact, parse_artifact; "
        "sys.stdout.buffer.write(dump_artifact(parse_artifact(sys.stdin.buffer.read(), 'model')))"
    )
    content = dump_artifact(tiny_artifact)
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
        assert done.stdout == content
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    assert len(header) % 8 == 0 and list(json.loads(header)["__metadata__"]) == ["digest", "elman"]


def test_a_file_of_4_bits_is_written_again_unchanged(tmp_path, tiny_artifact, monkeypatch):
    monkeypatch.setattr("elman.model.packing.TABLE", 2)
    save_artifact(tiny_artifact, tmp_path / "small.safetensors", weights="int4")
    loaded = load_artifact(tmp_path / "small.safetensors")
    save_artifact(loaded, tmp_path / "again.safetensors")
    again = load_artifact(tmp_path / "again.safetensors")
    assert again.digest == loaded.digest == replace(loaded, tensors=dict(loaded.tensors)).digest
    assert all(np.array_equal(again.tensors[name], tensor) for name, tensor in loaded.tensors.items())


def test_an_8_bit_matrix_without_its_scale_is_damaged(tmp_path, tiny_artifact, monkeypatch):
    monkeypatch.setattr("elman.model.content.quantise", lambda name, tensor, bits: {name: tensor.astype(np.int8)})
    save_artifact(tiny_artifact, tmp_path / "forged.safetensors", weights="int8")
    with pytest.raises(DamagedModelError, match=r"forged\.safetensors"):
        load_artifact(tmp_path / "forged.safetensors")


def test_an_unknown_kind_of_weights_is_refused(tmp_path, tiny_artifact):
    with pytest.raises(SettingError, match="float, int8, int4; got 'int3'"):
        save_artifact(tiny_artifact, tmp_path / "small.safetensors", weights="int3")
    assert not list(tmp_path.iterdir())


# What counts as evidence


@pytest.mark.parametrize("evidence", [None, "letters", "all"])
def test_the_evidence_of_a_model_is_read_back(tiny_artifact, tmp_path, evidence):
    artifact = replace(tiny_artifact, evidence=evidence)
    save_artifact(artifact, tmp_path / "model")
    found = load_artifact(tmp_path / "model")
    assert (found.evidence, equal(found, artifact)) == (evidence, True)
    assert digest_of_artifact(found) == stored_digest(tmp_path / "model") == computed_digest(found, tmp_path)


def test_a_file_without_evidence_is_the_same_to_the_last_byte_as_before(tiny_artifact, tmp_path):
    save_artifact(tiny_artifact, tmp_path / "model")
    header = safetensors.safe_open(tmp_path / "model", "numpy").metadata()
    assert "evidence" not in json.loads(header["elman"])
    assert digest_of_artifact(replace(tiny_artifact, evidence="all")) != digest_of_artifact(tiny_artifact)


def test_a_file_with_evidence_has_no_higher_version(tiny_artifact, tmp_path):
    save_artifact(replace(tiny_artifact, evidence="all"), tmp_path / "model")
    document = json.loads(safetensors.safe_open(tmp_path / "model", "numpy").metadata()["elman"])
    assert (document["format_version"], document["evidence"]) == (2, "all")


@pytest.mark.parametrize("evidence", ["digits", 3, ["all"], {}, True])
def test_unknown_evidence_is_refused(forge, evidence):
    with pytest.raises(
        DamagedModelError, match=r"forged\.safetensors: is damaged: its evidence must be one of letters"
    ):
        load_artifact(forge(lambda document, tensors: document.update(evidence=evidence)))


@pytest.mark.parametrize("floor", [-0.1, 1.0, float("nan")])
def test_a_floor_out_of_range_is_refused(tiny_artifact, floor):
    with pytest.raises(DamagedModelError, match="its floor must be at least 0 and less than 1"):
        replace(tiny_artifact, floor=floor)


def test_a_floor_is_read_back_and_only_models_of_labels_have_one(tiny_artifact, tmp_path):
    save_artifact(replace(tiny_artifact, floor=0.01), tmp_path / "floor.safetensors")
    assert load_artifact(tmp_path / "floor.safetensors").floor == 0.01
    shape = replace(tiny_artifact.config, readout="each", bag_orders=())
    tensors = {name: tensor for name, tensor in tiny_artifact.tensors.items() if not name.startswith("bag.")}
    with pytest.raises(DamagedModelError, match="it has a floor, and answers with tags"):
        replace(tiny_artifact, config=shape, tensors=tensors, kind=KINDS["tags"], floor=0.01)
