"""Ways of training and of scoring that need torch: tutorials', the usual ones, and Elman's training loop.

The plain network is one layer of nn.GRU or nn.LSTM in both directions and a linear layer on the final states of both.
All ways of training take the same steps: cross-entropy and the fused AdamW at a constant rate, no clipping, and the
loss read after every step. As in `ways`, each public function takes a `Job` and returns its `Work`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader
from ways import BATCH, Job, Logits, Work, batched_scoring, random_tensors, scoring

from elman.data.batches import EncodedExamples
from elman.text.encoded import EncodedStrings
from elman.training.config import TrainConfig
from elman.training.loop import train
from elman.training.network import SequenceModel
from elman.training.state import TrainingState

STEP = 128
"""Names in a training step."""

RATE = 1e-3
TUTORIAL_STEPS = 50
"""Steps of one name in a pass."""


class PlainClassifier(nn.Module):
    """The network as it is usually written.

    Args:
        job: its cell and hidden size, and the sizes of its names.
        one_hot: symbols are one-hot rows rather than rows of an embedding.
    """

    def __init__(self, job: Job, *, one_hot: bool = False) -> None:
        super().__init__()
        self.symbols = job.names.symbols
        self.embedding = None if one_hot else nn.Embedding(self.symbols, job.config.embedding_size)
        layer = {"gru": nn.GRU, "lstm": nn.LSTM}[job.cell]
        width = self.symbols if one_hot else job.config.embedding_size
        self.recurrence = layer(width, job.hidden_size, bidirectional=True)
        self.head = nn.Linear(2 * job.hidden_size, job.names.labels)

    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Read ids, (T, B), and return logits, (B, C); with lengths, the rest of each column is padding."""
        steps = nn.functional.one_hot(ids, self.symbols).float() if self.embedding is None else self.embedding(ids)
        if lengths is not None:
            steps = pack_padded_sequence(steps, lengths, enforce_sorted=False)
        _, final = self.recurrence(steps)
        hidden = final[0] if isinstance(self.recurrence, nn.LSTM) else final
        return self.head(torch.cat([hidden[0], hidden[1]], dim=1))


def tutorial_training(job: Job) -> Work:
    """One name a step, its letters as one-hot rows."""
    step = _plain_steps(job, one_hot=True)
    names, labels = _split_names(job), torch.from_numpy(job.names.targets())
    draw = np.random.default_rng(0)

    def run() -> None:
        for k in draw.integers(len(names), size=TUTORIAL_STEPS):
            step(torch.from_numpy(names[k])[:, None], None, labels[k : k + 1])

    return Work(run, TUTORIAL_STEPS)


def padded_training(job: Job) -> Work:
    """A DataLoader of shuffled batches, padded to their longest name and packed."""
    step = _plain_steps(job)
    examples = list(zip(map(torch.from_numpy, _split_names(job)), torch.from_numpy(job.names.targets()), strict=True))

    def pad(batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
        ids, targets = zip(*batch, strict=True)
        return pad_sequence(ids), torch.tensor([len(each) for each in ids]), torch.stack(targets)

    loader = DataLoader(examples, batch_size=STEP, shuffle=True, collate_fn=pad)

    def run() -> None:
        for batch in loader:
            step(*batch)

    return Work(run, job.count)


def exact_training(job: Job) -> Work:
    """Elman's batches of one length, torch's layer and the plain loop."""
    step, data, shuffle = _plain_steps(job), _examples(job), np.random.default_rng(0)

    def run() -> None:
        for batch in data.batches(STEP, shuffle):
            step(torch.from_numpy(batch.inputs), None, torch.from_numpy(batch.targets))

    return Work(run, job.count)


def elman_training(job: Job) -> Work:
    """Elman's own loop; each epoch ends with the validation of a few names."""
    _start(job)
    data, few = _examples(job), _examples(replace(job, count=min(job.count, 50)))
    model = SequenceModel(job.config, symbols=job.names.symbols, labels=job.names.labels)
    config = TrainConfig(epochs=1_000_000, batch_size=STEP, learning_rate=RATE, schedule="constant", clip=None)
    epochs = train(TrainingState(model, config, steps_in_epoch=data.steps(STEP)), data, few)
    return Work(lambda: next(epochs), job.count)


def exact_scoring(job: Job) -> Work:
    """torch's layer on batches of one length."""
    model = _load(job)

    def answer(block: NDArray[np.int64]) -> Logits:
        with torch.inference_mode():
            return model(torch.from_numpy(block)).numpy()

    return batched_scoring(job, answer)


def padded_scoring(job: Job) -> Work:
    """torch's layer on names sorted by length, in padded and packed batches."""
    model = _load(job)

    def score(strings: EncodedStrings) -> Logits:
        names = torch.from_numpy(strings.ids).split(strings.lengths.tolist())
        order = np.argsort(strings.lengths, kind="stable")
        logits = np.empty((len(strings), job.names.labels), np.float32)
        with torch.inference_mode():
            for begin in range(0, len(order), BATCH):
                rows = order[begin : begin + BATCH]
                padded = pad_sequence([names[row] for row in rows])
                logits[rows] = model(padded, torch.from_numpy(strings.lengths[rows])).numpy()
        return logits

    return scoring(job, score)


def _start(job: Job) -> None:
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)


def _plain_steps(job: Job, *, one_hot: bool = False) -> Callable[[Tensor, Tensor | None, Tensor], float]:
    """Return a function that takes one step of a new network: from ids, lengths and targets to the loss."""
    _start(job)
    model = PlainClassifier(job, one_hot=one_hot)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)

    def step(ids: Tensor, lengths: Tensor | None, targets: Tensor) -> float:
        loss = nn.functional.cross_entropy(model(ids, lengths), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def _load(job: Job) -> PlainClassifier:
    """Return the plain network with the weights that all ways score with; torch and Elman name them alike."""
    _start(job)
    model = PlainClassifier(job)
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in random_tensors(job).items()})
    return model.eval()


def _split_names(job: Job) -> list[NDArray[np.int64]]:
    ids, lengths = job.names.encoded()
    return np.split(ids, np.cumsum(lengths)[:-1])


def _examples(job: Job) -> EncodedExamples:
    return EncodedExamples(_split_names(job), job.names.targets())
