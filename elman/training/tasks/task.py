"""Tasks: everything in a training that depends on what is read and what is answered.

A task turns examples into numbers, builds the network that fits them, makes the model file of its weights, and measures
the trained model. The run keeps the folder, the epochs and the checkpoints, and is the same for every task.
"""

import math
import platform
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.data.batches import BatchSource, EncodedExamples
from elman.data.splits import NOTHING_KEPT
from elman.evaluation.scores import Evaluation, NumberEvaluation
from elman.evaluation.verdict import Comparison, write_verdict
from elman.model.config import NO_CELL, ModelConfig
from elman.model.file import Artifact
from elman.model.kinds import KINDS
from elman.model.packing import round_rows
from elman.model.tensors import BAG_CODES, BAG_HEAD, BAG_WEIGHT, EMBEDDING, NGRAMS, WORDS, Shape
from elman.reports import Report
from elman.text.ngrams import inventory, weigh
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import RunConfig, passes_for
from elman.training.network import SequenceModel
from elman.training.rows import LARGE
from elman.training.tuning import keep_weights, load_base
from elman.version import __version__

Tensors = Mapping[str, NDArray[Any]]

MOST_BYTES = 11_300_000
"""The most bytes of the tensors in a model file by default."""

CODE_BYTES, SCALE_BYTES = 8, 4
"""How many bytes the code of a row of the bag takes, and at most the scale of a row of 8 or 4 bits."""

FEATURES = frozenset({EMBEDDING, NGRAMS, WORDS, BAG_WEIGHT})
"""Tables whose rows are features if the bag has a head: weights read them after many are added, and 4 bits do. So the
file of a model with many labels has room for twice as many rows. In other models 8 bits fit, too."""

LEAST_ROWS = 32_768
"""A bag can have so many rows, however few strings there are."""

MANY_LABELS, BAG_SIZE, BAG_HIDDEN = 64, 64, 256
"""With so many labels, rows of a bag have this size by default, words are in the bag, and it has so many hidden units
if strings have several words."""


WORD_BUCKETS, MOST_LABELS = 65_536, 1_000
"""Rows of the table of words with so many labels, if strings have several words; with more than the second number, the
rows of the bag need its place in the file."""

PATH_WEIGHT = 0.5
"""With a bag whose rows have a size of their own, the loss of each path counts so much by default."""


