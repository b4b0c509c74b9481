"""Tagging in step: a string in, a string of the same length out, one symbol for each symbol read."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.data.batches import EncodedExamples
from elman.data.examples import Reading
from elman.data.splits import NOTHING_KEPT
from elman.errors import DataError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import score_tags
from elman.evaluation.scores import evaluate_tags
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.records import Example, TagReport
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import RunConfig
from elman.training.network import SequenceModel
from elman.training.tasks.strings import normalise_examples, sizes_of, split_for
from elman.training.tasks.task import Findings, Task, shipped_weights


class TagTask(Task):
    """Pairs of strings of equal length.

    Args:
        reading: the pairs; the label of each example is its target.
        config: what to do with them.

    Raises:
        DataError: the pairs cannot be split, or have a single tag.
    """

    def __init__(self, reading: Reading, config: RunConfig) -> None:
        self.config = config
        examples, self.dropped = normalise_examples(reading, config.normalisation)
        if any(len(example.text) != len(example.label) for example in examples):
            raise DataError(
                "a string and its tags differ in length once normalised; tags need one that keeps every symbol"
            )
        self.split = split_for(config, examples)
        self.sizes, self.notes, self.fingerprint = sizes_of(self.split), self.split.notes, self.split.fingerprint
        self.split_kind = config.split
        sources, targets = [e.text for e in self.split.train], [e.label for e in examples]
        self.vocabulary = Vocabulary.from_texts(sources, min_count=config.symbol_min_count)
        shared = sources if config.shared_alphabet else []
        self.labels = Labels.from_names(symbol for text in (*targets, *shared) for symbol in text)
        self.training, self.validation = self._encoded(self.split.train), self._encoded(self.split.validation)

    def _encoded(self, examples: Sequence[Example]) -> EncodedExamples:
        tags = [self.labels.encode(list(example.label)) for example in examples]
        counts = np.array([example.count for example in examples], np.float64) ** self.config.train.copy_weighting
        weights = (counts / counts.mean()).astype(np.float32)
        return EncodedExamples([self.vocabulary.encode(e.text) for e in examples], tags, weights)

    def network(self) -> SequenceModel:
        """Return the untrained network; see `Task.network`."""
        return SequenceModel(self.config.model, symbols=len(self.vocabulary), labels=len(self.labels))

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Artifact:
        """Return the model, calibrated by symbols unless nothing was kept back; see `Task.artifact`."""
        artifact = Artifact(
            name=self.config.name,
            config=self.config.model,
            tensors=shipped_weights(weights),
            vocabulary=self.vocabulary,
            labels=self.labels,
            normalisation=self.config.normalisation,
            temperature=1.0,
            provenance=provenance,
            answers="tags",
        )
        if self.split.kind == NOTHING_KEPT:
            return artifact
        held = self.split.validation
        logits = Predictor(artifact).scorer.logits_of_steps([self.vocabulary.encode(e.text) for e in held])
        truth = np.concatenate([self.labels.encode(list(e.label)) for e in held])
        return replace(artifact, temperature=fit_temperature(np.concatenate(logits), truth))

    def findings(self, predictor: Predictor) -> Findings:
        """Measure the model beside the most frequent tag of each symbol; see `Task.findings`."""
        test, validation = evaluate_tags(predictor, self.split.test), evaluate_tags(predictor, self.split.validation)
        baseline = most_frequent_tags(self.split.train, self.split.test, self.labels)
        gap = test.symbol_accuracy - baseline.symbol_accuracy
        reports = (test, validation, baseline)
        return Findings(
            test=test,
            validation=validation,
            baseline=baseline,
            verdict=(
                f"The model tags {gap * 100:.1f} points more of the symbols right than the most frequent tag of each."
                if gap > 0
                else "The model does NOT beat answering the most frequent tag of each symbol."
            ),
            rows=(
                ("symbols right", *(f"{r.symbol_accuracy * 100:.1f} %" for r in reports)),
                ("whole strings right", *(f"{r.string_accuracy * 100:.1f} %" for r in reports)),
                ("negative log-likelihood", *(f"{r.nll:.3f} nats" if r.nll is not None else "–" for r in reports)),
            ),
            remarks=("The baseline answers the most frequent tag of each symbol in the training part.",),
        )

    def description(self) -> str:
        """Say what is answered; see `Task.description`."""
        return f"{len(self.labels)} tags; {self.split.kind} split"

    def sample(self, model: SequenceModel) -> str | None:
        """Return the first validation string and what the network writes for it just now."""
        first = self.split.validation[0].text
        model.eval()
        with torch.inference_mode():
            logits = model(torch.from_numpy(self.vocabulary.encode(first))[:, None])
        return f"{first} → {''.join(self.labels.names[tag] for tag in logits[:, 0].argmax(1))}"


def most_frequent_tags(training: Sequence[Example], examples: Sequence[Example], labels: Labels) -> TagReport:
    """Score the simplest tagger: for each symbol its most frequent tag of the training examples."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in training:
        for symbol, tag in zip(example.text, example.label, strict=True):
            counts[symbol][tag] += example.count
    overall = sum(counts.values(), Counter[str]()).most_common(1)[0][0]
    best = {symbol: counter.most_common(1)[0][0] for symbol, counter in counts.items()}
    guesses = [labels.encode([best.get(symbol, overall) for symbol in example.text]) for example in examples]
    return score_tags(guesses, [labels.encode(list(example.label)) for example in examples])
