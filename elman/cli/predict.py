"""``elman predict``: answers for names, in the same order."""

import sys
from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from elman.checks import shown
from elman.cli.answers import print_answers, print_json
from elman.cli.names import check_names, read_names
from elman.cli.options import (
    AbstainOption,
    BeamOption,
    EncodingOption,
    JsonOption,
    LevelOption,
    ModelOption,
    PriorOption,
    SetOption,
    ToldOption,
    TopOption,
    UnfamiliarOption,
    command_app,
    read_prior,
)
from elman.cli.output import print_note
from elman.errors import SettingError
from elman.model.shipped import DEFAULT_MODEL
from elman.prediction.loading import AnyModel, load_any
from elman.prediction.options import BEAM, AnswerOptions
from elman.prediction.predictor import AnswerSettings, Predictor
from elman.records import Prediction

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
    beam: BeamOption = BEAM,
    label: ToldOption = None,
    encoding: EncodingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict where names come from: calibrated probabilities, or a reason to abstain.

    Models of other kinds answer with a tag for each letter, or with a number; models of images read picture files, and
    linear regressions read rows such as 1.5,2. Models of pairs write what belongs to each string, the best --top of
    them. JSON output is an array with one object for each name.

    An answer is an estimate from spelling alone. It is no evidence of a person's identity, ancestry or citizenship.

    [bold]elman predict Nakamura[/bold]  one name

    [bold]elman predict < names.txt[/bold]  one name a line, tab-separated answers

    [bold]elman predict[/bold]  a prompt, until quit or Ctrl-D
    """
    predictor = load_any(model)
    settings: AnswerSettings = {
        "top": top,
        "abstain_below": abstain_below,
        "level": level,
        "prior": read_prior(prior),
        "coverage": coverage,
        "unfamiliar_below": unfamiliar_below,
    }
    answer = _choose_answer(predictor, settings, beam, label)
    blocks: Iterable[list[str]]
    if names is not None:
        blocks = [check_names(names) if predictor.artifact.kind.reads == "strings" else names]
    elif not sys.stdin.isatty():
        blocks = read_names(sys.stdin.buffer, encoding)
    elif sys.stdout.isatty() and not as_json:
        from elman.cli.prompt import run_prompt

        run_prompt(predictor, answer)
        return
    else:
        print_note("names are read from the terminal, one a line; Ctrl-D ends")
        blocks = read_names(sys.stdin.buffer, encoding)
    answers = map(answer, blocks)
    if as_json:
        print_json(answers)
    else:
        print_answers(answers)


def _choose_answer(
    predictor: AnyModel, settings: AnswerSettings, beam: int, label: str | None
) -> Callable[[list[str]], list[Prediction]]:
    """Return what answers names; options that have no effect on the model are refused.

    Raises:
        SettingError: an option has no effect or an invalid value, or the model writes new strings.
    """
    name, kind = shown(predictor.name), predictor.artifact.kind
    if isinstance(predictor, Predictor):
        AnswerOptions(**settings).check(predictor.artifact)
        if label is not None or beam != BEAM:
            raise SettingError(f"--{'beam' if label is None else 'label'} is for models of pairs; {name} {kind}")
        return lambda names: predictor.predict(names, **settings)
    from elman.prediction.transcriber import Transcriber

    if not isinstance(predictor, Transcriber):
        raise SettingError(f"{name} {kind}; {kind.remedy}")
    top = settings.pop("top")
    if useless := [option for option, value in settings.items() if value not in (None, 0.0)]:
        option = {"coverage": "set"}.get(useless[0], useless[0].replace("_", "-"))
        raise SettingError(f"--{option} has no effect on a model that {kind}; leave it out")
    predictor.answer_all([], top=top, beam=beam)  # checks the options before anything is read
    return lambda names: predictor.predict(names, top=top, beam=beam, label=label)
