"""The shipped model keeps what its card and the package promise."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.model.shipped import DEFAULT_MODEL, shipped_models

SPELLINGS = ("Müller", "MÜLLER", "Muller", "Mu\u0308ller", "ＭÜＬＬＥＲ", " müller ")


@pytest.fixture(scope="module")
def languages() -> elman.Predictor:
    return elman.load("languages")


@pytest.fixture(scope="module")
def card() -> str:
    return shipped_models()["languages"].with_suffix(".md").read_text(encoding="utf-8")


DOORS = {"load": elman.load, "estimate_shares": elman.estimate_shares, "annotate_frame": elman.annotate_frame}


@pytest.mark.parametrize("door", DOORS)
def test_python_answers_with_the_default_model(door: str) -> None:
    assert DEFAULT_MODEL in shipped_models()
    assert inspect.signature(DOORS[door]).parameters["model"].default == DEFAULT_MODEL


COMMANDS = ["predict", "annotate", "estimate", "explain", "serve", "models show"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_answer_with_the_default_model(command: str, elman_here: Callable[..., Any]) -> None:
    help_text = elman_here(*command.split(), "--help").out
    found = re.search(r"shipped model's name.*?default: \(?(\w+)", help_text, re.DOTALL)
    assert found is not None and found[1] == DEFAULT_MODEL


def test_no_other_place_names_a_default_model() -> None:
    root = Path(elman.__file__).parent
    sources = {path: path.read_text(encoding="utf-8") for path in root.rglob("*.py")}
    named = [
        path.name for path, text in sources.items() if re.search(r'model: [^\n]*= "languages"|or \["languages"\]', text)
    ]
    assert named == []


def test_the_model_is_small() -> None:
    assert shipped_models()["languages"].stat().st_size < 2_000_000


def test_every_spelling_of_a_name_gets_the_same_answer(languages: elman.Predictor) -> None:
    assert {answer.label for answer in languages.predict(SPELLINGS)} == {"German"}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Nakamura", "Japanese"),
        ("Papadakis", "Greek"),
        ("O'Brien", "Irish"),
        ("Иванов", "Russian"),
        ("Nguyễn", "Vietnamese"),
    ],
)
def test_names_of_one_language_are_answered(languages: elman.Predictor, name: str, label: str) -> None:
    assert languages.predict(name).label == label


def test_the_card_states_the_figures_that_the_model_file_holds(languages: elman.Predictor, card: str) -> None:
    figures = languages.artifact.provenance["figures"]
    for key, title in (("accuracy", "accuracy"), ("top_2", "top 2"), ("macro_f1", "macro-F1")):
        shown = f"| {title} | {figures['test'][key]:.1%} | {figures['baseline_test'][key]:.1%} |"
        assert shown in card
    assert languages.artifact.provenance["split"]["fingerprint"] in card


def test_the_card_says_what_the_model_is_not_for(card: str) -> None:
    flat = re.sub(r"\s+", " ", card)
    assert "no evidence of a person's identity, ancestry" in flat
    assert "employment, education, credit, housing, policing, health care or services" in flat


def test_the_figures_of_the_file_are_found_again_on_the_real_data(
    languages: elman.Predictor, real_names: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from elman.cli import main

    arguments = ["evaluate", "languages", "languages", "--data", str(real_names), "--part", "test", "--json"]
    monkeypatch.setattr("sys.argv", ["elman", *arguments])
    with pytest.raises(SystemExit):
        main()
    found = json.loads(capsys.readouterr().out)
    expected = dict(languages.artifact.provenance["figures"]["test"])
    intervals = expected.pop("intervals")
    assert found["abstentions"] == expected.pop("abstentions")
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    for key, limits in intervals.items():
        assert found["intervals"][key] == pytest.approx(limits)
