"""``elman predict``: answers for names, in the same order."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from elman.cli.answers import print_answers, print_json
from elman.cli.names import check_names, read_names
from elman.cli.options import (
    AbstainOption,
    EncodingOption,
    JsonOption,
    LevelOption,
    ModelOption,
    PriorOption,
    SetOption,
    TopOption,
    UnfamiliarOption,
    command_app,
    read_prior,
)
from elman.cli.output import print_note
from elman.model.shipped import DEFAULT_MODEL
from elman.prediction.options import AnswerOptions
from elman.prediction.predictor import AnswerSettings, load

app = command_app()


@app.command()
def predict(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names to answer for; without any, the lines of standard input, or a prompt."),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    top: TopOption = 3,
    abstain_below: AbstainOption = 0.0,
    level: LevelOption = None,
    prior: PriorOption = None,
    coverage: SetOption = None,
    unfamiliar_below: UnfamiliarOption = None,
    encoding: EncodingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict where names come from: calibrated probabilities, or a reason to abstain.

    Models of other kinds answer with a tag for each letter, or with a number; models of images read picture files, and
    linear regressions read rows such as 1.5,2. JSON output is an array with one object for each name.

    An answer is an estimate from spelling alone. It is no evidence of a person's identity, ancestry or citizenship.

    [bold]elman predict Nakamura[/bold]  one name

    [bold]elman predict < names.txt[/bold]  one name a line, tab-separated answers

    [bold]elman predict[/bold]  a prompt, until quit or Ctrl-D
    """
    predictor = load(model)
    settings: AnswerSettings = {
        "top": top,
        "abstain_below": abstain_below,
        "level": level,
        "prior": read_prior(prior),
        "coverage": coverage,
        "unfamiliar_below": unfamiliar_below,
    }
    AnswerOptions(**settings).check(predictor.artifact)
    blocks: Iterable[list[str]]
    if names is not None:
        blocks = [check_names(names) if predictor.artifact.kind.reads == "strings" else names]
    elif not sys.stdin.isatty():
        blocks = read_names(sys.stdin.buffer, encoding)
    elif sys.stdout.isatty() and not as_json:
        from elman.cli.prompt import run_prompt

        run_prompt(predictor, settings)
        return
    else:
        print_note("names are read from the terminal, one a line; Ctrl-D ends")
        blocks = read_names(sys.stdin.buffer, encoding)
    answers = (predictor.predict(block, **settings) for block in blocks)
    if as_json:
        print_json(answers)
    else:
        print_answers(answers)
