"""Pairs: a string is read, and another one is written that belongs to it, such as how a name is pronounced."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from elman.checks import count_of, shown
from elman.data.packed import PackedExamples
from elman.data.pairs import PairReading, drop_labels, normalise_reading, split_pairs
from elman.errors import DataError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.letterwise import LetterWriter
from elman.evaluation.titles import SCORES
from elman.evaluation.transcription import score_transcriptions
from elman.evaluation.verdict import BASELINE, CONSTANT, compare
from elman.model.kinds import KINDS
from elman.model.writer import LONGEST_WRITTEN, Writer
from elman.model.writing import WriterConfig
from elman.prediction.transcriber import Transcriber
from elman.records import Pair
from elman.reports import TranscriptionReport
from elman.scoring.decoder import NO_LABEL
from elman.scoring.transducer import TransducerScorer
from elman.text.targets import Targets
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import STRING_SPLIT, RunConfig, passes_for
from elman.training.tasks.task import Findings, Task, round_weights
from elman.training.transcribed import transcribe
from elman.training.transducer import Transducer
from elman.training.tuning import check_pairs, keep_pairs, load_pairs_base

DROPOUT, INPUT_DROPOUT, LABEL_SIZE = 0.2, 0.1, 24
"""Settings of the network where the config does not say. With 0.3 for the shares that are dropped, 100,000 words were
still fitted badly after 20 epochs: 94.4 % of the symbols of the validation part, which 0.2, in batches of 64
rather than 128, has after 13."""


class PairTask(Task):
    """Pairs of strings.

    Args:
        reading: the pairs.
        config: what to do with them; ``writer`` is the shape of the network.

    Raises:
        DataError: the pairs cannot be split, or there are too many symbols to write.
    """

    kind = "pairs"
    validation: Any

    def __init__(self, reading: PairReading, config: RunConfig) -> None:
        reading = normalise_reading(reading, config.normalisation)
        only, *others = dict.fromkeys(pair.label for pair in reading.examples)
        reading = reading if others else drop_labels(reading)
        self.config, self.dropped = replace(config, target_symbols=reading.target_symbols), reading.dropped
        if self.base is not None:
            check_pairs(self.base, self.config)
        self.split = split_pairs(
            reading,
            None if reading.is_given and config.split == STRING_SPLIT else config.split,
            seed=config.split_seed,
            test_share=config.test_share,
            validation_share=config.validation_share,
        )
        self.sizes, self.notes = self.split.sizes, self.split.notes
        if only and not others:
            self.notes += (f"all pairs have the label {shown(only)}, so it conditions nothing",)
        self.split_kind, self.fingerprint = self.split.kind, self.split.fingerprint
        self.known_labels = self._collect_labels()
        self.vocabulary = Vocabulary.from_texts(
            (pair.source for pair in self.split.train),
            min_count=config.symbol_min_count,
            first=() if self.base is None else self.base.sources.symbols,
        )
        self.targets = Targets.from_texts(
            (target for pair in self.split.train for target in pair.targets),
            form=reading.target_symbols,
            first=() if self.base is None else self.base.targets.symbols,
        )
        writable = self._find_writable()
        if not writable:
            raise DataError("no target of the validation part has only symbols of the training part; give more pairs")
        self.training, self.validation = self._encode(self.split.train), self._encode(writable)

    @property
    def shape(self) -> WriterConfig:
        """The shape of the network."""
        assert self.config.writer is not None
        return self.config.writer

    @cached_property
    def base(self) -> Any:
        """The model that the training starts from, a `Writer`; None if it starts from no model."""
        return None if self.config.init is None else load_pairs_base(self.config.init)

    def _collect_labels(self) -> Labels | None:
        """Return the labels of the training part, after those of the model that the training starts from."""
        first = () if self.base is None or self.base.labels is None else self.base.labels.names
        others = sorted({pair.label for pair in self.split.train} - {"", *first})
        return Labels((*first, *others)) if first or others else None

    @cached_property
    def _row_of(self) -> dict[str, int]:
        """The row of each label."""
        names = () if self.known_labels is None else self.known_labels.names
        return {name: row for row, name in enumerate(names, start=1)}

    def _find_writable(self) -> tuple[Pair, ...]:
        """Return the pairs of the validation part without targets that have an unknown symbol: these have no loss."""
        known = []
        for pair in self.split.validation:
            kept = [
                (target, count)
                for target, count in zip(pair.targets, pair.counts, strict=True)
                if not self.targets.unknown_in(target)
            ]
            if kept:
                targets, counts = zip(*kept, strict=True)
                known.append(replace(pair, targets=targets, counts=counts))
        return tuple(known)

    def _encode(self, pairs: Sequence[Pair]) -> PackedExamples:
        """Encode each right target of each source as an example of its own."""
        flat = [
            (pair, target, count) for pair in pairs for target, count in zip(pair.targets, pair.counts, strict=True)
        ]
        counts = np.array([count for _, _, count in flat], np.float64) ** self.config.train.copy_weighting
        sources = self.vocabulary.encode_all([pair.source for pair, _, _ in flat]).split()
        targets = [self.targets.encode(target) for _, target, _ in flat]
        labels = None
        if self.known_labels is not None:
            labels = np.array([self._row_of.get(pair.label, NO_LABEL) for pair, _, _ in flat])
        return PackedExamples(sources, targets, (counts / counts.mean()).astype(np.float32), labels)

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
        train = replace(train, epochs=train.epochs or passes_for(len(self.training)), path_weight=0.0)
        self.config = replace(self.config, writer=shape, train=train)

    def network(self, *, fused: bool = True) -> Any:
        """Return the untrained network; see `Task.network`."""
        shape = self.shape if fused else replace(self.shape, fused=False)
        labels = 0 if self.known_labels is None else len(self.known_labels)
        network = Transducer(shape, sources=len(self.vocabulary), targets=len(self.targets), labels=labels)
        if self.base is not None:
            keep_pairs(network, self.base)
        return network

    def artifact(self, weights: Mapping[str, Tensor], provenance: dict[str, Any]) -> Any:
        """Return the model; see `Task.artifact`."""
        longest = max(len(self.targets.split(target)) for pair in self.split.train for target in pair.targets)
        return Writer(
            name=self.config.name,
            config=self.shape,
            tensors=round_weights(weights),
            targets=self.targets,
            normalisation=self.config.normalisation,
            kind=KINDS[self.kind],
            longest=min(2 * longest, LONGEST_WRITTEN),
            sources=self.vocabulary,
            labels=self.known_labels,
            provenance=provenance,
        )

    def calibrate(self, artifact: Any) -> Any:
        """Fit the temperature on the symbols of the validation part; see `Task.calibrate`."""
        if not self.is_calibrated:
            return artifact
        logits, truth = Transcriber(artifact).scorer.score_batches(self.validation.batches(256))
        return replace(artifact, temperature=fit_temperature(logits, truth, strings=len(self.validation)))

    def measure(self, artifact: Any) -> tuple[Any, Findings]:
        """Measure the model beside writing letter by letter, and beside one constant answer; see `Task.measure`."""
        artifact = self.calibrate(artifact)
        transcriber, split = Transcriber(artifact), self.split
        tested = transcribe(transcriber, split.test)
        constant, answer = self._score_constant(split.test)
        baseline = None if self.config.baseline == "none" else self._score_letterwise(split.test)
        others = [(CONSTANT, f"always answering {answer}", constant)]
        if baseline is not None:
            others.insert(0, (BASELINE, "writing letter by letter", baseline))
        score = "share of strings answered right"
        comparisons = tuple(
            compare(tested.report.outcomes, other.outcomes, kind=kind, name=name, score=score)
            for kind, name, other in others
            if tested.report.outcomes is not None and other.outcomes is not None
        )
        values: dict[str, Any] = {"surest_mistakes": tested.mistakes}
        if self.known_labels is not None:
            values["without_labels"] = transcribe(transcriber, split.test, is_told=False).report.to_dict()
        return artifact, Findings(
            test=tested.report,
            validation=transcribe(transcriber, split.validation).report,
            baseline=baseline,
            comparisons=comparisons,
            values=values,
        )

    def _score_letterwise(self, pairs: Sequence[Pair]) -> TranscriptionReport:
        """Return the scores of writing what each symbol writes most often between its neighbours, by label."""
        split, known = self.targets.split, [""] if self.known_labels is None else ["", *self.known_labels.names]
        writers = {
            label: LetterWriter(
                [
                    (pair.source, tuple(split(target)))
                    for pair in self.split.train
                    if label in ("", pair.label)  # without a label, what is written for any
                    for target in pair.targets
                ],
                seed=self.config.train.seed,
            )
            for label in known
        }
        written = [[writers.get(pair.label, writers[""]).write(pair.source)] for pair in pairs]
        references = [[split(target) for target in pair.targets] for pair in pairs]
        return score_transcriptions(written, references, labels=[pair.label for pair in pairs])

    def _score_constant(self, pairs: Sequence[Pair]) -> tuple[TranscriptionReport, str]:
        """Return the scores of always answering the most frequent target of the training part, and that target."""
        counts: Counter[str] = Counter()
        for pair in self.split.train:
            counts.update(dict(zip(pair.targets, pair.counts, strict=True)))
        answer = counts.most_common(1)[0][0]
        split = self.targets.split
        references = [[split(target) for target in pair.targets] for pair in pairs]
        return score_transcriptions([[split(answer)]] * len(pairs), references), answer

    def remarks(self, findings: Findings) -> tuple[str, ...]:
        """Explain the baseline, and say what the labels are worth; see `Task.remarks`."""
        remarks, of_label = list[str](), "" if self.known_labels is None else " of the label"
        if findings.baseline is not None:
            remarks.append(
                "The baseline writes for each symbol what it writes most often between its two neighbours in the "
                f"training part{of_label}."
            )
        if (without := findings.values.get("without_labels")) is not None:
            words, symbols = (
                SCORES[key].show(without[key], without["intervals"].get(key))
                for key in ("word_error_rate", "symbol_error_rate")
            )
            remarks.append(
                f"Without its labels the test part has {words} whole strings wrong, and {symbols} symbol errors."
            )
        return tuple(remarks)

    def description(self) -> str:
        """Return how many symbols and labels there are, and the kind of split; see `Task.description`."""
        labels = "" if self.known_labels is None else f", {count_of(len(self.known_labels), 'label')}"
        return f"{count_of(len(self.targets.symbols), 'symbol')} to write{labels}; {self.split_kind} split"

    def sample(self, model: Any) -> str | None:
        """Return the first validation string, and what the network writes for it now."""
        first = self.split.validation[0]
        labels = None if self.known_labels is None else [self._row_of.get(first.label, NO_LABEL)]
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
        (written,) = TransducerScorer(self.shape, tensors).write(
            [self.vocabulary.encode(first.source)], beam=1, labels=labels
        )
        answer = self.targets.decode(written.symbols[0].tolist()) if written.symbols else "…"
        return f"{first.source} → {answer}"
