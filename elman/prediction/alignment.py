"""Alignment: which symbols of the source a model looks at while it writes each symbol of its answer.

The weights of attention are where the decoder reads; they are no proof of why it writes a symbol, but for pairs that
keep their order, such as names and pronunciations, they show which letters a sound comes from.
"""

from dataclasses import dataclass
from typing import Any

END_MARK = "■"
"""How the mark of the end is shown."""


@dataclass(frozen=True)
class Alignment:
    """One answer, symbol by symbol.

    Args:
        name: the string before normalisation.
        normalised: what the model read.
        label: the answer.
        probability: of the whole answer.
        symbols: of the answer, and `END_MARK`.
        chances: the probability of each of these after those before it.
        weights: for each of them, the weight of each symbol of ``normalised``; each row sums to 1.
        model: the name of the model.
    """

    name: str
    normalised: str
    label: str
    probability: float
    symbols: tuple[str, ...]
    chances: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return the alignment as plain values for JSON, one object for each symbol that is written."""
        rows = zip(self.symbols, self.chances, self.weights, strict=True)
        return {
            "name": self.name,
            "normalised": self.normalised,
            "label": self.label,
            "probability": self.probability,
            "symbols": [
                {"symbol": symbol, "probability": chance, "weights": list(weights)} for symbol, chance, weights in rows
            ],
            "model": self.model,
        }

    def _repr_html_(self) -> str:
        """Return the alignment as a notebook shows it: a heat map of the weights."""
        from elman.markup import escape, render_card, render_note, render_table  # answers need no HTML

        rows = [
            [escape(symbol), f"{100 * chance:.0f} %", *(_shade(weight) for weight in weights)]
            for symbol, chance, weights in zip(self.symbols, self.chances, self.weights, strict=True)
        ]
        letters = ["␣" if letter == " " else letter for letter in self.normalised]
        return render_card(
            f"{self.name} → {self.label}, {100 * self.probability:.1f} %",
            render_table(rows, header=("", "", *map(escape, letters)), escaped=True),
            render_note("Where the model looks in the string, in per cent, while it writes each symbol."),
        )


def _shade(weight: float) -> str:
    return f'<span style="opacity:{0.25 + 0.75 * weight:.2f}">{100 * weight:.0f}</span>'
