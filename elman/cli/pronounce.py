"""``elman pronounce``: how names are said, in ARPAbet and in the International Phonetic Alphabet."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from elman.checks import shown
from elman.cli.names import check_names, read_names
from elman.cli.options import BeamOption, EncodingOption, JsonOption, command_app
from elman.cli.output import print_note, to_cell, to_json
from elman.errors import SettingError
from elman.prediction.options import BEAM

PRONUNCIATION = "pronunciation"
"""The model that says names by default."""

AUTO = "auto"

app = command_app()


@app.command()
def pronounce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Names to say. Without names, the lines of standard input are read."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="A model of pairs that writes ARPAbet: its name or its run folder.")
    ] = PRONUNCIATION,
    top: Annotated[int, typer.Option("--top", "-k", help="The number of pronunciations for each name.")] = 1,
    beam: BeamOption = BEAM,
    origin: Annotated[
        str | None,
        typer.Option(
            help="For models that are told where a name comes from: the origin, or auto to predict it.",
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
            transcriber, block, top=top, beam=beam, labels=_find_origins(transcriber.labels, block, origin)
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


def _find_origins(labels: tuple[str, ...], names: list[str], origin: str | None) -> list[str | None] | None:
    """Return what the model is told about each name; None for nothing."""
    if origin is None:
        return None
    if not labels:
        raise SettingError("--origin is for models that are told where a name comes from, and this one is not")
    if origin != AUTO:
        return [origin] * len(names)
    from elman.prediction.predictor import load

    return [one.label if one.label in labels else None for one in load().predict(names, top=1)]
