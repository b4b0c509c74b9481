"""Several processes that train one network: the same as one process with the joint batch."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from states import PLAIN, TRAINING, are_equal, begin, finish

from elman.data import streaming
from elman.data.batches import Batch
from elman.data.packed import PackedExamples
from elman.errors import SettingError
from elman.model.config import ModelConfig
from elman.training import exchange, network
from elman.training import ranks as ranks_module
from elman.training.config import RunConfig
from elman.training.options import new_config, read_for
from elman.training.ranks import Ranks, choose_device, start_ranks
from elman.training.run import Run

SHAPE = {"hidden_size": 4, "embedding_size": 3, "ngram_orders": (2,), "ngram_buckets": 8, "bag_size": 2, **PLAIN}
SETTINGS = {"epochs": 3, "batch_size": 6, "average": 0.9}


WAYS = {"rows": 1, "whole": 8192}
"""Whether tables change row by row or as a whole: the least numbers of tables that change row by row."""

CHUNK = 64
"""Bytes that a process may write to shared memory at once, in tests: less than most exchanges have."""


def join(rank: int, size: int, port: int, *, near: bool) -> None:
    """Become one of several processes, which share memory if they are near."""
    names = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()})
    os.environ["LOCAL_WORLD_SIZE"] = str(size if near else 1)
    torch.set_num_threads(1)


def train_as(rank: int, size: int, port: int, folder: str, near: bool) -> None:
    """Train as one of several processes in both ways, and save the weights."""
    join(rank, size, port, near=near)
    ranks_module.SharedMemory = partial(exchange.SharedMemory, chunk=CHUNK)
    ranks = start_ranks("cpu")
    assert (ranks._memory is not None) == near
    for way, least in WAYS.items():
        network.LARGE = least
        state = finish(begin(ModelConfig(**SHAPE), ranks=ranks, **SETTINGS))
        losses = torch.tensor([result.loss for result in state.history])
        torch.save({**state.best, "losses": losses}, f"{folder}/{way}-{rank}.pt")
    ranks.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.parametrize("near", [True, False], ids=["shared memory", "messages"])
def test_two_processes_end_with_the_weights_of_one(tmp_path, monkeypatch, near):
    # The last batch of a length can leave the second process without any string.
    assert any(len(batch.weights) == 1 for batch in TRAINING.batches(6))
    torch.multiprocessing.start_processes(train_as, args=(2, free_port(), str(tmp_path), near), nprocs=2)
    for way, least in WAYS.items():
        first, second = (torch.load(tmp_path / f"{way}-{rank}.pt") for rank in range(2))
        assert are_equal(first, second)
        monkeypatch.setattr(network, "LARGE", least)
        state = finish(begin(ModelConfig(**SHAPE), **SETTINGS))
        assert bool(state.tables) == (way == "rows")
        for name, weight in state.best.items():
            assert torch.allclose(first[name], weight, atol=1e-4), name
        assert first["losses"].tolist() == pytest.approx([result.loss for result in state.history], rel=1e-4)


def prepare_streamed(table: str, folder: Path) -> tuple[RunConfig, Any]:
    """Return the settings of a run without dropout, and its examples in several shards."""
    streaming.SHARD_BYTES = 8_000
    options = {"text": "word", "label": "kind", "stream": True, "epochs": 2, "batch_size": 6, "threads": 1}
    shares = {"test_share": 0.2, "validation_share": 0.2}
    config = new_config(table, "toy", {**options, **shares, "hidden_size": 4, "device": "cpu"})
    config = replace(config, model=replace(config.model, **PLAIN))
    return config, read_for(config, run=folder)


def train_streamed(rank: int, port: int, table: str, folder: str) -> None:
    """Train from shards as one of two processes, as `elman train` does, and save what happened."""
    names = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()})
    written: list[str] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        changes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (changes or event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")) and str(
            arguments[0]
        ).startswith(f"{folder}/run"):
            written.append(str(arguments[0]))

    sys.addaudithook(note)
    ranks = start_ranks("cpu")
    if not ranks.is_first:
        ranks.wait()
    config, reading = prepare_streamed(table, Path(folder, "run"))
    if ranks.is_first:
        ranks.wait()
    run = Run(reading, config, Path(folder, "run"))
    steps: list[int] = []
    losses = [result.loss for result in run.epochs(on_step=lambda step: steps.append(step.step))]
    torch.save({"best": run.state.best, "steps": steps, "losses": losses, "written": written}, f"{folder}/{rank}.pt")
    ranks.stop()


def test_two_processes_learn_from_shards_as_one_does(toy_table, tmp_path, monkeypatch):
    monkeypatch.setattr(streaming, "SHARD_BYTES", 8_000)
    config, reading = prepare_streamed(str(toy_table), tmp_path / "alone")
    assert len(reading.shards) > 2
    alone = Run(reading, config, tmp_path / "alone")
    losses = [result.loss for result in alone.epochs()]
    batches = list(alone.task.training.batches(6))
    assert any(len(batch.weights) == 1 for batch in batches)  # the second process has no string of them
    torch.multiprocessing.start_processes(train_streamed, args=(free_port(), str(toy_table), str(tmp_path)), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert are_equal(first["best"], second["best"])
    assert first["steps"] == second["steps"] == list(range(1, len(batches) + 1)) * 2
    assert first["losses"] == second["losses"] == pytest.approx(losses, rel=1e-4)
    for name, weight in alone.state.best.items():
        assert torch.allclose(first["best"][name], weight, atol=1e-4), name
    assert first["written"] and second["written"] == []


@pytest.mark.parametrize("options", [(), ("--stream", "--test-share", "0.2", "--validation-share", "0.2")])
def test_torchrun_trains_and_one_process_writes(toy_folder, tmp_path, options):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port"]
    command += [str(free_port()), "-m", "elman", "train", str(toy_folder), "--epochs", "2", "--hidden-size", "4"]
    command += ["--out", str(tmp_path / "run"), *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch   2") == 1
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"model.safetensors", "report.json"} <= files and "shards" not in files


def test_shares_are_disjoint_and_hold_the_whole_batch():
    batch = Batch(np.arange(10).reshape(2, 5), np.arange(5), np.ones(5, np.float32), np.arange(5))
    shares = [Ranks(rank, 3).share(batch) for rank in range(3)]
    assert sorted(np.concatenate([share.positions for share in shares]).tolist()) == [0, 1, 2, 3, 4]
    for share in shares:
        assert (share.inputs == batch.inputs[:, share.positions]).all()
        assert (share.targets == batch.targets[share.positions]).all()


def test_a_process_alone_has_all_of_it():
    batch = Batch(np.arange(10).reshape(2, 5), np.arange(5), np.ones(5, np.float32), np.arange(5))
    assert Ranks().share(batch) is batch
    assert Ranks().add_gradients(torch.nn.Linear(1, 1), (), [1.5, 2.0], torch.device("cpu")) == [1.5, 2.0]


def exchange_as(rank: int, size: int, port: int) -> None:
    """Exchange more and less than fits at once, as one of several processes that share memory."""
    join(rank, size, port, near=True)
    start_ranks("cpu")
    memory = exchange.SharedMemory(rank, size, CHUNK)
    for most in (1, 5, 40, 3, 1000, 0):
        found = memory.gather(*numbers_of(rank, most))
        assert len(found) == size
        for one, parts in enumerate(found):
            assert all(torch.equal(part, asked) for part, asked in zip(parts, numbers_of(one, most), strict=True))


def numbers_of(rank: int, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng([rank, most])
    numbers, values = draw.integers(0, 9, draw.integers(0, most + 1)), draw.random(draw.integers(0, most + 1), "f4")
    return torch.tensor(numbers.tolist(), dtype=torch.int64), torch.tensor(values.tolist())


def test_shared_memory_gives_each_process_what_all_have_written():
    torch.multiprocessing.start_processes(exchange_as, args=(3, free_port()), nprocs=3)


def test_where_no_memory_can_be_shared_no_file_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "FOLDER", tmp_path / "nowhere")
    monkeypatch.setattr(exchange.tempfile, "gettempdir", lambda: str(tmp_path / "nowhere"))
    assert exchange._make_file(100) is None


@pytest.mark.parametrize("size", [2, 3, 7])
def test_shares_of_written_strings_have_their_own_symbols(size):
    sources = [np.array([number, 1]) for number in range(5)]
    targets = [np.arange(1, 2 + number % 4) + 10 * number for number in range(5)]
    labels, weights = np.arange(5), np.arange(1, 6, dtype=np.float32)
    (batch,) = PackedExamples(sources, targets, weights, labels).batches(9)
    for rank in range(size):
        share = Ranks(rank, size).share(batch)
        places = batch.positions[rank::size].tolist()
        chosen = [part[places] for part in (weights, labels)]
        alone = PackedExamples([sources[place] for place in places], [targets[place] for place in places], *chosen)
        for asked in alone.batches(9):
            assert (share.inputs == asked.inputs).all() and share.sizes == asked.sizes
            assert share.targets.tolist() == asked.targets.tolist()
            assert share.weights.tolist() == asked.weights.tolist()
            assert share.labels.tolist() == asked.labels.tolist()
        assert places or share.sizes == () and len(share.weights) == 0


@pytest.mark.parametrize(
    ("variables", "message"),
    [({"RANK": "first", "WORLD_SIZE": "2"}, "must be numbers"), ({"RANK": "0", "WORLD_SIZE": "2"}, "MASTER_ADDR")],
)
def test_half_an_environment_is_refused(monkeypatch, variables, message):
    for name in ("MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=message):
        start_ranks("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_and_auto_is_the_processor():
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(SettingError, match="--device"):
        choose_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that CUDA can use")
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_gpu_trains_as_the_processor_does(toy_reading, toy_folder, tmp_path, cell):
    from elman.training.options import new_config
    from elman.training.shortcut import train_run

    reports = {}
    for device in ("cpu", "cuda"):
        options = {"cell": cell, "epochs": 3, "device": device, "hidden_size": 16, "dropout": 0.0}
        config = new_config(str(toy_folder), "toy", options)
        quiet = replace(config.model, input_dropout=0.0, ngram_dropout=0.0, bag_dropout=0.0, symbol_dropout=0.0)
        reports[device] = train_run(toy_reading, replace(config, model=quiet), tmp_path / device)
    cpu, cuda = (reports[device].values["validation"]["negative_log_likelihood"] for device in ("cpu", "cuda"))
    assert cuda == pytest.approx(cpu, rel=0.02)
