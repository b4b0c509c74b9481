"""Options: what an answer says beside the most likely labels, as plain values that can be sent to another process."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from elman.checks import check_number, check_whole, shown
from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.hierarchy import AUTO
from elman.model.prior import Prior, shift_logits

BEAM = 5
"""Hypotheses that a model of pairs keeps at each step by default: more change few answers, and take longer."""

SURE = 0.5
"""The probability that the best answer of a level needs with the level `AUTO`, unless one to abstain below is given."""


@dataclass(frozen=True)
class AnswerOptions:
    """What an answer says.

    Args:
        top: how many labels to list, at least 1; all if there are fewer.
        abstain_below: abstain if the best label's probability is lower, 0 to 1.
        level: the level of the labels to answer at, by its name; ``auto`` for the finest one whose best answer is at
            least as likely as ``abstain_below``, or as `SURE` if that is 0; None for the labels themselves.
        prior: the shares of the labels in the population that the names come from; see `elman.model.prior`. None for
            those that the model assumes.
        coverage: of the prediction set that each answer gets, one that the model has; None for no sets.
        unfamiliar_below: abstain for strings that are less familiar than this, 0 to 1; None for the threshold of the
            model, if it measures how familiar a string is. 0 never abstains.
        familiar: say how familiar each string is; `limit` says when that is measured in any case.
        every: keep the probability of every label, or of every group of the level.

    Raises:
        SettingError: a value cannot work with any model; `check` asks a model.
    """

    top: int = 3
    abstain_below: float = 0.0
    level: str | None = None
    prior: Prior | None = None
    coverage: float | None = None
    unfamiliar_below: float | None = None
    familiar: bool = False
    every: bool = False

    def __post_init__(self) -> None:
        """Check what no model is needed for."""
        check_whole("top", self.top, 1)
        if not isinstance(self.abstain_below, int | float) or not 0 <= self.abstain_below <= 1:
            raise SettingError(f"abstain_below must be between 0 and 1; got {self.abstain_below!r}")
        if self.unfamiliar_below is not None:
            check_number("unfamiliar_below", self.unfamiliar_below, least=0, most=1)
        if self.level is not None and not isinstance(self.level, str):
            raise SettingError(f"level must be the name of a level; got {self.level!r}")
        if isinstance(self.prior, Mapping):
            object.__setattr__(self, "prior", dict(self.prior))
        elif self.prior is not None and not isinstance(self.prior, str):
            raise SettingError(f"prior must be the share of each label; got {type(self.prior).__name__}")

    @property
    def is_plain(self) -> bool:
        """Whether an answer says no more than its most likely labels."""
        has_shares = self.prior is not None or self.coverage is not None
        return self.level is None and self.unfamiliar_below is None and not (has_shares or self.familiar or self.every)

    @property
    def sure(self) -> float:
        """The probability that the best answer of a level needs with the level `AUTO`."""
        return self.abstain_below or SURE

    def limit(self, artifact: Artifact) -> float:
        """Return the familiarity below which a model abstains; 0 if it never does."""
        if artifact.familiarity is None:
            return 0.0
        return artifact.familiarity.threshold if self.unfamiliar_below is None else self.unfamiliar_below

    def measures(self, artifact: Artifact) -> bool:
        """Return whether a model measures how familiar each string is."""
        return artifact.familiarity is not None and (self.familiar or self.limit(artifact) > 0)

    def check(self, artifact: Artifact) -> None:
        """Check that a model can answer so.

        Raises:
            SettingError: it cannot.
        """
        if self.is_plain:
            return
        name = shown(artifact.name)
        if artifact.kind.answers != "label":
            kind = artifact.kind.answers
            raise SettingError(f"{name} answers with {kind}: it has no levels, priors, sets or probabilities of labels")
        if self.level is not None:
            if artifact.levels is None:
                raise SettingError(f"{name} has no levels of labels; leave the level out, or name another model")
            if self.level != AUTO:
                artifact.levels.find(self.level)
        if self.every and self.level == AUTO:
            raise SettingError("all probabilities are those of one level; name it instead of auto")
        if (self.familiar or self.unfamiliar_below is not None) and artifact.familiarity is None:
            raise SettingError(f"{name} does not measure how familiar a name is; leave that out")
        if self.coverage is not None:
            if artifact.sets is None:
                raise SettingError(f"{name} has no prediction sets; leave the coverage out, or train it again")
            artifact.sets.find(self.coverage)
        if self.prior is not None:
            shift_logits(artifact, self.prior)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, from which a record is made with keywords."""
        return asdict(self)


USUAL = AnswerOptions()
"""The most likely labels, and no more."""
