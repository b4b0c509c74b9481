"""Kinds of models: what a model reads and what it answers with. The only vocabulary for both.

A kind has one name in configurations, the catalog, commands and messages. A new kind is one entry in `KINDS` and one
file in `elman.training.tasks`. Kinds that write strings, of any length, have a model record of their own:
`elman.model.writer`.
"""

from dataclasses import dataclass

from elman.errors import SettingError


@dataclass(frozen=True)
class Kind:
    """What a model reads and what it answers with.

    Args:
        name: what configurations call it.
        reads: ``strings``; ``images``, rows of pixels; ``features``, named numbers read as one step; or ``labels``, one
            of several or none.
        answers: ``label``, one of several; ``tags``, one symbol for each symbol read; ``number``; or ``strings``, of
            any length.
        placeholder: what `elman predict` expects, for usage lines: ``NAME``.
        prompt: the same in words: ``a name``.
        readout: of its network: ``each`` answers at each step, ``last`` once for a sequence.
    """

    name: str
    reads: str
    answers: str
    placeholder: str
    prompt: str
    readout: str = "last"

    def __str__(self) -> str:
        """Return the kind in words, to follow the name of a model."""
        article = "" if self.answers in ("tags", "strings") else "a "
        return f"reads {self.reads} and {'writes' if self.writes else 'answers with'} {article}{self.answers}"

    @property
    def writes(self) -> bool:
        """Whether the model writes strings: its record is a `elman.model.writer.Writer`."""
        return self.answers == "strings"

    @property
    def examples(self) -> str:
        """What a model of this kind learns from: what it reads, but one that reads a label at most learns strings."""
        return "strings" if self.reads == "labels" else self.reads

    @property
    def remedy(self) -> str:
        """Return what to use for such a model, as the end of a message."""
        if self.name == "generate":
            return "use `elman generate`, `elman score` or elman.load"
        return "use `elman predict` or elman.load"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("label", "strings", "label", "NAME", "a name"),
        Kind("tags", "strings", "tags", "STRING", "a string", readout="each"),
        Kind("number", "strings", "number", "NAME", "a name"),
        Kind("images", "images", "label", "PICTURE.png", "the path of a picture"),
        Kind("features", "features", "number", "1.5,2", "a row such as 1.5,2"),
        Kind("generate", "labels", "strings", "LABEL", "a label"),
        Kind("pairs", "strings", "strings", "STRING", "a string"),
    )
}
"""Every kind by its name."""


def named_kind(name: str) -> Kind:
    """Return the kind of that name.

    Raises:
        SettingError: no kind has that name.

    >>> str(named_kind("images"))
    'reads images and answers with a label'
    """
    if name not in KINDS:
        raise SettingError(f"task must be one of {', '.join(KINDS)}; got {name!r}")
    return KINDS[name]


def find_kind(reads: str, answers: str) -> Kind | None:
    """Return the kind that reads and answers so, as model files say it; None if no kind does.

    >>> find_kind("strings", "tags").name
    'tags'
    """
    return next((kind for kind in KINDS.values() if (kind.reads, kind.answers) == (reads, answers)), None)