@dataclass(frozen=True)
class Findings:
    """What measuring a trained model found: numbers alone; the run puts them into words, tables and pictures.

    Args:
        test: the model's scores on the test part.
        validation: its scores on the validation part.
        baseline: the scores of a simple baseline on the test part; None without a baseline.
        baseline_validation: the scores of the baseline on the validation part, if known.
        values: other values for ``report.json``, by their key there.
        evaluation: the numbers that the pictures of the test part are drawn from; None if there are none to draw.
        comparisons: the model beside its baseline and beside one constant answer, on the test part.
    """

    test: Report
    validation: Report
    baseline: Report | None
    baseline_validation: Report | None = None
    values: dict[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | NumberEvaluation | None = None
    comparisons: tuple[Comparison, ...] = ()


class Task(ABC):
    """Examples of one kind, ready to train on and to measure with.

    Attributes:
        kind: the name of what is read and answered, one of `elman.model.kinds.KINDS`.
        config: what to do with the examples.
        labels: the answers.
        vocabulary: the symbols; empty if numbers are read.
        training: what to learn from.
        validation: what chooses the epoch.
        dropped: how many lines of the source did not become an example, by reason.
        notes: what a user should know of the data.
        incomplete: the parts that have no example of a label, by label.
        sizes: the number of examples in the ``train``, ``validation`` and ``test`` part.
        split_kind: how the parts were made; see `elman.data.splits`.
        fingerprint: of the split: equal data that are split in the same way have equal fingerprints.
    """

    kind: ClassVar[str]
    config: RunConfig
    labels: Labels
    vocabulary: Vocabulary = Vocabulary(())
    training: BatchSource
    validation: EncodedExamples
    dropped: dict[str, int]
    notes: tuple[str, ...] = ()
    incomplete: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    sizes: dict[str, int]
    split_kind: str
    fingerprint: str

    @abstractmethod
    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model with these weights, not calibrated yet."""

    def calibrate(self, artifact: Artifact) -> Artifact:
        """Return the model with probabilities that fit the validation part, if its answers have probabilities."""
        return artifact

    @abstractmethod
    def measure(self, artifact: Artifact) -> tuple[Artifact, Findings]:
        """Measure the model; calibrate it before, on the validation part, if its answers have probabilities.

        Returns:
            The calibrated model, and its scores beside those of the baseline.
        """

    @property
    def is_calibrated(self) -> bool:
        """Whether a temperature is fitted; on examples that were learned by heart it would mean nothing."""
        return self.split_kind != NOTHING_KEPT

    def verdict(self, findings: Findings) -> str:
        """Return in words whether the model is better than its baseline and than one constant answer."""
        return write_verdict(findings.comparisons, by_heart=self.split_kind == NOTHING_KEPT)

    @abstractmethod
    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Return what a reader of the report should know, one sentence each."""

    @abstractmethod
    def description(self) -> str:
        """Return what is answered, and how the examples were split, in one line."""

    def sample(self, model: SequenceModel) -> str | None:
        """Return what the network answers to one example now, to print after each epoch; None: print nothing."""
        del model
        return None

    def network(self, *, fused: bool = True) -> SequenceModel:
        """Return the untrained network; set torch's seed before.

        Args:
            fused: whether cells may have the passes of `elman.cells.fused`, which are for processors.
        """
        shape = self.config.model
        inventoried = self._choose_rows() if shape.bag_orders else None
        if not fused:
            shape = replace(shape, fused=False)
        network = SequenceModel(shape, symbols=len(self.vocabulary), labels=len(self.labels), inventory=inventoried)
        if self.base is not None:
            keep_weights(network, self.base, KINDS[self.kind], self.labels)
        return network

    def _choose_rows(self) -> NDArray[np.int64]:
        """Return the codes of the n-grams and words that get a row of the bag, in rising order."""
        shape, before = self.config.model, np.empty(0, np.int64)
        if self.base is not None:
            before = self.base.tensors.get(BAG_CODES, before)
        most = choose_rows(
            shape,
            symbols=len(self.vocabulary),
            labels=len(self.labels),
            strings=len(self.training),
            kept=len(before),
        )
        weights = self._weigh_labels()
        is_plain = weights is None and not len(before)
        inputs = (batch.inputs for batch in self.training.batches(4096))
        codes = inventory(
            inputs, shape.bag_orders, shape.bag_min_count, most=most if is_plain else None, separator=shape.separator
        )
        if is_plain:
            return codes
        new = codes[~np.isin(codes, before)]
        weighed = (
            (batch.inputs, np.ones(batch.inputs.shape[1]) if weights is None else weights[batch.targets])
            for batch in self.training.batches(4096)
        )
        sums = weigh(new, weighed, shape.bag_orders, separator=shape.separator)
        return np.union1d(before, new[np.argsort(-sums, kind="stable")[:most]])

    def _weigh_labels(self) -> NDArray[np.float64] | None:
        """Return how much an example of each label counts where rows of the bag are chosen, (C,); None if alike."""
        power = self.config.train.row_weighting
        if not power or KINDS[self.kind].answers != "label":
            return None
        counts = np.zeros(len(self.labels))
        for batch in self.training.batches(4096):
            counts += np.bincount(batch.targets, minlength=len(counts))
        return np.asarray(np.maximum(counts, 1) ** -power)

    @cached_property
    def base(self) -> Artifact | None:
        """The model that the training starts from, if any."""
        return None if self.config.init is None else load_base(self.config.init, KINDS[self.kind])

    def collect_symbols(self, texts: Iterable[str]) -> Vocabulary:
        """Return the symbols of the training part, after those of the model that the training starts from."""
        return self.choose_symbols(Counter(chain.from_iterable(texts)))

    def choose_symbols(self, counts: Mapping[str, int]) -> Vocabulary:
        """Return what `collect_symbols` does, given how often each symbol occurs."""
        first = () if self.base is None else self.base.vocabulary.symbols
        return Vocabulary.from_counts(counts, min_count=self.config.symbol_min_count, first=first)

    def settle(self) -> None:
        """Choose the settings that depend on the data, once the labels, the vocabulary and the examples are known."""
        config = self.config
        shape = choose_words(config.model, labels=len(self.labels), blank=self.vocabulary.find(" "))
        rates: dict[str, Any] = {**shape.rates(len(self.training))}
        epochs = config.train.epochs or passes_for(len(self.training))
        weight = config.train.path_weight
        if weight is None:
            weight = PATH_WEIGHT if shape.bag_size and shape.cell != NO_CELL else 0.0
        train = replace(config.train, epochs=epochs, path_weight=weight)
        self.config = replace(config, model=replace(shape, **rates), train=train)

    def build_artifact(
        self,
        tensors: Tensors,
        provenance: dict[str, Any],
        *,
        columns: tuple[str, ...] = (),
        picture: tuple[int, ...] = (),
        evidence: str | None = None,
    ) -> Artifact:
        """Return a model that is not calibrated; the keywords are those of `elman.model.file.Artifact`."""
        return Artifact(
            name=self.config.name,
            config=self.config.model,
            tensors=tensors,
            vocabulary=self.vocabulary,
            labels=self.labels,
            normalisation=self.config.normalisation,
            temperature=1.0,
            provenance=provenance,
            kind=KINDS[self.kind],
            columns=columns,
            picture=picture,
            evidence=evidence,
        )


def choose_words(shape: ModelConfig, *, labels: int, blank: int | None) -> ModelConfig:
    """Return a shape in which the sizes of the bag and of the table of words are chosen, where they were open.

    Args:
        shape: of the network.
        labels: C; 1 if the answer is a number.
        blank: the id of the symbol between words; None if all strings are one word.
    """
    many, has_bag = labels >= MANY_LABELS, bool(shape.bag_orders)
    if shape.bag_size is None:
        shape = replace(shape, bag_size=BAG_SIZE if many and has_bag else 0)
    if shape.bag_words is None:
        shape = replace(shape, bag_words=has_bag and (many or bool(shape.word_buckets)))
    if shape.word_buckets is None:
        has_cells = shape.cell != NO_CELL and shape.readout == "last" and not shape.input_size
        fits = many and labels <= MOST_LABELS and has_cells and blank is not None and bool(shape.bag_words) == has_bag
        shape = replace(shape, word_buckets=WORD_BUCKETS if fits else 0)
    if shape.word_buckets or (shape.bag_words and has_bag):
        shape = replace(shape, separator=shape.separator or blank)
    if shape.bag_hidden is None:
        shape = replace(shape, bag_hidden=BAG_HIDDEN if shape.bag_size and shape.separator is not None else 0)
    return shape


def choose_rows(shape: ModelConfig, *, symbols: int, labels: int, strings: int, kept: int = 0) -> int:
    """Return the most rows that a bag may get: about one for each string, and few enough for a small model file.

    Args:
        shape: of the network, whose ``bag_size`` is chosen.
        symbols: V, including the unknown symbol.
        labels: C; 1 if the answer is a number.
        strings: of the training part.
        kept: rows that the bag has in any case, those of the model that the training starts from.

    >>> from elman.model.config import ModelConfig
    >>> [choose_rows(ModelConfig(bag_size=64), symbols=200, labels=labels, strings=10**6) for labels in (176, 10_000)]
    [234980, 148912]
    """
    shapes = shape.tensor_shapes(symbols=symbols, labels=labels)
    left = MOST_BYTES - sum(_count_bytes(name, sizes, shapes) for name, sizes in shapes.items())
    size, bits = shape.bag_size or labels, _choose_bits(BAG_WEIGHT, shapes)
    rows = left // (size * bits // 8 + SCALE_BYTES + CODE_BYTES)
    if rows * size < LARGE:
        rows = left // (2 * size + CODE_BYTES)
    return max(0, min(shape.bag_most, max(LEAST_ROWS, strings), rows) - kept)


def _count_bytes(name: str, shape: Shape, names: Container[str]) -> int:
    """Return how many bytes a tensor takes in the file of a model with tensors of these names; see `round_weights`."""
    numbers = math.prod(shape)
    if len(shape) != 2 or numbers < LARGE:
        return 2 * numbers
    return numbers * _choose_bits(name, names) // 8 + SCALE_BYTES * shape[0]


def _choose_bits(name: str, names: Container[str]) -> int:
    """Return how many bits the numbers of a large matrix have in the file of a model with tensors of these names."""
    return 4 if name in FEATURES and BAG_HEAD in names else 8


def versions() -> dict[str, str]:
    """Return the versions of what trains."""
    return {
        "elman": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def round_weights(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return weights as numpy arrays, rounded to what a model file needs few bits for.

    Large matrices have a scale for each row and 8 bits, or 4 (`FEATURES`); other tensors 16 bits, if none of their
    numbers is too large.
    """
    return {name: _round(tensor, _choose_bits(name, weights)).numpy() for name, tensor in weights.items()}


def _round(tensor: Tensor, bits: int) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    if tensor.ndim == 2 and tensor.numel() >= LARGE:
        return torch.from_numpy(round_rows(tensor.numpy(), bits))
    half = tensor.half().float()
    return half if bool(half.isfinite().all()) else tensor
