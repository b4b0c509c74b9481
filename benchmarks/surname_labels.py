"""Does it help to know where a surname comes from? Pronunciations, with and without the origin of surnames as a label.

    python benchmarks/surname_labels.py --names FOLDER --faker faker-names.tsv --data FOLDER --out RUNS [--epochs 3]

`surnames.py` says which words are surnames. Their label is the language that the model `languages` gives them; where it
abstains, which `--least 0.5` makes it do below that probability, and all other words have none. Two trainings
start from the same model of pronunciations and take the same steps, one without labels and one with them, so that what
more training alone changes is not taken for the effect of the labels. Prints word and phoneme errors of the test part,
of surnames and of other words, and compares the answers to the same words. About four minutes for an epoch of each
training on one core; the same command continues.
"""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path

from surnames import find_surnames, read_faker, read_languages

from elman.checks import count_of
from elman.data.pairs import PairReading, normalise_reading
from elman.data.reading import read_named
from elman.evaluation.titles import SCORES
from elman.evaluation.verdict import BASELINE, compare
from elman.model.writer import load_writer
from elman.prediction.predictor import load
from elman.prediction.transcriber import Transcriber
from elman.records import Pair
from elman.training.config import RunConfig
from elman.training.options import new_config
from elman.training.run import CONFIG, MODEL, Run
from elman.training.transcribed import Transcribed, transcribe

DROPOUT = 0.1
"""Share dropped in training: the model that both start from has learned the words."""

TOLD = "trained with labels, told them"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=Path, required=True, help="the folder of the 18 languages")
    parser.add_argument("--faker", type=Path, required=True, help="names of the Faker libraries")
    parser.add_argument("--data", type=Path, help="the folder of the named set pronunciation; downloaded if not given")
    parser.add_argument("--init", default="pronunciation", help="the model that both trainings start from")
    parser.add_argument("--out", type=Path, required=True, help="the folder of both runs")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--least", type=float, default=0.0, help="the least probability of a language that is a label")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--words", type=int, help="only so many words of the training part, and as many of the test part"
    )
    arguments = parser.parse_args()
    reading = read_named("pronunciation", arguments.data)
    assert isinstance(reading, PairReading)
    if arguments.words:
        count = arguments.words
        held_out = min(reading.held_out or count, count // 10)
        reading = replace(reading, examples=reading.examples[:count], test=reading.test[:count], held_out=held_out)
    surnames = read_languages(arguments.names) | read_faker(arguments.faker)
    config = configure(arguments.init, arguments.epochs, arguments.threads)
    labelled = label_surnames(normalise_reading(reading, config.normalisation), surnames, arguments.least)
    plain = replace(labelled, **{part: strip(getattr(labelled, part)) for part in ("examples", "validation", "test")})
    trained = {
        name: train(data, config, arguments.out / name.replace(" ", "-"))
        for name, data in (("without labels", plain), ("with labels", labelled))
    }
    report(trained["without labels"], trained["with labels"], labelled.test, find_surnames_of(labelled.test, surnames))


def configure(init: str, epochs: int, threads: int) -> RunConfig:
    """Return the settings of both trainings."""
    options = {"init": init, "epochs": epochs, "threads": threads, "dropout": DROPOUT, "baseline": "none"}
    config = new_config("pronunciation", "pronunciation", options)
    assert config.writer is not None
    return replace(config, split="given", writer=replace(config.writer, input_dropout=DROPOUT))


def find_surnames_of(pairs: tuple[Pair, ...], surnames: set[str]) -> set[str]:
    """Return the sources of pairs that are surnames."""
    return set(find_surnames((pair.source for pair in pairs), surnames))


def label_surnames(reading: PairReading, surnames: set[str], least: float) -> PairReading:
    """Return pairs with the language of each surname as its label, and print how many have one."""
    found = sorted(find_surnames_of(reading.all, surnames))
    answers = load("languages").predict(found, top=1, abstain_below=least)
    label_of = {one.name: one.label or "" for one in answers}

    def label(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
        return tuple(replace(pair, label=label_of.get(pair.source, "")) for pair in pairs)

    labelled = replace(
        reading, examples=label(reading.examples), validation=label(reading.validation), test=label(reading.test)
    )
    for title, pairs in (("training", labelled.examples), ("test", labelled.test)):
        counts = Counter(pair.label for pair in pairs if pair.label)
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
        print(f"{title} part: {count_of(counts.total(), 'surname')} of {len(pairs):,} words with a label: {listed}")
    return labelled


def strip(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Return pairs without labels."""
    return tuple(replace(pair, label="") for pair in pairs)


def train(reading: PairReading, config: RunConfig, folder: Path) -> Transcriber:
    """Train, or continue a run, and return its model."""
    run = Run(reading, config, folder, resume=(folder / CONFIG).exists())
    for result in run.epochs():
        print(run.describe_epoch(result), flush=True)
    run.finish()
    return Transcriber(load_writer(folder / MODEL))


def report(plain: Transcriber, told: Transcriber, test: tuple[Pair, ...], surnames: set[str]) -> None:
    """Print the errors of both models, and what knowing the label of surnames changes."""
    parts = {
        "surnames": [pair for pair in test if pair.source in surnames],
        "surnames with a label": [pair for pair in test if pair.source in surnames and pair.label],
        "other words": [pair for pair in test if pair.source not in surnames],
    }
    for title, pairs in parts.items():
        if not pairs:
            continue
        ways = {
            "trained without labels": transcribe(plain, pairs),
            "trained with labels, told none": transcribe(told, pairs, is_told=False),
            TOLD: transcribe(told, pairs),
        }
        print(f"{count_of(len(pairs), 'word')}, {title}")
        for name, found in ways.items():
            print(f"  {name}: {describe(found)}")
        for name in list(ways)[:-1]:
            print(f"  told, against {name}: {weigh(ways[TOLD], ways[name])}")


def describe(found: Transcribed) -> str:
    """Return the errors in words."""
    scores, shown = found.report, []
    for key, title in (("word_error_rate", "word errors"), ("symbol_error_rate", "phoneme errors")):
        shown.append(f"{title} {SCORES[key].show(getattr(scores, key), scores.intervals.get(key))}")
    return ", ".join(shown)


def weigh(own: Transcribed, other: Transcribed) -> str:
    """Return whether the answers to the same words are better, and the difference with its interval."""
    assert own.report.outcomes is not None and other.report.outcomes is not None
    found = compare(own.report.outcomes, other.report.outcomes, kind=BASELINE, name="the other", score="words right")
    return f"{found.answer}: the share of words right is {found.describe()}"


if __name__ == "__main__":
    main()
