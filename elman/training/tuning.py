"""Tuning: a training that starts from a model, whose text side and cells it keeps.

The network reads strings as the model does: the same normalisation, the same cells and tables, and the model's symbols
before new ones. What answers is new, except for labels that both have.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from torch import Tensor, nn

from elman.errors import SettingError
from elman.model.file import Artifact, load_artifact
from elman.model.kinds import Kind
from elman.model.shipped import find_model
from elman.model.tensors import (
    BAG_CODES,
    BAG_HEAD,
    BAG_HIDDEN_BIAS,
    BAG_HIDDEN_WEIGHT,
    BAG_OUTPUT,
    BAG_WEIGHT,
    EMBEDDING,
    HEAD_BIAS,
    HEAD_WEIGHT,
    LABELS,
    NGRAMS,
    OUTPUT_BIAS,
    OUTPUT_WEIGHT,
    SOURCES,
    TARGETS,
    WORDS,
    WORDS_HEAD,
    name_layer,
)
from elman.model.writer import Writer, load_writer
from elman.text.vocabulary import Labels
from elman.training.config import RunConfig
from elman.training.network import SequenceModel

KEPT = (
    *("cell", "activation", "hidden_size", "layers", "directions", "embedding_size", "head"),
    *("ngram_orders", "ngram_buckets", "bag_orders"),
)
"""Settings of the network that stay those of the model, by their names in `ModelConfig`."""

TUNING_RATE, PAIRS_RATE = 2e-3, 1e-3
"""The default learning rates, of pairs the second: half of the usual ones, so that less of what the model knows is
lost."""

CHOSEN = ("by_hand", "fused", "label_size", "dropout", "input_dropout", "label_dropout", "own_share")
"""Settings of a network of pairs that need not stay those of the model."""


def load_base(model: str, kind: Kind) -> Artifact:
    """Return the model to start from.

    Args:
        model: the name of a shipped model, or a path.
        kind: what the new model reads and answers with.

    Raises:
        ModelFileError: there is no such model.
        SettingError: it does not read strings, or does not score whole strings or each symbol as the new one.
    """
    artifact = load_artifact(find_model(model))
    if artifact.kind.reads != "strings" or kind.reads != "strings" or artifact.kind.readout != kind.readout:
        raise SettingError(
            f"{model} reads {artifact.kind.reads} and answers with {artifact.kind.answers}, so it cannot begin a model "
            f"that reads {kind.reads} and answers with {kind.answers}; leave --init out, or give another model"
        )
    return artifact


def begin_with(base: Artifact, config: RunConfig) -> RunConfig:
    """Return the settings of a training that starts from a model: its network and its normalisation."""
    size, hidden = base.config.bag_size or None, base.config.bag_hidden or None
    words = base.config.word_buckets or None
    shape = replace(base.config, bag_size=size, bag_hidden=hidden, word_buckets=words, fused=config.model.fused)
    train = replace(config.train, learning_rate=TUNING_RATE)
    return replace(config, model=shape, train=train, normalisation=base.normalisation)


def check_kept(base: Artifact, config: RunConfig) -> None:
    """Check that the settings are those of the model where they must be.

    Raises:
        SettingError: they are not.
    """
    if config.normalisation != base.normalisation:
        raise SettingError("a model that --init begins with reads strings as before; leave the options of that out")
    for name in KEPT:
        kept, wanted = getattr(base.config, name), getattr(config.model, name)
        if kept != wanted:
            message = f"--init keeps the network of its model, whose {name} is {kept}"
            raise SettingError(f"{message}; leave out the option that makes it {wanted}")


@torch.no_grad()
def keep_weights(network: SequenceModel, base: Artifact, kind: Kind, labels: Labels) -> None:
    """Give a new network the weights of a model: of the text side, of the cells, and of labels that both have.

    Args:
        network: its vocabulary begins with the symbols of the model, and its bag has all codes of the model.
        base: the model.
        kind: what the network reads and answers with.
        labels: what it answers with.
    """
    new = network.state_dict()
    old = {name: torch.from_numpy(np.ascontiguousarray(tensor)) for name, tensor in base.tensors.items()}
    answers = _shared_labels(base, labels) if kind is base.kind and kind.answers != "number" else ((), ())
    first = {name_layer(0, direction).weight_ih for direction in range(base.config.directions)}
    for name, tensor in old.items():
        if name in (EMBEDDING, NGRAMS):
            new[name][: len(tensor)] = tensor
        elif name in first and not base.config.embedding_size:  # a column for each symbol
            new[name][:, : tensor.shape[1]] = tensor
        elif name in (HEAD_WEIGHT, HEAD_BIAS, WORDS_HEAD, BAG_HEAD, BAG_OUTPUT):
            if name in new and new[name].shape[1:] == tensor.shape[1:]:
                new[name][list(answers[0])] = tensor[list(answers[1])]
        elif name in (WORDS, BAG_HIDDEN_WEIGHT, BAG_HIDDEN_BIAS):
            if name in new and new[name].shape == tensor.shape:
                new[name].copy_(tensor)
        elif name not in (BAG_CODES, BAG_WEIGHT):
            new[name].copy_(tensor)
    if BAG_CODES in old:
        rows = torch.searchsorted(new[BAG_CODES], old[BAG_CODES])
        _keep_rows(new[BAG_WEIGHT], old[BAG_WEIGHT], rows, answers, bool(base.config.bag_size))


def _keep_rows(
    new: Tensor, old: Tensor, rows: Tensor, answers: tuple[Sequence[int], Sequence[int]], has_head: bool
) -> None:
    """Copy the rows of a bag, whole if a head reads their sum, and otherwise the columns of shared labels."""
    if has_head and new.shape[1] == old.shape[1]:
        new[rows] = old
    elif not has_head:
        for column, before in zip(*answers, strict=True):
            if column < new.shape[1]:
                new[rows, column] = old[:, before]


def _shared_labels(base: Artifact, labels: Labels) -> tuple[Sequence[int], Sequence[int]]:
    """Return the ids of labels that both models have, in the new one and in the old one."""
    before = {name: number for number, name in enumerate(base.labels.names)}
    shared = [(number, before[name]) for number, name in enumerate(labels.names) if name in before]
    return tuple(number for number, _ in shared), tuple(number for _, number in shared)


def load_pairs_base(model: str) -> Writer:
    """Return the model of pairs to start from.

    Args:
        model: the name of a shipped model, or a path.

    Raises:
        ModelFileError: there is no such model, or it does not write.
        SettingError: it reads no strings.
    """
    writer = load_writer(find_model(model))
    if writer.kind.reads != "strings":
        raise SettingError(f"{model} {writer.kind}, so it cannot begin a model of pairs; leave --init out")
    return writer


def begin_pairs(base: Writer, config: RunConfig) -> RunConfig:
    """Return the settings of a training of pairs that starts from a model; see `begin_with`."""
    assert config.writer is not None
    shape = replace(
        base.config, by_hand=config.writer.by_hand, fused=config.writer.fused, label_size=base.config.label_size or None
    )
    train = replace(config.train, learning_rate=PAIRS_RATE)
    form = base.targets.form
    return replace(config, writer=shape, train=train, normalisation=base.normalisation, target_symbols=form)


def check_pairs(base: Writer, config: RunConfig) -> None:
    """Check that the settings are those of the model where they must be; see `check_kept`.

    Raises:
        SettingError: they are not.
    """
    assert config.writer is not None
    kept = {**asdict(base.config), "normalisation": base.normalisation, "target_symbols": base.targets.form}
    wanted = {**asdict(config.writer), "normalisation": config.normalisation, "target_symbols": config.target_symbols}
    for name, value in kept.items():
        if name not in CHOSEN and wanted[name] != value:
            raise SettingError(
                f"--init keeps the network and the symbols of its model, whose {name} is {value}; leave out what makes "
                f"it {wanted[name]}"
            )


@torch.no_grad()
def keep_pairs(network: nn.Module, base: Writer) -> None:
    """Give a new network of pairs the weights of a model.

    Its symbols and labels begin with those of the model. What is told of a label that the model does not know is at
    first what is told without one.
    """
    new, read = network.state_dict(), base.config.embedding_size
    first, context = name_layer(0, 0, "decoder").weight_ih, base.config.context_size
    for name in base.tensors.keys() & new.keys():
        old = torch.from_numpy(np.ascontiguousarray(base.tensors[name]))
        if name in (SOURCES, TARGETS, OUTPUT_WEIGHT, OUTPUT_BIAS, LABELS):
            new[name][: len(old)] = old
        elif name == first and old.shape != new[name].shape:  # columns of a label, which the model has not
            new[name][:, :read], new[name][:, -context:] = old[:, :read], old[:, -context:]
        else:
            new[name].copy_(old)
    if LABELS in new:
        known = base.tensors.get(LABELS)
        new[LABELS][0 if known is None else len(known) :] = 0.0 if known is None else new[LABELS][0].clone()
