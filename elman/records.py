"""Records that several packages share: frozen, without torch, and without behaviour beyond their own fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from elman.columns import Column

UNKNOWN = 0
"""The id of all symbols that a vocabulary does not contain."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled string.

    Args:
        text: the string, as in its source or normalised.
        label: its label.
        count: how many copies the source has, at least 1.
    """

    text: str
    label: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """One string, and what can be written for it.

    Args:
        source: the string, as in its source or normalised.
        targets: its right answers, at least one, the first in the data first; symbols may have single blanks between
            them.
        counts: how often the data have each of them, at least 1.
        label: what the targets depend on beside the string, such as their script; empty for none.
    """

    source: str
    targets: tuple[str, ...]
    counts: tuple[int, ...]
    label: str = ""

    @property
    def count(self) -> int:
        """How often the data have the string."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible answer.

    Args:
        label: the answer.
        probability: calibrated, between 0 and 1.
    """

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer of a model for one string, and how certain it is.

    Args:
        name: the string before normalisation; the path of a picture.
        label: the most likely label, or all tags as one string; None if the model abstains.
        probability: the calibrated probability of ``label``; None if the model abstains.
        top: the most likely labels, best first; empty if the model read nothing.
        normalised: what the model read.
        unknown: the distinct symbols of ``normalised`` that the model does not know.
        script: the script of ``name``, as `elman.text.scripts.script_of` names it.
        transliterated: whether letters of another script were read in Latin spelling.
        reason: why the model abstains; None if it answers.
        model: the name of the model.
        value: the number, if the model answers with one; None otherwise.
        level: the level of ``label``, such as ``region``; None if the model has no levels.
        levels: for each level of the model, its most likely groups, best first; None if the model has no levels.
        familiar: how much ``name`` is like those that the model learned from: 0.02 if 2 % of such names are less so;
            None if the model does not measure it, or read nothing.
        set: the labels among which the right one is with the coverage asked for, most likely first; None unless asked.
    """

    name: str
    label: str | None
    probability: float | None
    top: tuple[Candidate, ...]
    normalised: str
    unknown: tuple[str, ...]
    script: str
    transliterated: bool
    reason: str | None
    model: str
    value: float | None = None
    level: str | None = None
    levels: Mapping[str, tuple[Candidate, ...]] | None = None
    set: tuple[str, ...] | None = None
    familiar: float | None = None

    @property
    def abstained(self) -> bool:
        """Whether the model gives no answer; ``reason`` says why."""
        return self.reason is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain values for JSON, in the order that the command line prints.

        ``value`` is included only if the answer is a number, and ``level``, ``levels``, ``set`` and
        ``familiar`` only if they are known.
        """
        levels = self.levels or {}
        return {
            "name": self.name,
            "label": self.label,
            "probability": self.probability,
            "top": _list_candidates(self.top),
            "abstained": self.abstained,
            "reason": self.reason,
            "normalised": self.normalised,
            "unknown": list(self.unknown),
            "script": self.script,
            "transliterated": self.transliterated,
            "model": self.model,
            **({} if self.value is None else {"value": self.value}),
            **({} if self.level is None else {"level": self.level}),
            **({"levels": {name: _list_candidates(top) for name, top in levels.items()}} if levels else {}),
            **({} if self.set is None else {"set": list(self.set)}),
            **({} if self.familiar is None else {"familiar": self.familiar}),
        }

    def _repr_html_(self) -> str:
        """Return the prediction as a notebook shows it: the answers with their probabilities, and what was unusual."""
        from elman.markup import escape, render_bar, render_card, render_note, render_table  # predictions need no HTML

        notes = [f"read as {self.normalised}"] if self.normalised not in ("", self.name.lower()) else []
        notes += [f"unknown: {' '.join(self.unknown)}"] if self.unknown else []
        notes += ["transliterated"] if self.transliterated else []
        notes += [f"set: {', '.join(self.set)}"] if self.set else []
        notes += [f"{name}: {top[0].label}" for name, top in (self.levels or {}).items() if name != self.level and top]
        rows = [
            [escape(one.label), f"{one.probability:.1%}".replace("%", " %"), render_bar(one.probability)]
            for one in self.top
        ]
        answer = self.label if self.value is None else f"{self.value:.6g}"
        return render_card(
            f"{self.name} → {'no answer' if answer is None else answer}",
            render_note(f"The model abstains: {self.reason}" if self.reason else ""),
            render_table(rows, escaped=True) if rows else "",
            render_note("; ".join([*notes, f"model: {self.model}"])),
        )


def _list_candidates(candidates: tuple[Candidate, ...]) -> list[dict[str, Any]]:
    return [{"label": one.label, "probability": one.probability} for one in candidates]


@dataclass(frozen=True, slots=True)
class Sample:
    """A string that a model wrote.

    Args:
        text: the string.
        label: what it was conditioned on; None for no label.
        log_probability: of the whole string and its end, nats, at temperature 1; of the symbols alone if it was cut.
        symbols: how many symbols it has, and its end if it has one.
        is_seen: whether it was probably in the training part, in any case of letters; None if the model cannot tell.
        reason: why it has no end; None if it has one.
        model: the name of the model.
    """

    text: str
    label: str | None
    log_probability: float
    symbols: int
    is_seen: bool | None
    reason: str | None
    model: str

    def __str__(self) -> str:
        """Return the string."""
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Return the sample as plain values for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How probable a model that writes finds a string.

    Args:
        name: the string before normalisation.
        label: what it was conditioned on; None for no label.
        log_probability: of the whole string and its end, nats; None if the model cannot write it.
        symbols: how many symbols it has, with the end; 0 if it was not read.
        normalised: what the model read.
        unknown: the distinct symbols of ``normalised`` that the model cannot write.
        reason: why there is no probability; None if there is one.
        model: the name of the model.
    """

    name: str
    label: str | None
    log_probability: float | None
    symbols: int
    normalised: str
    unknown: tuple[str, ...]
    reason: str | None
    model: str

    @property
    def nats_per_symbol(self) -> float | None:
        """The mean surprise of a symbol, the end counted, nats; None if there is no probability."""
        return None if self.log_probability is None else -self.log_probability / self.symbols

    def to_dict(self) -> dict[str, Any]:
        """Return the likelihood as plain values for JSON."""
        return {
            "name": self.name,
            "label": self.label,
            "log_probability": self.log_probability,
            "nats_per_symbol": self.nats_per_symbol,
            "symbols": self.symbols,
            "normalised": self.normalised,
            "unknown": list(self.unknown),
            "reason": self.reason,
            "model": self.model,
        }


