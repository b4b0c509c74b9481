"""Cards for the Hub: metadata that it reads, an honest licence, and texts that Markdown shows as they are."""

from dataclasses import replace

import pytest

from elman.errors import SettingError
from elman.model.card import is_own_card, read_card, write_card, write_local_card
from elman.model.kinds import KINDS
from elman.prediction.facts import describe_model
from elman.text.vocabulary import Labels


def test_metadata_come_first_and_are_yaml(tiny_artifact):
    yaml = pytest.importorskip("yaml")
    _, front, _ = write_card(tiny_artifact, address="hf://ann/tiny", license="apache-2.0").split("---\n", 2)
    assert yaml.safe_load(front) == {
        "library_name": "elman",
        "license": "apache-2.0",
        "pipeline_tag": "text-classification",
        "tags": ["elman", "recurrent-neural-network", "gru"],
    }


def test_a_licence_that_is_not_given_is_unknown(tiny_artifact):
    card = write_card(tiny_artifact, address="hf://ann/tiny")
    assert "\nlicense: unknown\n" in card and "Ask the owner of this page" in card
    with pytest.raises(SettingError, match="apache-2.0 or mit; got 'MIT License'"):
        write_card(tiny_artifact, address="hf://ann/tiny", license="MIT License")


def test_figures_and_sizes_are_those_of_the_model_and_a_path_is_not_shown(tiny_artifact):
    provenance = {
        "data": {"source": "/private/folder/people.csv"},
        "split": {"kind": "grouped", "train": 8000, "validation": 10, "test": 12},
        "figures": {"test": {"examples": 12, "accuracy": 0.75, "per": {}}, "baseline_test": {"accuracy": 0.5}},
    }
    card = write_card(replace(tiny_artifact, provenance=provenance), address="hf://ann/tiny")
    assert "Learned from people.csv: 8,000 examples to train, 10 to validate, 12 to test; split: grouped." in card
    assert "| examples | 12 | – |\n| accuracy | 0.75 | 0.5 |\n" in card
    assert "private" not in card


@pytest.mark.parametrize("provenance", [{}, {"data": 3, "figures": [], "split": None}, {"data": {"source": []}}])
def test_provenance_can_be_anything(tiny_artifact, provenance):
    card = write_card(replace(tiny_artifact, provenance=provenance), address="hf://ann/tiny")
    assert "does not say what it learned from" in card and "| baseline |" not in card


def test_labels_are_escaped_and_many_are_cut(tiny_artifact):
    artifact = replace(tiny_artifact, labels=Labels(("<b>", "a|b", "[x](y)")))
    assert r"\<b\>, a\|b, \[x\](y)." in write_card(artifact, address="hf://ann/tiny")


def test_a_kind_that_the_hub_has_no_name_for_has_no_task(tiny_artifact):
    card = write_card(tiny_artifact, address="hf://ann/tiny")
    object.__setattr__(tiny_artifact, "kind", KINDS["number"])
    try:
        assert "pipeline_tag" in card and "pipeline_tag" not in write_card(tiny_artifact, address="hf://ann/tiny")
    finally:
        object.__setattr__(tiny_artifact, "kind", KINDS["label"])


def test_a_card_is_read_without_its_metadata(tiny_artifact, tmp_path):
    file, card = tmp_path / "model.safetensors", write_card(tiny_artifact, address="hf://ann/tiny")
    assert read_card(file) is None
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    assert is_own_card(card) and read_card(file).startswith("# tiny\n")
    (tmp_path / "model.md").write_text("beside it", encoding="utf-8")
    assert read_card(file) == "beside it"


def test_a_readme_of_something_else_is_no_card(tmp_path):
    (tmp_path / "README.md").write_text("---\nlibrary_name: other\n---\n# My project\n")
    assert read_card(tmp_path / "model.safetensors") is None


def test_a_model_without_a_baseline_has_no_column_for_it(tiny_artifact):
    artifact = replace(tiny_artifact, provenance={"figures": {"test": {"accuracy": 0.75}}})
    assert "| on the test part | model |\n|---|---:|\n| accuracy | 0.75 |\n" in write_card(artifact, address="hf://a/b")


@pytest.mark.parametrize(
    "provenance", [{}, {"epochs": "many", "versions": 3}, {"epochs": 1, "versions": {"elman": "9"}}]
)
def test_a_local_card_names_the_command_and_needs_no_origin(tiny_artifact, provenance):
    card = write_local_card(replace(tiny_artifact, provenance=provenance), path="my runs/people")
    assert "$ elman predict --model 'my runs/people' NAME" in card
    assert ("Trained for 1 epoch, Elman 9." in card) == (len(provenance) > 1 and provenance["epochs"] == 1)


def test_scores_of_what_was_learned_by_heart_are_not_called_those_of_a_test_part(tiny_artifact):
    split = {"kind": "none", "train": 9, "validation": 9, "test": 9}
    provenance = {"data": {"source": "a.csv"}, "split": split, "figures": {"test": {"accuracy": 1.0}}}
    artifact = replace(tiny_artifact, provenance=provenance)
    card = write_local_card(artifact, path="runs/a")
    assert "Learned from a.csv: 9 examples; split: none." in card
    assert "| on the examples that it learned from | model |" in card and "test part" not in card
    assert ("accuracy, learned by heart", "100.0 %") in describe_model(artifact)
