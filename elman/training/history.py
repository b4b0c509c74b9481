"""History: what each epoch of a training did, as a notebook shows it."""

from collections.abc import Iterable

from elman.checks import count_of
from elman.markup import TRAINING, VALIDATION, render_card, render_curves, render_note
from elman.reports import EpochResult


class History(tuple[EpochResult, ...]):
    """The results of the epochs of a training, in order.

    Args:
        results: of the epochs.
        by_heart: nothing was kept back, so both parts are the same examples; there is one curve, of what was measured
            after each epoch.

    >>> History([EpochResult(1, 0.9, 0.5, 1.0, 0.4, 0.004, 2.0, True)]).kept_epoch
    1
    """

    by_heart: bool

    def __new__(cls, results: Iterable[EpochResult] = (), *, by_heart: bool = False) -> "History":
        """Build a history of results."""
        history = super().__new__(cls, results)
        history.by_heart = by_heart
        return history

    @property
    def kept_epoch(self) -> int | None:
        """The epoch with the lowest validation loss; None before the first."""
        return max((result.epoch for result in self if result.is_best), default=None)

    def _repr_html_(self) -> str:
        """Return the curves of loss and accuracy over the epochs, with a mark at the best one."""
        if not self:
            return render_card("training", render_note("no epoch is done yet"))
        curves = [("loss", "loss", "validation_loss"), ("accuracy", "accuracy", "validation_accuracy")]
        plots = [
            render_curves(title, _find_curves(self, training, validation), mark=self.kept_epoch)
            for title, training, validation in curves
            if _find_curves(self, training, validation)
        ]
        best = next((result for result in self if result.epoch == self.kept_epoch), self[-1])
        seconds = sum(result.seconds for result in self)
        return render_card(
            f"{count_of(len(self), 'epoch')}, best: {best.epoch}",
            f"<div>{''.join(plots)}</div>",
            render_note(
                f"{'loss' if self.by_heart else 'validation loss'} {best.validation_loss:.3f}; {seconds:.1f} s"
            ),
        )


def _find_curves(history: History, training: str, validation: str) -> list[tuple[str, str, list[float]]]:
    """Return the curves of two fields; none if the answers have no such score."""
    found = [
        ("training", TRAINING, [getattr(result, training) for result in history]),
        ("validation", VALIDATION, [getattr(result, validation) for result in history]),
    ]
    if history.by_heart:
        found = [("all examples, learned by heart", VALIDATION, found[1][2])]
    return [] if any(value is None for _, _, values in found for value in values) else found
