"""The release script of `pronunciation`: a card with the figures of the shipped file."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pairs import make_pairs, tiny_config

import elman
from elman.data.pairs import join_parts
from elman.model.writer import load_writer
from elman.training.run import Run
from elman.training.transcribed import transcribe

RELEASE = Path(__file__).parents[1] / "release"


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, RELEASE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reading():
    """Pairs with a test part of their own."""
    test = {pair.source for pair in make_pairs(40, seed=1).examples}
    train = make_pairs(160)
    kept = tuple(pair for pair in train.examples if pair.source not in test)
    return join_parts(replace(train, examples=kept), None, make_pairs(40, seed=1), held_out=20)


@pytest.fixture(scope="module")
def trained(reading, tmp_path_factory):
    """The folder of a short run."""
    run = Run(reading, replace(tiny_config(), split="given"), tmp_path_factory.mktemp("pronunciation") / "run")
    for _ in run.epochs():
        pass
    run.finish()
    return run.folder


def test_the_card_has_the_scores_of_the_file_with_weights_of_8_bits(trained, reading, tmp_path, monkeypatch):
    script = load_script("ship_pronunciation")
    surnames = tmp_path / "surnames.txt"
    surnames.write_text("\n".join(pair.source.upper() for pair in reading.test[:5]), encoding="utf-8")
    monkeypatch.setattr(script, "SHIPPED", tmp_path)
    monkeypatch.setattr(script, "read_named", lambda name, folder: reading)
    options = ["--minutes", "7", "--surnames", str(surnames)]
    monkeypatch.setattr(sys, "argv", ["ship_pronunciation.py", str(trained), *options])
    script.main()
    card = (tmp_path / "pronunciation.md").read_text("utf-8")
    report = transcribe(elman.load(tmp_path / "pronunciation.safetensors"), reading.test).report
    assert f"| all | {report.examples} | {report.word_error_rate:.1%}".rstrip("%") in card
    assert "| surnames | 5 | " in card and "7 minutes on one thread" in card
    train = load_writer(tmp_path / "pronunciation.safetensors").provenance["train"]
    assert f"--epochs {train['epochs']} --batch-size {train['batch_size']}" in card
