"""``elman pronounce``: how names are said, in ARPAbet and in the International Phonetic Alphabet."""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from elman.checks import shown
from elman.cli.names import check_names, read_names
from elman.cli.options import BeamOption, EncodingOption, JsonOption, command_app
from elman.cli.output import print_note, to_cell, to_json
from elman.errors import SettingError
from elman.prediction.options import BEAM

if TYPE_CHECKING:
    from elman.prediction.transcriber import Transcriber

Tell = Callable[[list[str]], list[str | None]]
"""Returns what a model is told about each of some names; None for nothing."""

PRONUNCIATION = "pronunciation"
"""The model that says names by default."""

AUTO, ORIGINS = "auto", "languages"
"""The word that asks a model for the origin of each name, and that model."""

app = command_app()


@app.command()
def pronounce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Names to say. If none are given, they are read from standard input, one a line."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="A model of pairs that writes ARPAbet: its name or its run folder.")
    ] = PRONUNCIATION,
    top: Annotated[int, typer.Option("--top", "-k", help="The number of pronunciations for each name.")] = 1,
    beam: BeamOption = BEAM,
    origin: Annotated[
        str | None,
        typer.Option(
            help="For models with labels: the label of all names, or auto for the most probable language of each.",
            show_default=False,
        ),
    ] = None,
    encoding: EncodingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say names: each line has the name, then its pronunciation in ARPAbet and in IPA and the probability of that.

    Names in other scripts are read in Latin letters; words of a name are said one by one.

    [bold]elman pronounce Nguyen Szczepański[/bold]  two names

    [bold]elman pronounce --top 3 < names.txt[/bold]  one name a line, three pronunciations each
    """
    from elman.prediction.loading import load_any
    from elman.prediction.pronouncer import pronounce as pronounce_all
    from elman.prediction.transcriber import Transcriber

    transcriber = load_any(model)
    if not isinstance(transcriber, Transcriber):
        kind = transcriber.artifact.kind
        raise SettingError(
            f"{shown(transcriber.name)} {kind}; pronunciations need a model of pairs that writes ARPAbet"
        )
    tell = None if origin is None else _choose_origins(transcriber, origin)
    if names is not None:
        blocks: Iterable[list[str]] = [check_names(names)]
    else:
        if sys.stdin.isatty():
            print_note("names are read from the terminal, one a line; Ctrl-D ends")
        blocks = read_names(sys.stdin.buffer, encoding)
    answers = (
        answer
        for block in blocks
        for answer in pronounce_all(
            transcriber, block, top=top, beam=beam, labels=None if tell is None else tell(block)
        )
    )
    if as_json:
        print(to_json([answer.to_dict() for answer in answers], indent=2))
        return
    for answer in answers:
        if answer.reason is not None:
            print(f"{to_cell(answer.name)}\t-\t{to_cell(answer.reason)}")
            continue
        cells = (cell for one in answer.top for cell in (one.arpabet, one.ipa, f"{one.probability:.4f}"))
        print("\t".join([to_cell(answer.name), *cells]))


def _choose_origins(transcriber: "Transcriber", origin: str) -> Tell:
    """Return what says which label each name has.

    Raises:
        SettingError: the model has no labels, not this one, or none that is predicted.
    """
    name, known = shown(transcriber.name), transcriber.labels
    if not known:
        raise SettingError(f"--origin is for models that learned with labels, and {name} has none; leave it out")
    if origin != AUTO:
        transcriber.find_label(origin)  # checks it
        return lambda names: [origin] * len(names)
    from elman.prediction.predictor import load

    languages = load(ORIGINS)
    if not set(languages.labels) & set(known):
        raise SettingError(
            f"--origin auto asks the model {ORIGINS}, and {name} has none of its labels; name one that it has: "
            f"{shown(', '.join(known), 200)}"
        )

    def find(names: list[str]) -> list[str | None]:
        found = languages.predict(names, top=1)
        return [one.label if one.label in known else None for one in found]

    return find
