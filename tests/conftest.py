"""What the tests share: small made-up data, tiny models, and the real data if they are available."""

import io
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny networks: more threads cost more than they give

import numpy as np
import pytest
from hypothesis import settings

from elman.data.examples import Reading, read_examples
from elman.model.config import ModelConfig
from elman.model.familiarity import Familiarity, count_ngrams
from elman.model.file import Artifact, save_artifact
from elman.model.hierarchy import Levels
from elman.model.sets import Sets
from elman.prediction.predictor import Predictor, load
from elman.text.ngrams import inventory
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import TrainConfig

REAL_DATA = Path(os.environ.get("ELMAN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
PATIENCE = 120  # seconds that a test waits for a process before it fails

settings.register_profile("elman", deadline=None, max_examples=60)  # no deadline: machines are busy
settings.load_profile("elman")


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Return a folder of real data; without it a test that needs it is skipped."""

    def find(name: str) -> Path:
        if not (REAL_DATA / name).is_dir():
            pytest.skip(f"needs published files: set ELMAN_TEST_DATA to a folder that holds them as {name}/")
        return REAL_DATA / name

    return find


@pytest.fixture(scope="session")
def real_names() -> Path:
    """The folder of the 18 languages; without it a test that needs it is skipped."""
    folder = REAL_DATA / "names"
    if not folder.is_dir():
        pytest.skip("needs the 18 languages' names: set ELMAN_TEST_DATA to a folder that holds them as names/*.txt")
    return folder


@pytest.fixture(scope="session")
def real_digits() -> Path:
    """The folder of the digits' IDX files; without it a test that needs it is skipped."""
    folder = REAL_DATA / "mnist"
    if not folder.is_dir():
        pytest.skip("needs the digits: set ELMAN_TEST_DATA to a folder that holds the four IDX files in mnist/")
    return folder


@pytest.fixture(scope="session")
def toy_lines() -> dict[str, list[str]]:
    """Some 200 made-up strings; their letters tell which of three labels they have, but for a few strings."""
    draw = random.Random(7)
    alphabets = {"Alfa": "abcdé", "Beta": "mnopq", "Gamma": "vwxyz"}
    lines = {
        label: sorted({"".join(draw.choices(letters, k=draw.randint(2, 7))) for _ in range(70)})
        for label, letters in alphabets.items()
    }
    for position in range(45):
        lines[draw.choice(sorted(lines))].append("".join(draw.choices("".join(alphabets.values()), k=4)))
        lines["Alfa"].append(lines["Alfa"][position // 15])  # copies
    return lines


@pytest.fixture(scope="session")
def toy_folder(toy_lines: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy set as a folder of Label.txt files."""
    folder = tmp_path_factory.mktemp("toy-folder")
    for label, lines in toy_lines.items():
        (folder / f"{label}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def toy_table(toy_lines: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy set as a CSV file with the columns word and kind."""
    rows = [f"{line},{label}\n" for label, lines in toy_lines.items() for line in lines]
    table = tmp_path_factory.mktemp("toy-table") / "toy.csv"
    table.write_text("word,kind\n" + "".join(rows), encoding="utf-8")
    return table


@pytest.fixture(scope="session")
def toy_reading(toy_folder: Path) -> Reading:
    """The toy set as examples."""
    return read_examples(toy_folder)


@pytest.fixture(scope="session")
def tiny_model() -> Callable[..., ModelConfig]:
    """Build the config of a very small network and very small hash tables; other settings are the defaults."""
    tables = {"ngram_buckets": 32}

    def build(**changes: Any) -> ModelConfig:
        return ModelConfig(**{"hidden_size": 8, "embedding_size": 4, **tables, **changes})

    return build


@pytest.fixture(scope="session")
def network() -> Callable[..., Any]:
    """Build a network whose weights are nowhere zero, so that every part of it shows in the logits."""
    import torch

    from elman.training.network import SequenceModel

    def build(config: ModelConfig, *, symbols: int, labels: int) -> SequenceModel:
        torch.manual_seed(1)
        met = np.random.default_rng(1).integers(0, symbols, (6, 10))  # n-grams of these have a row in the bag
        ngrams = inventory([met], config.bag_orders, 1)
        model = SequenceModel(config, symbols=symbols, labels=labels, inventory=ngrams)
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.3)
        return model

    return build


@pytest.fixture(scope="session")
def toy_config(tiny_model: Callable[..., ModelConfig]) -> Callable[..., Any]:
    """Build the config of a very small run; keywords change its training."""
    from elman.training.run import RunConfig

    def build(**changes: Any) -> RunConfig:
        settings = {"epochs": 4, "batch_size": 32, "learning_rate": 0.02, "threads": 1, **changes}
        shares = {"test_share": 0.1, "validation_share": 0.15}
        return RunConfig(name="toy", data="made up", model=tiny_model(), train=TrainConfig(**settings), **shares)

    return build


@dataclass(frozen=True)
class FinishedRun:
    """A run that trained all its epochs: its folder, its data, and what it reported."""

    folder: Path
    run: Any
    report: Any


@pytest.fixture(scope="session")
def finished_run(
    toy_reading: Reading, toy_config: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> FinishedRun:
    """One small run over the toy set that was never interrupted. Read it; do not write to it."""
    from elman.training.run import Run

    folder = tmp_path_factory.mktemp("runs") / "toy"
    run = Run(toy_reading, toy_config(), folder)
    for _ in run.epochs():
        pass
    return FinishedRun(folder, run, run.finish())


@pytest.fixture(scope="session")
def model_file(finished_run: FinishedRun) -> Path:
    """A model file that a run wrote."""
    return finished_run.folder / "model.safetensors"


@pytest.fixture(scope="session")
def predictor(model_file: Path) -> Predictor:
    """A predictor that learned the toy set."""
    return load(model_file)


@pytest.fixture(scope="session")
def tiny_artifact(tiny_model: Callable[..., ModelConfig]) -> Artifact:
    """A very small model with random weights, made without training."""
    config = tiny_model(hidden_size=3, embedding_size=2)
    draw = np.random.default_rng(0)
    vocabulary, labels = Vocabulary(tuple("abc'")), Labels(("Alfa", "Beta", "Gämma"))
    codes = inventory([vocabulary.encode("abcba'a")[:, None]], config.bag_orders, 1)
    shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels), bag=len(codes))
    weights = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return Artifact(
        name="tiny",
        config=config,
        tensors={**weights, "bag.codes": codes},
        vocabulary=vocabulary,
        labels=labels,
        normalisation=Normalisation(lower_case=False),
        temperature=1.25,
        provenance={"data": {"source": "made up"}, "seed": 3},
    )


@pytest.fixture(scope="session")
def tiny_levels(tiny_artifact: Artifact) -> Artifact:
    """The tiny model with two levels above its labels, thresholds of sets, and counts of training examples."""
    levels = Levels(("kind", "half", "all"), (("low", "low", "high"), ("every", "every", "every")))
    sets = Sets((0.8, 0.9), ((0.3, 0.8), (0.2, 0.5), (0.0, 0.0)))
    counts = {"training_examples_per_label": {"Alfa": 50, "Beta": 30, "Gämma": 20}}
    return replace(tiny_artifact, levels=levels, sets=sets, provenance={"data": counts})


@pytest.fixture(scope="session")
def full(predictor: Predictor, toy_lines: dict[str, list[str]]) -> Predictor:
    """The toy model with all that a file can hold: levels, sets, a prior, and a threshold of familiarity.

    Alfa and Beta are first, Gamma is second; ``zzqé7`` is unfamiliar.
    """
    artifact = predictor.artifact
    learned = [line.lower() for lines in toy_lines.values() for line in lines]
    counts, total = count_ngrams(artifact.vocabulary.encode_all(learned))
    familiarity = Familiarity(counts, total, (0.0, 0.0, 1.0, 0.0), (-12.0, 0.0), threshold=0.55, noun="toys")
    levels = Levels(("kind", "half"), (("first", "first", "second"),))
    sets = Sets((0.8, 0.9), ((0.8, 0.95), (0.7, 0.9)))
    return Predictor(replace(artifact, name="full", levels=levels, sets=sets, familiarity=familiarity))


@pytest.fixture(scope="session")
def full_file(full: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model as a file."""
    file = tmp_path_factory.mktemp("full") / "full.safetensors"
    save_artifact(full.artifact, file)
    return file


@pytest.fixture
def tiny_file(tiny_artifact: Artifact, tmp_path: Path) -> Path:
    """The tiny model as a file of the test's own."""
    save_artifact(tiny_artifact, tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str


@pytest.fixture
def elman_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Outcome]:
    """Run the command line inside this process, in a folder of the test's own."""
    from elman.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["elman", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as ended:
            main()
        return Outcome(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def elman_process(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    """Run the command line as a process of its own, with pipes for its streams."""

    def run(*arguments: object, stdin: bytes = b"", **environment: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "elman", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            cwd=tmp_path,
            env={**os.environ, **environment},
            check=False,
        )

    return run


@pytest.fixture
def python_process(tmp_path: Path) -> Callable[..., str]:
    """Run a few lines of Python in a fresh process and return what they print; ``sys.argv[1:]`` holds the arguments."""

    def run(code: str, *arguments: object) -> str:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, cwd=tmp_path, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
