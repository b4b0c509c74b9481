"""Tag a string: the answer has one symbol for each symbol that is read."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.checks import count_of
from elman.data.batches import EncodedExamples
from elman.data.examples import Reading
from elman.errors import DataError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import score_tags
from elman.evaluation.scores import evaluate_tag_logits
from elman.evaluation.verdict import BASELINE, CONSTANT, compare
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.reports import TagReport
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import RunConfig
from elman.training.network import SequenceModel
from elman.training.tasks.strings import normalise_examples, split_for
from elman.training.tasks.task import Findings, Task, round_weights


class TagTask(Task):
    """Pairs of strings of equal length.

    Args:
        reading: the pairs; the label of each example is its target.
        config: what to do with them.

    Raises:
        DataError: the pairs cannot be split, or have a single tag.
    """

    kind = "tags"

    def __init__(self, reading: Reading, config: RunConfig) -> None:
        self.config = config
        examples, self.dropped = normalise_examples(reading, config.normalisation)
        if any(len(example.text) != len(example.label) for example in examples):
            raise DataError(
                "a string and its tags differ in length once normalised; tags need one that keeps every symbol"
            )
        self.split = split_for(config, examples)
        self.sizes, self.notes, self.fingerprint = self.split.sizes, self.split.notes, self.split.fingerprint
        self.split_kind = self.split.kind
        sources, targets = [e.text for e in self.split.train], [e.label for e in examples]
        self.vocabulary = Vocabulary.from_texts(sources, min_count=config.symbol_min_count)
        shared = sources if config.shared_alphabet else []
        self.labels = Labels.from_names(symbol for text in (*targets, *shared) for symbol in text)
        self.training, self.validation = self._encode(self.split.train), self._encode(self.split.validation)

    def _encode(self, examples: Sequence[Example]) -> EncodedExamples:
        tags = [self.labels.encode(list(example.label)) for example in examples]
        counts = np.array([example.count for example in examples], np.float64) ** self.config.train.copy_weighting
        weights = (counts / counts.mean()).astype(np.float32)
        return EncodedExamples([self.vocabulary.encode(e.text) for e in examples], tags, weights)

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model; see `Task.artifact`."""
        return self.build_artifact(round_weights(weights), provenance)

    def measure(self, artifact: Artifact) -> tuple[Artifact, Findings]:
        """Measure the model beside the most frequent tag of each symbol; see `Task.measure`."""
        predictor, split = Predictor(artifact), self.split

        def answer(examples: Sequence[Example]) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]]]:
            logits = predictor.scorer.logits_of_steps([self.vocabulary.encode(example.text) for example in examples])
            return logits, [self.labels.encode(list(example.label)) for example in examples]

        def score(examples: Sequence[Example], answers: tuple[Any, Any]) -> TagReport:
            reasons = predictor.abstentions([example.text for example in examples])
            return evaluate_tag_logits(*answers, artifact.temperature, reasons=reasons)

        test, validation = answer(split.test), answer(split.validation)
        if self.is_calibrated:
            logits, truth = np.concatenate(validation[0]), np.concatenate(validation[1])
            temperature = fit_temperature(logits, truth, strings=len(split.validation))
            artifact = replace(artifact, temperature=temperature)
        tested, baseline = score(split.test, test), score_most_frequent_tags(split.train, split.test, self.labels)
        tag, constant = score_one_tag(split.train, split.test, self.labels)
        others = (
            (BASELINE, "the most frequent tag of each symbol", baseline),
            (CONSTANT, f"always answering {tag}", constant),
        )
        assert tested.outcomes is not None
        return artifact, Findings(
            test=tested,
            validation=score(split.validation, validation),
            baseline=baseline,
            comparisons=tuple(
                compare(tested.outcomes, other.outcomes, kind=kind, name=name, score="share of symbols tagged right")
                for kind, name, other in others
                if other.outcomes is not None
            ),
        )

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Explain the baseline; see `Task.remarks`."""
        return ("The baseline answers the most frequent tag of each symbol in the training part.",)

    def description(self) -> str:
        """Return the number of tags and the kind of split; see `Task.description`."""
        return f"{count_of(len(self.labels), 'tag')}; {self.split_kind} split"

    def sample(self, model: SequenceModel) -> str | None:
        """Return the first validation string, and what the network answers to it now."""
        first = self.split.validation[0].text
        model.eval()
        with torch.inference_mode():
            logits = model(torch.from_numpy(self.vocabulary.encode(first))[:, None])
        return f"{first} → {''.join(self.labels.names[tag] for tag in logits[:, 0].argmax(1))}"


def score_most_frequent_tags(training: Sequence[Example], examples: Sequence[Example], labels: Labels) -> TagReport:
    """Score the simplest tagger, which answers the most frequent tag of each symbol in the training examples."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in training:
        for symbol, tag in zip(example.text, example.label, strict=True):
            counts[symbol][tag] += example.count
    overall = _find_most_frequent_tag(training)
    best = {symbol: counter.most_common(1)[0][0] for symbol, counter in counts.items()}
    guesses = [labels.encode([best.get(symbol, overall) for symbol in example.text]) for example in examples]
    return score_tags(guesses, [labels.encode(list(example.label)) for example in examples])


def score_one_tag(training: Sequence[Example], examples: Sequence[Example], labels: Labels) -> tuple[str, TagReport]:
    """Return the most frequent tag of the training examples, and the scores of always answering it."""
    tag = _find_most_frequent_tag(training)
    guesses = [labels.encode([tag] * len(example.text)) for example in examples]
    return tag, score_tags(guesses, [labels.encode(list(example.label)) for example in examples])


def _find_most_frequent_tag(training: Sequence[Example]) -> str:
    counts: Counter[str] = Counter()
    for example in training:
        for tag in example.label:
            counts[tag] += example.count
    return counts.most_common(1)[0][0]
