"""Generate: strings are learned from, and new ones are written; a label can say of which kind."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from elman.checks import count_of, shown
from elman.data.batches import EncodedExamples
from elman.data.examples import Reading
from elman.data.splits import Split
from elman.errors import DataError
from elman.evaluation.counted import CountedModel, LabelledModel, fit_counted, fit_labelled
from elman.evaluation.verdict import BASELINE, CONSTANT, NATS, Comparison, compare
from elman.evaluation.writing import score_counted, score_generator
from elman.model.kinds import KINDS
from elman.model.seen import Seen
from elman.model.writer import LONGEST_WRITTEN, Writer, with_seen
from elman.model.writing import WriterConfig
from elman.prediction.generator import Generator, seen_key
from elman.records import Example
from elman.reports import WritingReport
from elman.scoring.decoder import NO_LABEL, DecoderScorer
from elman.text.normalisation import Normalisation
from elman.text.targets import MARK, Targets
from elman.text.vocabulary import Labels
from elman.training.config import RunConfig, passes_for
from elman.training.decoder import LanguageModel
from elman.training.tasks.strings import normalise_examples, split_for
from elman.training.tasks.task import Findings, Task, round_weights

DROPOUT, INPUT_DROPOUT, LABEL_SIZE = 0.3, 0.1, 24
"""Settings of the network where the config does not say."""

SAMPLES, SHOWN_SAMPLES = 1000, 20
"""How many strings are written to measure how many of them are in the training part, and how many the report shows
of each label."""

SHOWN_LABELS = 20
"""The most labels whose samples the report shows."""

RARE = "rare symbol"

LONGER = 4 / 3
"""So many times as many passes as for an answer: every symbol is to be learned, and the running average gains."""


class GenerateTask(Task):
    """Strings to learn to write.

    Args:
        reading: the strings; the label of each is empty if they have none.
        config: what to do with them; ``writer`` is the shape of the network.
        split: the parts, with normalised strings, if they are given; otherwise the config says how to split.

    Raises:
        DataError: the strings cannot be split, some have a label and others have none, or there are too many symbols.
    """

    kind = "generate"

    def __init__(self, reading: Reading, config: RunConfig, split: Split | None = None) -> None:
        config = self.config = replace(config, normalisation=choose_case(reading, config.normalisation))
        examples, self.dropped = normalise_examples(reading, config.normalisation)
        names = {example.label for example in examples}
        if "" in names and len(names) > 1:
            raise DataError("some strings have a label and others have none; give all of them one, or none")
        self.known_labels = Labels.from_names(names) if len(names) > 1 else None
        self.split = split or split_for(config, examples, by_label=self.known_labels is not None)
        self.split_kind, self.fingerprint = self.split.kind, self.split.fingerprint
        self.notes, self.incomplete = self.split.notes, self.split.incomplete
        if len(names) == 1 and "" not in names:
            self.notes += (f"all strings have the label {shown(min(names))}, so it conditions nothing",)
        self.targets = Targets.from_texts(
            (example.text for example in self.split.train), min_count=config.symbol_min_count
        )
        self.train = self._find_writable(self.split.train)
        if rare := len(self.split.train) - len(self.train):
            self.notes += (f"{count_of(rare, 'string')} of the training part left out: {RARE}",)
        self.sizes = self.split.sizes
        self.training = self._encode(self.train)
        self.validation = self._encode(self._find_writable(self.split.validation))
        if not len(self.validation):
            raise DataError("no string of the validation part has only symbols of the training part; give more strings")

    @property
    def shape(self) -> WriterConfig:
        """The shape of the network."""
        assert self.config.writer is not None
        return self.config.writer

    def _find_writable(self, examples: Sequence[Example]) -> list[Example]:
        """Return the examples that have only symbols which the model writes: others have no finite loss."""
        return [example for example in examples if not self.targets.unknown_in(example.text)]

    def _find_rows(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """Return the row of the label of each example, (N,)."""
        if self.known_labels is None:
            return np.full(len(examples), NO_LABEL)
        return self.known_labels.encode([example.label for example in examples]) + 1

    def _encode(self, examples: Sequence[Example]) -> EncodedExamples:
        """Encode strings: what is read are a label, the mark and the symbols; what is written the symbols and the mark.

        A string counts in the loss by its symbols, because the score is the mean of a symbol.
        """
        strings = [self.targets.encode(example.text) for example in examples]
        rows = self._find_rows(examples).tolist()
        read = [np.concatenate([[row, MARK], ids]) for row, ids in zip(rows, strings, strict=True)]
        counts = np.array([example.count for example in examples], np.float64) ** self.config.train.copy_weighting
        weights = counts * [len(ids) + 1 for ids in strings]
        written = [np.append(ids, MARK) for ids in strings]
        return EncodedExamples(read, written, (weights / max(weights.mean(), 1e-12)).astype(np.float32))

    def settle(self) -> None:
        """Choose the settings that depend on the data; see `Task.settle`."""
        shape, train = self.shape, self.config.train
        size = shape.label_size if shape.label_size else LABEL_SIZE
        shape = replace(
            shape,
            dropout=DROPOUT if shape.dropout is None else shape.dropout,
            input_dropout=INPUT_DROPOUT if shape.input_dropout is None else shape.input_dropout,
            label_size=0 if self.known_labels is None else size,
        )
        train = replace(train, epochs=train.epochs or round(LONGER * passes_for(len(self.training))), path_weight=0.0)
        self.config = replace(self.config, writer=shape, train=train)

    def network(self, *, fused: bool = True) -> Any:
        """Return the untrained network; see `Task.network`."""
        shape = self.shape if fused else replace(self.shape, fused=False)
        labels = 0 if self.known_labels is None else len(self.known_labels)
        return LanguageModel(shape, symbols=len(self.targets), labels=labels)

    @property
    def is_calibrated(self) -> bool:
        """Never: a temperature would make the scores no better, and strings less varied than those learned from."""
        return False

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Any:
        """Return the model, with a filter of its training strings; see `Task.artifact`."""
        longest = max(len(self.targets.split(example.text)) for example in self.train)
        writer = Writer(
            name=self.config.name,
            config=self.shape,
            tensors=round_weights(weights),
            targets=self.targets,
            normalisation=self.config.normalisation,
            kind=KINDS[self.kind],
            longest=min(2 * longest, LONGEST_WRITTEN),
            labels=self.known_labels,
            provenance=provenance,
        )
        return with_seen(writer, Seen.from_texts(seen_key(example.text) for example in self.split.train))

    def measure(self, artifact: Any) -> tuple[Any, Findings]:
        """Measure the model beside a counted one, and write samples; see `Task.measure`."""
        generator, test = Generator(artifact), self.split.test
        tested = score_generator(generator, test)
        has_baseline = self.config.baseline != "none"
        baseline = score_counted(self._count(), test) if has_baseline else None
        symbols = score_counted(self._count(order=1), test)
        return artifact, Findings(
            test=tested,
            validation=score_generator(generator, self.split.validation),
            baseline=baseline,
            comparisons=_compare(tested, baseline, symbols),
            values=self._write_samples(generator),
        )

    def _count(self, order: int | None = None) -> CountedModel | LabelledModel:
        """Return the counted model of the training part; of an order of 1, the frequencies of symbols."""
        texts, labels = [example.text for example in self.train], [example.label for example in self.train]
        counts = [example.count if self.config.train.copy_weighting else 1 for example in self.train]
        if order is not None:
            return fit_counted(texts, order, counts=counts)
        if self.known_labels is None:
            return fit_counted(texts, counts=counts)
        return fit_labelled(texts, labels, counts=counts)

    def _write_samples(self, generator: Generator) -> dict[str, Any]:
        """Return samples for the report, and how many of many strings are in the training part."""
        known = {seen_key(example.text) for example in self.split.train}
        shares = Counter(example.label for example in self.train)
        written, shown_of = [], {}
        for label, strings in sorted(shares.items()):
            count = max(1, round(SAMPLES * strings / len(self.train)))
            given = None if self.known_labels is None else label
            samples = generator.sample(given, count=max(count, SHOWN_SAMPLES), seed=self.config.train.seed)
            written += [sample.text for sample in samples[:count]]
            shown_of[label] = [sample.text for sample in samples[:SHOWN_SAMPLES]]
        seen = sum(seen_key(text) in known for text in written)
        largest = [label for label, _ in shares.most_common(SHOWN_LABELS)]
        return {
            "written": len(written),
            "seen_share": seen / len(written),
            "different_share": len(set(written)) / len(written),
            "filter_errors": None if generator.artifact.seen is None else generator.artifact.seen.false_positives,
            "samples": {label: shown_of[label] for label in sorted(largest)},
        }

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Explain the scores and the baseline; see `Task.remarks`."""
        values = findings.values
        counted = "" if self.known_labels is None else ", mixed from all strings and those of the label"
        return (
            "The surprise of a symbol is its negative log-likelihood after those before it; the end of a string counts "
            "as one.",
            *(
                (f"The baseline counts n-grams of up to six symbols (Kneser–Ney){counted}.",)
                if findings.baseline is not None
                else ()
            ),
            f"Of {count_of(values['written'], 'string')} that the model wrote, {100 * values['seen_share']:.1f} % are "
            f"in the training part, and {100 * values['different_share']:.1f} % are different ones.",
        )

    def description(self) -> str:
        """Return how many symbols and labels there are, and the kind of split; see `Task.description`."""
        labels = "" if self.known_labels is None else f", {count_of(len(self.known_labels), 'label')}"
        return f"{count_of(len(self.targets.symbols), 'symbol')} to write{labels}; {self.split_kind} split"

    def sample(self, model: Any) -> str | None:
        """Return strings that the network writes now."""
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
        drawn = DecoderScorer(self.shape, tensors).sample(
            3, np.random.default_rng(0), label=NO_LABEL, begin=np.empty(0, np.int64), temperature=1.0, longest=20
        )
        return ", ".join(self.targets.decode(one.ids.tolist()) for one in drawn)


def choose_case(reading: Reading, normalisation: Normalisation) -> Normalisation:
    """Return a normalisation that reads capitals as small letters if no string has a capital.

    A model that has learned no capital could neither begin with one nor score a name that has one.
    """
    has_capitals = any(example.text != example.text.lower() for example in reading.examples)
    return normalisation if has_capitals else replace(normalisation, lower_case=True)


def _compare(tested: WritingReport, baseline: WritingReport | None, symbols: WritingReport) -> tuple[Comparison, ...]:
    """Compare a model with a counted one, and with the frequencies of symbols, by the log-probability of a symbol."""
    others = (
        (BASELINE, "counted n-grams", baseline),
        (CONSTANT, "the frequencies of symbols", symbols),
    )
    assert tested.outcomes is not None
    return tuple(
        compare(tested.outcomes, other.outcomes, kind=kind, name=name, score="log-probability of a symbol", unit=NATS)
        for kind, name, other in others
        if other is not None and other.outcomes is not None
    )
