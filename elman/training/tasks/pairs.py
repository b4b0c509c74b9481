"""Pairs: a string is read, and another one is written that belongs to it, such as how a name is pronounced."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from elman.checks import count_of
from elman.data.packed import PackedExamples
from elman.data.pairs import PairReading, normalise_reading, split_pairs
from elman.errors import DataError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.letterwise import LetterWriter
from elman.evaluation.transcription import score_transcriptions
from elman.evaluation.verdict import BASELINE, CONSTANT, compare
from elman.model.kinds import KINDS
from elman.model.writer import LONGEST_WRITTEN, Writer
from elman.model.writing import WriterConfig
from elman.prediction.transcriber import Transcriber
from elman.records import Pair
from elman.reports import TranscriptionReport
from elman.scoring.transducer import TransducerScorer
from elman.text.targets import Targets
from elman.text.vocabulary import Vocabulary
from elman.training.config import STRING_SPLIT, RunConfig, passes_for
from elman.training.tasks.task import Findings, Task, round_weights
from elman.training.transcribed import transcribe
from elman.training.transducer import Transducer

DROPOUT, INPUT_DROPOUT = 0.2, 0.1
"""Shares that training drops where the settings do not say. With 0.3 each, 100,000 words were still fitted badly after
20 epochs (`release/train_pronunciation.py`)."""


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
        self.config, self.dropped = replace(config, target_symbols=reading.target_symbols), reading.dropped
        self.split = split_pairs(
            reading,
            None if reading.is_given and config.split == STRING_SPLIT else config.split,
            seed=config.split_seed,
            test_share=config.test_share,
            validation_share=config.validation_share,
        )
        self.sizes, self.notes, self.fingerprint = self.split.sizes, self.split.notes, self.split.fingerprint
        self.split_kind = self.split.kind
        self.vocabulary = Vocabulary.from_texts(
            (pair.source for pair in self.split.train), min_count=config.symbol_min_count
        )
        self.targets = Targets.from_texts(
            (target for pair in self.split.train for target in pair.targets), form=reading.target_symbols
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
                known.append(Pair(pair.source, *zip(*kept, strict=True)))
        return tuple(known)

    def _encode(self, pairs: Sequence[Pair]) -> PackedExamples:
        """Encode each right target of each source as an example of its own."""
        flat = [
            (pair.source, target, count)
            for pair in pairs
            for target, count in zip(pair.targets, pair.counts, strict=True)
        ]
        counts = np.array([count for _, _, count in flat], np.float64) ** self.config.train.copy_weighting
        sources = self.vocabulary.encode_all([source for source, _, _ in flat]).split()
        targets = [self.targets.encode(target) for _, target, _ in flat]
        return PackedExamples(sources, targets, (counts / counts.mean()).astype(np.float32))

    def settle(self) -> None:
        """Choose the settings that depend on the data; see `Task.settle`."""
        shape, train = self.shape, self.config.train
        shape = replace(
            shape,
            dropout=DROPOUT if shape.dropout is None else shape.dropout,
            input_dropout=INPUT_DROPOUT if shape.input_dropout is None else shape.input_dropout,
            label_size=shape.label_size or 0,
        )
        train = replace(train, epochs=train.epochs or passes_for(len(self.training)), path_weight=0.0)
        self.config = replace(self.config, writer=shape, train=train)

    def network(self, *, fused: bool = True) -> Any:
        """Return the untrained network; see `Task.network`."""
        shape = self.shape if fused else replace(self.shape, fused=False)
        return Transducer(shape, sources=len(self.vocabulary), targets=len(self.targets))

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
        return artifact, Findings(
            test=tested.report,
            validation=transcribe(transcriber, split.validation).report,
            baseline=baseline,
            comparisons=comparisons,
            values={"surest_mistakes": tested.mistakes},
        )

    def _score_letterwise(self, pairs: Sequence[Pair]) -> TranscriptionReport:
        """Return the scores of writing what each symbol writes most often between its neighbours."""
        split, draws = self.targets.split, self.config.train.seed
        writer = LetterWriter(
            [(pair.source, tuple(split(target))) for pair in self.split.train for target in pair.targets], seed=draws
        )
        references = [[split(target) for target in pair.targets] for pair in pairs]
        return score_transcriptions([[writer.write(pair.source)] for pair in pairs], references)

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
        """Explain the baseline; see `Task.remarks`."""
        if findings.baseline is None:
            return ()
        return (
            "The baseline writes for each symbol what it writes most often between its two neighbours in the training "
            "part.",
        )

    def description(self) -> str:
        """Return how many symbols are written, and the kind of split; see `Task.description`."""
        return f"{count_of(len(self.targets.symbols), 'symbol')} to write; {self.split_kind} split"

    def sample(self, model: Any) -> str | None:
        """Return the first validation string, and what the network writes for it now."""
        first = self.split.validation[0].source
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
        (written,) = TransducerScorer(self.shape, tensors).write([self.vocabulary.encode(first)], beam=1)
        answer = self.targets.decode(written.symbols[0].tolist()) if written.symbols else "…"
        return f"{first} → {answer}"
