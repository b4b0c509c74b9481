"""The benchmark of labels of surnames: two trainings from one model, and their errors side by side."""

import importlib.util
import sys
from pathlib import Path

import pytest
from pairs import build_writer, make_pairs

from elman.data.pairs import PairReading, join_parts
from elman.model.writer import save_writer

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    spec = importlib.util.spec_from_file_location("surname_labels", BENCHMARKS / "surname_labels.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_trainings_start_from_one_model_and_are_compared(script, tmp_path, monkeypatch, capsys):
    save_writer(build_writer(), tmp_path / "base.safetensors")
    pairs = make_pairs(160).examples
    parts = (PairReading(some, len(some), {}, {}) for some in (pairs[40:], pairs[:40]))
    reading = join_parts(next(parts), None, next(parts), target_symbols="blanks", held_out=20)
    surnames = {pair.source for pair in pairs[::2]}
    monkeypatch.setattr(script, "read_named", lambda name, folder: reading)
    monkeypatch.setattr(script, "read_languages", lambda folder: surnames)
    monkeypatch.setattr(script, "read_faker", lambda path: set())
    options = ["--names", "-", "--faker", "-", "--init", str(tmp_path / "base.safetensors"), "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["surname_labels.py", *options, "--out", str(tmp_path / "runs")])
    script.main()
    printed = capsys.readouterr().out
    known = sum(pair.source in surnames for pair in pairs[40:])
    assert f"training part: {known} surnames of {len(pairs) - 40} words with a label" in printed
    assert "\n20 words, other words\n" in printed
    assert printed.count("phoneme errors") == 9 and printed.count("told, against") == 6
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["with-labels", "without-labels"]