ARRAYS = ("best", "probabilities", "reason_ids", "level_ids", "set_sizes", "set_ids", "familiar", "every")
"""The fields of `PredictionColumns` that are arrays; the last ones can be None."""


@dataclass(frozen=True)
class PredictionColumns:
    """Answers for many names in columns, for tables; they need far less memory than as many `Prediction`.

    Args:
        labels: the labels, in the order of their ids; with levels the groups of each level asked for, one level after
            the other.
        best: ids of the most likely labels, best first, (N, top), int32; −1 if the name was not read.
        probabilities: of these labels, (N, top), float64; NaN if the name was not read.
        reason_ids: why the model abstained, (N,), int8, as a position in ``reasons``; −1 if it answered.
        reasons: in words.
        model: the name of the model.
        levels: the names of the levels asked for; empty if none was.
        level_ids: the level of each answer, (N,), int8, as a position in ``levels``; None if no level was asked for.
        set_sizes: how many labels each prediction set has, (N,), int32, 0 if the name was not read; None without sets.
        set_ids: ids of the labels in all sets, one set after the other, (sum of sizes,), int32; None without sets.
        familiar: how familiar each name is, as in `Prediction`, (N,), float64, NaN if it was not read; None if the
            model does not measure it.
        every: the probability of each label, (N, C), float64, NaN if the name was not read; None unless asked for.
    """

    labels: tuple[str, ...]
    best: "NDArray[np.int32]"
    probabilities: "NDArray[np.float64]"
    reason_ids: "NDArray[np.int8]"
    reasons: tuple[str, ...]
    model: str
    levels: tuple[str, ...] = ()
    level_ids: "NDArray[np.int8] | None" = None
    set_sizes: "NDArray[np.int32] | None" = None
    set_ids: "NDArray[np.int32] | None" = None
    familiar: "NDArray[np.float64] | None" = None
    every: "NDArray[np.float64] | None" = None

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self.best)

    def __getitem__(self, position: int) -> tuple[str | None, float | None, str | None]:
        """Return label, probability and reason of one name, as in its `Prediction`."""
        reason = int(self.reason_ids[position])
        if reason >= 0:
            return None, None, self.reasons[reason]
        return self.labels[int(self.best[position, 0])], float(self.probabilities[position, 0]), None

    def list_columns(self, *, separator: str = "; ") -> "dict[str, Column]":
        """Return what is said of the names as columns of one value each.

        Args:
            separator: what is between the labels of a prediction set.

        Returns:
            The best label and its probability, the next ones, and the reason, and then what was asked for: ``label``,
            ``probability``, ``label_2``, ``probability_2``, …, ``reason``, ``level``, ``set``, ``familiar`` and
            ``p_LABEL`` for each label. A label, a probability and a level are missing where the model abstained.
        """
        import numpy as np  # here, because the records of training need no numpy

        from elman.columns import CodedColumn, NumberColumn, TextColumn

        is_answered = self.reason_ids < 0
        columns: dict[str, Column] = {}
        for rank in range(self.best.shape[1]):
            which = f"_{rank + 1}" if rank else ""
            labels = np.where(is_answered, self.best[:, rank], -1)
            columns[f"label{which}"] = CodedColumn(self.labels, labels)
            chances = np.where(labels >= 0, self.probabilities[:, rank], np.nan)
            columns[f"probability{which}"] = NumberColumn(chances)
        columns["reason"] = CodedColumn(self.reasons, self.reason_ids)
        if self.level_ids is not None:
            columns["level"] = CodedColumn(self.levels, np.where(is_answered, self.level_ids, -1))
        if self.set_sizes is not None and self.set_ids is not None:
            ends = np.cumsum(self.set_sizes)
            is_last = np.zeros(len(self.set_ids), np.bool_)
            is_last[ends[self.set_sizes > 0] - 1] = True
            # Each label twice: with the separator after it, and without.
            texts = TextColumn.pack([*(label + separator for label in self.labels), *self.labels])
            columns["set"] = texts.take(self.set_ids + len(self.labels) * is_last).join(self.set_sizes)
        if self.familiar is not None:
            columns["familiar"] = NumberColumn(self.familiar)
        if self.every is not None:
            columns |= {f"p_{label}": NumberColumn(self.every[:, place]) for place, label in enumerate(self.labels)}
        return columns

    def to_arrow(self) -> Any:
        """Return the answers as a table of pyarrow with the columns of `list_columns`, without an object for each name.

        Labels, reasons and levels are of Arrow's type of dictionaries.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        from elman.columns import arrow

        arrays = {name: column.to_arrow() for name, column in self.list_columns().items()}
        return arrow().table(list(arrays.values()), names=list(arrays))
