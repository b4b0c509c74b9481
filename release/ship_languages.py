"""Rebuild the shipped model `languages`, its card and the README's pictures with one command.

    python release/ship_languages.py [--data FOLDER] [--run runs/shipped]

Trains the default recipe on the grouped split with seed 0, on one thread and with a validation part of 10 %, which makes
the temperature more exact, and copies what the run wrote. The same command continues an interrupted run.
Every figure of the card comes from the report of the run.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.data.catalog import CATALOG
from elman.data.reading import read_named
from elman.evaluation.titles import Score, list_scores
from elman.training.config import RunConfig
from elman.training.recipes import recipe
from elman.training.run import CONFIG, MODEL, Run

ROOT = Path(__file__).parents[1]
SHIPPED, PICTURES = ROOT / "elman" / "model" / "pretrained", ROOT / "docs" / "pictures"

CARD = """# languages

Where does a surname come from, among 18 languages? A name-pattern estimate from spelling alone.

## What it is

A {cell} of {hidden_size} in both directions over symbols and hashed n-grams, with a bag of n-grams straight into the
logits: {parameters:,} parameters, {megabytes:.1f} MB. It answers with calibrated probabilities for {labels} labels:
{label_names}.

## Data

{about}. {origin}. {lines:,} lines, {examples:,} examples, dropped: {dropped}.

The lists name no place, time or method of collection. Nearly half of the lines are Russian, and they include
transliterated German and Jewish surnames; the Arabic list repeats 108 names. This is the model's whole reference
population: a name from any other language is still answered with one of these 18. A Turkish surname has no right answer
here.

## Figures

Split `grouped`, seed 0: no normalised string is in two parts, with or without accents; {train:,} examples to train,
{validation:,} to choose the epoch and the temperature, {test:,} to test, looked at once.

| | test | baseline, same split |
|---|---:|---:|
{rows}

The baseline is logistic regression on character n-grams of 1 to 5. Always answering {majority}: {majority_share:.1%}. Strings
with several labels limit any classifier to {ceiling:.1%}. Calibration error before the temperature of
{temperature:.2f}: {before:.3f}; a perfectly calibrated model would measure {chance:.3f} on so few examples. {verdict}

Over seeds 42 to 46, `python benchmarks/accuracy.py grouped10` finds 85.0 ± 0.7 % against the baseline's 84.3 ± 0.9 %, and a
calibration error of 0.020 ± 0.002.

| label | examples | precision | recall |
|---|---:|---:|---:|
{label_rows}

Small labels are answered badly: check the recall of a label before you rely on it. Nearly all Scottish surnames are
English ones too.

## What it is for

Research, teaching, and group-level estimates over columns of names, with the share of abstained rows stated. `--abstain-below`
sets how sure an answer must be.

## What it is not for

It is no evidence of a person's identity, ancestry, ethnicity, nationality or citizenship. Do not use it for decisions about
employment, education, credit, housing, policing, health care or services, or to single out people.

## Rebuild it

```
pip install -c constraints.txt -e ".[train]" && python release/ship_languages.py
```

Elman {elman}, torch {torch}, seed 0, {epochs} epochs. On the same machine and versions the weights come out the same to the
bit. Split fingerprint {fingerprint}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of the named set; downloaded if not given")
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "shipped")
    arguments = parser.parse_args()

    model, training = recipe("gru")
    # Twice the usual validation part: users read the probability, which is only as good as the temperature.
    config = RunConfig(
        name="languages", data="languages", model=model, train=replace(training, threads=1), validation_share=0.1
    )
    resume = (arguments.run / CONFIG).exists()
    run = Run(read_named("languages", arguments.data), config, arguments.run, resume=resume)
    try:
        for epoch in run.epochs():
            print(
                f"epoch {epoch.epoch}: validation loss {epoch.validation_loss:.3f}, {epoch.seconds:.0f} s", flush=True
            )
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command continues") from None
    values = run.finish().values
    SHIPPED.mkdir(exist_ok=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    shutil.copy(arguments.run / MODEL, SHIPPED / "languages.safetensors")
    for picture in ("curves.png", "confusion.png", "reliability.png", "abstention.png"):
        shutil.copy(arguments.run / picture, PICTURES / picture)
    size = (SHIPPED / "languages.safetensors").stat().st_size
    (SHIPPED / "languages.md").write_text(card(values, size / 1e6), encoding="utf-8")
    print(f"shipped {size / 1e6:.2f} MB; test accuracy {values['test']['accuracy']:.2%}; {values['verdict']}")


def card(values: dict[str, Any], megabytes: float) -> str:
    """Return the model card.

    Args:
        values: the report of the run; every figure comes from it.
        megabytes: the size of the model file.
    """
    test, baseline, data, split = (values[key] for key in ("test", "baseline", "data", "split"))
    rows = [score_row(score, test, baseline) for score in list_scores(test, labels=len(values["labels"]))]
    label_rows = [
        f"| {label} | {one['support']} | {one['precision']:.0%} | {one['recall']:.0%} |"
        for label, one in test["per_label"].items()
    ]
    entry, network = CATALOG["languages"], values["config"]["model"]
    return CARD.format(
        cell=network["cell"].upper(),
        hidden_size=network["hidden_size"],
        parameters=values["parameters"],
        megabytes=megabytes,
        labels=len(data["training_examples_per_label"]),
        label_names=", ".join(data["training_examples_per_label"]),
        about=entry.about[0].upper() + entry.about[1:],
        origin=entry.origin,
        lines=data["lines"],
        examples=data["examples"],
        dropped=", ".join(f"{count} {reason}" for reason, count in data["dropped"].items()) or "none",
        train=split["train"],
        validation=split["validation"],
        test=split["test"],
        rows="\n".join(rows),
        majority=values["majority"]["label"],
        majority_share=values["majority"]["accuracy"],
        ceiling=values["ceiling"],
        temperature=values["calibration"]["temperature"],
        before=values["calibration"]["error_before"],
        chance=values["calibration"]["error_by_chance"],
        verdict=values["verdict"],
        label_rows="\n".join(label_rows),
        elman=values["versions"]["elman"],
        torch=values["versions"]["torch"],
        epochs=values["epochs"],
        fingerprint=split["fingerprint"],
    )


def score_row(score: Score, test: dict[str, Any], baseline: dict[str, Any]) -> str:
    """Return a row of the card's table; the unit of what is not a share is in its title."""
    shares = score.unit == "%"
    title = score.title if shares or not score.unit else f"{score.title} ({score.unit})"
    figures = (f"{report[score.key]:.1%}" if shares else f"{report[score.key]:.3f}" for report in (test, baseline))
    return f"| {title} | {' | '.join(figures)} |"


if __name__ == "__main__":
    main()
