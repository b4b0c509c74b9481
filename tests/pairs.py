"""Models of pairs for tests: random ones of any shape, and pairs that a tiny network learns in seconds."""

import random
from dataclasses import replace

import numpy as np
import torch

from elman.data.pairs import PairReading
from elman.model.kinds import KINDS
from elman.model.writer import Writer
from elman.model.writing import WriterConfig
from elman.records import Pair
from elman.text.normalisation import Normalisation
from elman.text.targets import MARK, Targets
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.decoder import LanguageModel
from elman.training.recipes import best_settings
from elman.training.transducer import Transducer

SHAPE = WriterConfig(
    hidden_size=12,
    embedding_size=5,
    label_size=0,
    encoder_cell="gru",
    encoder_size=10,
    source_size=6,
    attention="additive",
    attention_size=7,
    mix_size=9,
    dropout=0.0,
    input_dropout=0.0,
)


ENDS = 1.5


def build_network(shape=SHAPE, *, sources=6, targets=5, labels=0, scale=2.0):
    """Return a random network whose answers differ from string to string."""
    torch.manual_seed(0)
    network = Transducer(shape, sources=sources, targets=targets, labels=labels).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    return network


def list_tensors(network):
    return {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}


def build_writer(symbols=("AH", "B", "K", "T"), *, labels=(), shape=SHAPE, longest=40, **facts):
    """Return a random model that reads the letters a to e."""
    shape = replace(shape, label_size=3 if labels else 0)
    network = build_network(shape, targets=len(symbols) + 1, labels=len(labels))
    with torch.no_grad():
        network.output.bias[MARK] += ENDS  # a random network ends rarely
    return Writer(
        name="random",
        config=shape,
        tensors=list_tensors(network),
        targets=Targets(symbols, "blanks"),
        normalisation=Normalisation(transliterate=False),
        kind=KINDS["pairs"],
        longest=longest,
        sources=Vocabulary(tuple("abcde")),
        labels=Labels(labels) if labels else None,
        **facts,
    )


def build_generator(symbols="abcd"):
    """Return a random model that writes strings of some letters."""
    torch.manual_seed(0)
    shape = WriterConfig(hidden_size=6, embedding_size=4, label_size=0, dropout=0.0, input_dropout=0.0)
    return Writer(
        name="random",
        config=shape,
        tensors=list_tensors(LanguageModel(shape, symbols=len(symbols) + 1)),
        targets=Targets(tuple(symbols)),
        normalisation=Normalisation(transliterate=False),
        kind=KINDS["generate"],
        longest=20,
    )


def spell(source):
    """Return the right answer: B and K for b and c, both sounds of x, and nothing for e."""
    sounds = {"a": "AH", "b": "B", "c": "K", "e": "", "x": "K S"}
    return " ".join(filter(None, (sounds[letter] for letter in source)))


def make_pairs(count=320, *, seed=0):
    """Return pairs that each letter alone tells, some with a second right answer."""
    draw = random.Random(seed)
    sources = sorted(
        {"".join(draw.choices("abcx", k=draw.randint(2, 5))) + draw.choice(["", "e"]) for _ in range(count)}
    )
    draw.shuffle(sources)
    pairs = tuple(
        Pair(source, (spell(source), "AH"), (2, 1))
        if source.startswith("aaa")
        else Pair(source, (spell(source),), (1,))
        for source in sources
    )
    return PairReading(pairs, len(pairs), {}, {}, target_symbols="blanks")


def make_labelled(count=160, *, seed=0):
    """Return pairs with two answers to each source: its letters as they are, and from the last to the first."""
    pairs = tuple(
        Pair(pair.source, (target,), (1,), label)
        for pair in make_pairs(count, seed=seed).examples
        for label, target in (("forwards", pair.source), ("backwards", pair.source[::-1]))
    )
    return PairReading(pairs, len(pairs), {}, {})


def tiny_config(**changes):
    settings = best_settings("pairs")
    train = replace(
        settings.train, epochs=14, learning_rate=0.01, batch_size=16, average=0.9, label_smoothing=0.0, threads=1
    )
    writer = replace(SHAPE, hidden_size=32, encoder_size=24, mix_size=64, attention_size=32)
    shares = {"test_share": 0.2, "validation_share": 0.15}
    return replace(settings, name="sounds", data="made up", writer=writer, train=train, **shares, **changes)


def draw_ids(count, symbols, *, least=1, longest=5, seed=0):
    random_numbers = np.random.default_rng(seed)
    return [random_numbers.integers(1, symbols, random_numbers.integers(least, longest + 1)) for _ in range(count)]
