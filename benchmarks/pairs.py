"""Pairs: what packed batches cost in training, and words a second in answering, beside the same network in torch.

    python benchmarks/pairs.py training [--data FOLDER] [--steps 40] [--threads 1] [--products bfloat16]
    python benchmarks/pairs.py answers MODEL [--data FOLDER] [--words 1000]

`training` takes steps of Elman's loop on the pronunciations of CMUdict, and steps of the same network written the usual
way: torch.nn.GRU on padded and packed sources, torch.nn.GRUCell, attention with a mask, padded targets with a mask in
the loss. Both have the same sizes, optimiser and batches of the same number of words, drawn at random. They take turns,
and the time is that of the process, so that other programs disturb little.

`answers` writes the test words greedily and with a beam of 5, with Elman's numpy and with the same network and the same
search in torch, on one thread, and compares the probabilities of both.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from elman.data.pairs import PairReading
from elman.data.reading import read_named
from elman.model.writer import load_writer
from elman.model.writing import WriterConfig
from elman.prediction.transcriber import Transcriber
from elman.scoring.transducer import Memory, TransducerScorer
from elman.training.fitting import start_training
from elman.training.loop import take_step
from elman.training.recipes import best_settings
from elman.training.tasks.pairs import PairTask
from elman.training.transducer import Transducer

BATCH, WARM_UP = 128, 3


class Padded(nn.Module):
    """The same network written the usual way, for sources and targets of any length in one batch."""

    def __init__(self, shape: WriterConfig, sources: int, targets: int) -> None:
        super().__init__()
        memory, hidden = shape.context_size, shape.hidden_size
        self.share = shape.dropout or 0.0
        self.sources, self.targets = (
            nn.Embedding(sources, shape.source_size),
            nn.Embedding(targets, shape.embedding_size),
        )
        self.encoder = nn.GRU(
            shape.source_size,
            shape.encoder_size,
            shape.encoder_layers,
            bidirectional=True,
            dropout=self.share,
            batch_first=True,
        )
        self.bridge = nn.Linear(memory, hidden)
        self.key, self.query = (
            nn.Linear(memory, shape.attention_size, bias=False),
            nn.Linear(hidden, shape.attention_size, bias=False),
        )
        self.vector = nn.Linear(shape.attention_size, 1, bias=False)
        self.cell = nn.GRUCell(shape.embedding_size + memory, hidden)
        self.mix, self.output = nn.Linear(hidden + memory, shape.mix_size), nn.Linear(shape.mix_size, targets)

    def forward(self, sources: Tensor, lengths: Tensor, before: Tensor) -> Tensor:
        """Return logits, (B, S, symbols), from padded sources, (B, T), and padded symbols before each step, (B, S)."""
        packed = pack_padded_sequence(
            self._drop(self.sources(sources)), lengths, batch_first=True, enforce_sorted=False
        )
        outputs, last = self.encoder(packed)
        memory = self._drop(pad_packed_sequence(outputs, batch_first=True)[0])
        mask = torch.arange(memory.shape[1]) < lengths[:, None]
        state, keys = self.bridge(torch.cat([last[-2], last[-1]], 1)).tanh(), self.key(memory)
        read, logits = self._drop(self.targets(before)), []
        for step in range(before.shape[1]):
            scores = self.vector((self.query(state)[:, None] + keys).tanh())[:, :, 0].masked_fill(~mask, -torch.inf)
            context = (scores.softmax(1)[:, None] @ memory)[:, 0]
            state = self.cell(torch.cat([read[:, step], context], 1), state)
            mixed = self.mix(torch.cat([self._drop(state), context], 1)).tanh()
            logits.append(self.output(self._drop(mixed)))
        return torch.stack(logits, 1)

    def _drop(self, values: Tensor) -> Tensor:
        return dropout(values, self.share, self.training)


def measure_training(reading: PairReading, steps: int, threads: int, products: str) -> None:
    """Print the words a second of both ways of training."""
    torch.set_num_threads(threads)
    config = best_settings("pairs")
    train = replace(config.train, threads=threads, products=products, batch_size=BATCH)
    task = PairTask(reading, replace(config, name="pairs", train=train))
    task.settle()
    _, state = start_training(task, task.config)
    state.model.train()
    batches = task.training.batches(BATCH, np.random.default_rng(0))

    def own_step() -> int:
        batch = next(batches)
        take_step(state, batch, 1e-3)
        return len(batch.positions)

    ways = {"Elman, packed": own_step, "torch, padded": _build_usual_way(task)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(WARM_UP + steps):
        for name, take in ways.items():
            started = time.process_time()
            words = take()
            if turn >= WARM_UP:
                rates[name].append(words / (time.process_time() - started))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, rate in medians.items():
        print(f"{name}: {rate:,.0f} words a second of the processor ({products if 'Elman' in name else 'float32'})")
    ratio = medians["Elman, packed"] / medians["torch, padded"]
    print(f"Elman trains {ratio:.2f} times as many words")


def _build_usual_way(task: PairTask) -> Callable[[], int]:
    """Return a function that takes one step of the padded network and returns how many words it read."""
    network = Padded(task.shape, len(task.vocabulary), len(task.targets)).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(0.9, 0.99), fused=True)
    pairs = [(pair.source, target) for pair in task.split.train for target in pair.targets]
    draw = np.random.default_rng(0)

    def take() -> int:
        chosen = [pairs[place] for place in draw.integers(len(pairs), size=BATCH).tolist()]
        sources = [torch.from_numpy(task.vocabulary.encode(source)) for source, _ in chosen]
        targets = [torch.from_numpy(np.append(task.targets.encode(target), 0)) for _, target in chosen]
        lengths = torch.tensor([len(source) for source in sources])
        wanted = pad_sequence(targets, batch_first=True, padding_value=-1)
        before = torch.cat([torch.zeros(BATCH, 1, dtype=torch.int64), wanted[:, :-1].clamp(min=0)], 1)
        logits = network(pad_sequence(sources, batch_first=True), lengths, before)
        loss = cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-1, label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        return BATCH

    return take


class TorchScorer(TransducerScorer):
    """The same search whose steps torch computes."""

    def __init__(self, scorer: TransducerScorer) -> None:
        super().__init__(scorer.config, scorer.tensors, scorer.temperature, scorer.longest)
        tensors = {name: torch.from_numpy(np.array(tensor)) for name, tensor in scorer.tensors.items()}
        symbols, sources = len(tensors["targets.weight"]), len(tensors["sources.weight"])
        self.network = Transducer(replace(scorer.config, fused=False), sources=sources, targets=symbols).eval()
        self.network.load_state_dict(tensors)

    def encode(self, ids):  # noqa: ANN001, ANN201, D102 - as TransducerScorer
        memory, keys, state = self.network.encode(torch.from_numpy(ids))
        held = None if keys is None else keys.numpy()
        return Memory(memory.numpy(), held, [tuple(part.numpy() for part in parts) for parts in state])

    def step(self, symbols, state, outputs, keys, labels=None):  # noqa: ANN001, ANN201, D102
        network = self.network
        memory, held = torch.from_numpy(outputs), None if keys is None else torch.from_numpy(keys)
        parts = [tuple(map(torch.from_numpy, some)) for some in state]
        context, weights = network.attention(parts[-1][0], held, memory)
        read = torch.cat([network.targets(torch.from_numpy(symbols)), context], 1)[None]
        states = tuple(torch.stack(part) for part in zip(*parts, strict=True))
        after, last = network.decoder(read, states)
        logits = network.score(after[0], context)
        return (
            logits.numpy(),
            [tuple(part[layer].numpy() for part in last) for layer in range(len(parts))],
            weights.numpy(),
        )


@torch.inference_mode()
def measure_answers(model: Path, reading: PairReading, words: int) -> None:
    """Print the words a second of both runtimes, and how far their probabilities are apart."""
    torch.set_num_threads(1)
    transcriber = Transcriber(load_writer(model))
    sources = transcriber.artifact.normalisation.apply_all([pair.source for pair in reading.test[:words]])
    ids = [transcriber.artifact.sources.encode(source) for source in sources]
    own = transcriber.scorer
    other = TorchScorer(own)
    for beam in (1, 5):
        rates: dict[str, list[float]] = {"numpy": [], "torch": []}
        for _ in range(3):
            for name, scorer in (("numpy", own), ("torch", other)):
                started = time.process_time()
                found = scorer.write(ids, beam=beam, top=1)
                rates[name].append(len(ids) / (time.process_time() - started))
                if name == "numpy":
                    expected = found
        gaps = [
            abs(np.exp(one.scores[0]) - np.exp(two.scores[0]))
            for one, two in zip(expected, found, strict=True)
            if one.scores and two.scores and one.symbols[0].tolist() == two.symbols[0].tolist()
        ]
        best = {name: max(some) for name, some in rates.items()}
        print(
            f"beam {beam}: numpy {best['numpy']:,.0f} words a second of the processor, torch {best['torch']:,.0f}, "
            f"{best['numpy'] / best['torch']:.2f} times; {len(gaps):,} of {len(ids):,} answers are the same, and their "
            f"probabilities differ by {max(gaps):.1e} at most"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("training", "answers"))
    parser.add_argument("model", type=Path, nargs="?", help="a model file of the task pairs, for answers")
    parser.add_argument("--data", type=Path, help="the folder of the named set pronunciation")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--products", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--words", type=int, default=1000)
    arguments = parser.parse_args()
    reading = read_named("pronunciation", arguments.data)
    assert isinstance(reading, PairReading)
    if arguments.part == "training":
        measure_training(reading, arguments.steps, arguments.threads, arguments.products)
    elif arguments.model is None:
        parser.error("answers need a model file")
    else:
        measure_answers(arguments.model, reading, arguments.words)


if __name__ == "__main__":
    main()
