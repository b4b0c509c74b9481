"""Classify a string: the task of `LabelTask`, learned from shards, for data larger than memory."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.data.augment import FOLDED_WEIGHT
from elman.data.batches import EncodedExamples
from elman.data.shards import Shard, ShardedExamples
from elman.data.splits import HASHED, MOST_KEPT_BACK, PARTS, Split, find_incomplete_labels, note_incomplete_labels
from elman.data.streaming import StreamedReading
from elman.evaluation.baseline import Baseline
from elman.model.file import Artifact
from elman.records import Example
from elman.text.evidence import judge_evidence
from elman.text.vocabulary import Labels
from elman.training.allowance import fit_for
from elman.training.config import RunConfig
from elman.training.loop import weigh
from elman.training.tasks.advice import note_case, note_dropped, refuse_several_labels
from elman.training.tasks.labels import LabelTask
from elman.training.tasks.strings import normalise_examples
from elman.training.tasks.task import Findings

MOST_BASELINE = 100_000
"""The baseline is fitted on so many strings of the training part at most."""


class StreamedLabelTask(LabelTask):
    """Strings with a label each, in shards.

    The training part is read shard by shard, as often as necessary. The validation and the test part are in memory.

    Args:
        reading: the examples.
        config: what to do with them.

    Raises:
        DataError: a label is several labels in one cell.
        TrainingError: a shard is damaged.
    """

    def __init__(self, reading: StreamedReading, config: RunConfig) -> None:
        self.config, self.shards = config, reading.shards
        index = self.shards.index
        refuse_several_labels(dict(zip(index.labels, index.rows, strict=True)))
        self.dropped, self.labels = index.dropped, Labels(tuple(index.labels))
        validation, test = self.shards.load_part("validation"), self.shards.load_part("test")
        self.split = Split((), validation, test, HASHED, config.split_seed)
        self.split_kind, self.sizes, self.fingerprint = HASHED, index.sizes, index.fingerprint
        self.incomplete = self._find_incomplete()
        self.notes = (
            *([note_incomplete_labels(self.incomplete)] if self.incomplete else []),
            *note_dropped(reading, config.max_characters),
            *self._note_case(reading),
        )
        self.vocabulary = self.choose_symbols(index.symbols)
        self._frequency, self._mean = self._summarise_weights()
        self.training = ShardedExamples(self.shards, self.vocabulary, self._weigh)
        self.validation = EncodedExamples.of_strings(validation, self.vocabulary, self.labels)

    def _find_incomplete(self) -> dict[str, tuple[str, ...]]:
        """Return the parts that have no example of a label, by label."""
        counts = (zip(self.labels.names, self.shards.index.strings[part], strict=True) for part in PARTS)
        return find_incomplete_labels([[Example("", label) for label, count in part if count] for part in counts])

    def _note_case(self, reading: StreamedReading) -> tuple[str, ...]:
        """Note whether case tells labels apart, by the sample of the rows that train."""
        if not reading.examples:
            return ()
        return note_case(reading, normalise_examples(reading, self.config.normalisation)[0], self.config.normalisation)

    def _summarise_weights(self) -> tuple[NDArray[np.float64], float]:
        """Return how many copies of training examples each label has, (C,), and the mean of their weights."""
        labels, copies, examples = np.array(self.shards.index.counts, np.int64).T
        totals = np.bincount(labels, weights=copies * examples, minlength=len(self.labels))
        frequency: NDArray[np.float64] = totals.astype(np.float64)
        weights = weigh(labels, copies, frequency, self.config.train)
        return frequency, float((weights * examples).sum() / examples.sum())

    def _weigh(self, shard: Shard) -> NDArray[np.float32]:
        """Return how much each example of a shard counts in the loss, (N,), as for examples in memory."""
        weights = weigh(shard.labels, shard.counts, self._frequency, self.config.train) / self._mean
        return np.where(shard.folded, FOLDED_WEIGHT * weights, weights).astype(np.float32)

    def count_examples(self) -> Mapping[str, int]:
        """Return how many training examples each label has."""
        return dict(zip(self.labels.names, self.shards.index.strings["train"], strict=True))

    def find_evidence(self) -> str:
        """Return which symbols an answer can rest on."""
        letterless = dict(zip(self.labels.names, self.shards.index.letterless, strict=True))
        return judge_evidence(self.count_examples(), letterless, self.vocabulary)

    def fit_baseline(self, artifact: Artifact) -> Baseline:
        """Return the baseline of the config, fitted on at most `MOST_BASELINE` training examples, drawn at random."""
        examples, strings = self.shards.sample(MOST_BASELINE, self.config.train.seed), self.sizes["train"]
        available = strings if len(examples) < strings else None
        return fit_for(artifact, examples, self.config.baseline, available=available)

    def list_labels(self) -> Sequence[Example]:
        """Return an example without a text for each label, with the number of its copies."""
        copies = zip(self.labels.names, self.shards.index.copies, strict=True)
        return [Example("", label, count) for label, count in copies]

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Say also how the parts were made; see `Task.remarks`."""
        return (
            *super().remarks(findings),
            "The data were streamed: a hash of each string decided its part, and the validation and the test part have "
            f"at most {MOST_KEPT_BACK:,} different strings each.",
        )
