"""The release script: the card of the shipped model has the figures of the run's report."""

import importlib.util
import sys
from pathlib import Path

import pytest

import elman

SCRIPT = Path(__file__).parents[1] / "release" / "ship_languages.py"


@pytest.fixture(scope="module")
def ship():
    """The release script as a module."""
    spec = importlib.util.spec_from_file_location("ship_languages", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_model_is_shipped_where_the_package_looks_for_it(ship):
    assert (ship.SHIPPED / "languages.safetensors").is_file()


def test_the_card_has_the_scores_of_the_report(ship, finished_run):
    values = finished_run.report.values
    card = ship.card(values, 1.25, "Over seeds.")
    test, baseline = values["test"], values["baseline"]
    assert f"| accuracy | {test['accuracy']:.1%} | {baseline['accuracy']:.1%} |" in card
    assert f"| top 2 | {test['top_2']:.1%} | {baseline['top_2']:.1%} |" in card
    assert f"| negative log-likelihood (nats) | {test['nll']:.3f} | {baseline['nll']:.3f} |" in card
    assert f"| Brier score | {test['brier']:.3f} | {baseline['brier']:.3f} |" in card
    assert f"| Alfa | {test['per_label']['Alfa']['support']} | " in card
    assert values["verdict"] in card and values["split"]["fingerprint"] in card


def test_what_other_seeds_found_is_read_from_the_benchmark(ship):
    printed = (
        "  42    87.78%  93.86%   62.44%             0.0094     46.9 |             85.88%  92.02%   57.28%\n"
        "mean    86.64%  93.50%   60.10%             0.0160     57.6 |             84.32%  91.14%   53.70%\n"
        "sd       0.72%   0.50%    3.30%             0.0040     17.0 |              0.91%   0.76%    2.99%\n"
    )
    found = " ".join(ship.describe_seeds(printed).split())
    assert "finds 86.6 ± 0.7 % against the baseline's 84.3 ± 0.9 %" in found
    assert "a macro-F1 of 60.1 ± 3.3 %, and a calibration error of 0.016 ± 0.004" in found


def test_the_script_trains_measures_and_copies(ship, toy_reading, toy_config, finished_run, tmp_path, monkeypatch):
    tiny, base = toy_config(epochs=1), finished_run.folder / "model.safetensors"
    monkeypatch.setattr(ship, "recipe", lambda cell: (tiny.model, tiny.train))
    monkeypatch.setattr(ship, "read_named", lambda name, folder: toy_reading)
    monkeypatch.setattr(ship, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(ship, "PICTURES", tmp_path / "pictures")
    monkeypatch.setattr(sys, "argv", ["ship_languages.py", "--run", str(tmp_path / "run"), "--init", str(base)])
    ship.main()
    first = (tmp_path / "shipped" / "languages.md").read_text("utf-8")
    assert elman.load(tmp_path / "shipped" / "languages.safetensors").labels == ("Alfa", "Beta", "Gamma")
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {"curves.png", "confusion.png", "reliability.png"}
    ship.main()  # the run is finished, so it is not trained again
    assert (tmp_path / "shipped" / "languages.md").read_text("utf-8") == first


def test_the_script_imports_no_command(python_process):
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); print([n for n in sys.modules if n.startswith('elman.cli')])"
    )
    assert python_process(code, SCRIPT) == "[]\n"
