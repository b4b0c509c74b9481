"""Names a second in training: Elman's loop against a loop with one name a step, in one run.

    python benchmarks/loop.py --data FOLDER [--names 512] [--threads 2]

The network is tutorial T2's model B: two layers of nn.GRU, hidden size 256, Adam 0.001, no clipping. The batch-of-one
loop is what the tutorial does: one-hot letters, one name, one step. Elman's looks the letters up in an embedding as
wide as the one-hot rows, so that both multiply matrices of the same shapes.
"""

import argparse
import time
from pathlib import Path

import torch
from torch import nn

from elman.data.batches import EncodedExamples
from elman.data.reading import read_named
from elman.model.config import ModelConfig
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import TrainConfig
from elman.training.loop import train
from elman.training.network import SequenceModel
from elman.training.state import TrainingState
from elman.training.tasks.strings import normalise_examples


class OneHotGRU(nn.Module):
    """Tutorial T2's model B."""

    def __init__(self, symbols: int, labels: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.gru = nn.GRU(symbols, 256, num_layers=2)
        self.head = nn.Linear(256, labels)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Read one-hot letters, (T, B) ids, and score the last output, (B, C)."""
        outputs, _ = self.gru(nn.functional.one_hot(ids, self.symbols).float())
        return self.head(outputs[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", type=int, default=512, help="for the batch-of-one loop")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    examples, _ = normalise_examples(read_named("languages", arguments.data), Normalisation())
    labels = Labels.from_names(example.label for example in examples)
    vocabulary = Vocabulary.from_texts(example.text for example in examples)

    torch.manual_seed(0)
    model = OneHotGRU(len(vocabulary), len(labels))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    sample = [examples[k] for k in torch.randperm(len(examples))[: arguments.names].tolist()]
    started = time.perf_counter()
    for example in sample:
        logits = model(torch.from_numpy(vocabulary.encode(example.text))[:, None])
        loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels.encode([example.label])))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    single = len(sample) / (time.perf_counter() - started)

    torch.manual_seed(0)
    network = ModelConfig(
        layers=2, hidden_size=256, directions=1, embedding_size=len(vocabulary), ngram_orders=(), bag_orders=(),
        dropout=0.0, input_dropout=0.0, symbol_dropout=0.0,
    )  # fmt: skip
    ours = SequenceModel(network, symbols=len(vocabulary), labels=len(labels))
    config = TrainConfig(epochs=1, optimiser="adam", learning_rate=1e-3, weight_decay=0.0, clip=None)
    data = EncodedExamples.of_strings(examples, vocabulary, labels)
    state = TrainingState(ours, config, steps_in_epoch=data.steps(config.batch_size))
    few = EncodedExamples.of_strings(examples[:50], vocabulary, labels)
    started = time.perf_counter()
    for _ in train(state, data, few):
        pass
    batched = len(examples) / (time.perf_counter() - started)
    print(f"torch {torch.__version__}, {arguments.threads} threads, 2-layer GRU of 256, Adam")
    print(f"one name a step:        {single:8.0f} names a second ({len(sample)} names)")
    print(f"Elman, batches of {config.batch_size}:  {batched:8.0f} names a second ({len(examples)} names)")
    print(f"ratio:                  {batched / single:8.1f}")


if __name__ == "__main__":
    main()
