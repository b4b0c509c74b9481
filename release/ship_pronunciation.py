"""Ship the model `pronunciation`: its file with weights of 8 bits, and its card with figures of that file.

    elman train pronunciation --out RUN --epochs 21 --batch-size 64 --learning-rate 0.0015 --dropout 0.2 --products bfloat16
    python release/ship_pronunciation.py RUN --minutes 100 --data FOLDER --surnames FILE

FOLDER holds the files of the named set; it is downloaded if not given. FILE is what `benchmarks/surnames.py` writes: a
surname among the test words on each line.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from elman.data.pairs import PairReading
from elman.data.reading import read_named
from elman.model.shipped import find_model
from elman.model.writer import load_writer, save_writer
from elman.prediction.transcriber import Transcriber
from elman.records import Pair
from elman.reports import TranscriptionReport
from elman.training.transcribed import choose_pairs, transcribe

SHIPPED = Path(__file__).parents[1] / "elman" / "model" / "pretrained"

CARD = """# pronunciation

How is an English word or a name said? Phonemes in ARPAbet, as the CMU Pronouncing Dictionary writes them, without stress.

## What it is

{network}. {parameters:,} parameters, {megabytes:.1f} MB. `elman pronounce` gives ARPAbet and the International Phonetic Alphabet, the
likeliest pronunciations with their probabilities.

## Data

CMUdict in the split g014b2b that publications use: {train:,} words to train, {validation:,} of the training part to choose the epoch, {test:,} words to
test, none of them in two parts. CMUdict is a dictionary of American English under a BSD licence. It holds many surnames of the United States, as
they are said there: a name is pronounced as an American speaker would, not as its owner does.

No word is in the model file: it holds weights and symbols.

## Figures

A word is right if its phonemes are those of one of its pronunciations. The phoneme error rate is the edits to the nearest one, over its
phonemes. The model file has weights of 8 bits; the figures are those of this file. With intervals of 95 %:

| | words | word errors, % | phoneme errors, % | right in the first three, % |
|---|---:|---:|---:|---:|
{rows}

Published on the same split: a plain encoder–decoder 28.6 / 7.63, one attention model 21.69 / 5.04, an ensemble 20.24 / 4.69 (word / phoneme errors,
%); the program Phonetisaurus, joint n-grams of 8, 24.48 / 5.86. The network was trained for {epochs} epochs, {minutes:.0f} minutes on one thread.

Surnames are the test words that are surnames of the 18 languages or of the Faker libraries (`python benchmarks/surnames.py`).

## What it is for

Reading aloud, search by sound, teaching. Names whose spelling is not English are often said wrong: look at the first three, and
ask the people whose names they are.

## Rebuild it

```
elman train pronunciation --epochs {epochs} --batch-size {batch} --learning-rate {rate} --dropout {dropout} --products {products}
python release/ship_pronunciation.py runs/pronunciation --minutes {minutes:.0f}
```

Elman {elman}, torch {torch}, seed {seed}. Split fingerprint {fingerprint}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="the folder of the run, or its model file")
    parser.add_argument("--data", type=Path, help="the folder of the named set; downloaded if not given")
    parser.add_argument("--surnames", type=Path, help="a surname on each line")
    parser.add_argument("--minutes", type=float, required=True, help="how long the training took")
    arguments = parser.parse_args()
    file = SHIPPED / "pronunciation.safetensors"
    save_writer(load_writer(find_model(arguments.run)), file, weights="int8")
    transcriber = Transcriber(load_writer(file))
    reading = read_named("pronunciation", arguments.data)
    assert isinstance(reading, PairReading)
    pairs, part = choose_pairs(transcriber, reading, "test")
    surnames = set(arguments.surnames.read_text(encoding="utf-8").lower().split()) if arguments.surnames else set()
    card = write_card(transcriber, pairs, surnames, megabytes=file.stat().st_size / 1e6, minutes=arguments.minutes)
    file.with_suffix(".md").write_text(card, encoding="utf-8")
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB, measured on the {part} part; its card is beside it")


def write_card(
    transcriber: Transcriber, pairs: Sequence[Pair], surnames: set[str], *, megabytes: float, minutes: float
) -> str:
    """Return the card.

    Args:
        transcriber: the model.
        pairs: of the test part.
        surnames: those of its words, in small letters, that are surnames.
        megabytes: the size of its file.
        minutes: how long it was trained.
    """
    writer = transcriber.artifact
    rows = [describe("all", transcribe(transcriber, pairs).report)]
    if names := [pair for pair in pairs if pair.source in surnames]:
        rows.append(describe("surnames", transcribe(transcriber, names).report))
    provenance, network = writer.provenance, writer.config.describe()
    split, train = provenance["split"], provenance["train"]
    return CARD.format(
        network=network[0].upper() + network[1:],
        parameters=writer.parameters,
        megabytes=megabytes,
        train=split["train"],
        validation=split["validation"],
        test=split["test"],
        rows="\n".join(rows),
        epochs=train["epochs"],
        minutes=minutes,
        batch=train["batch_size"],
        rate=train["learning_rate"],
        dropout=writer.config.dropout,
        products=train["products"],
        elman=provenance["versions"]["elman"],
        torch=provenance["versions"]["torch"],
        seed=split["seed"],
        fingerprint=split["fingerprint"],
    )


def describe(title: str, report: TranscriptionReport) -> str:
    """Return a row of the card's table."""
    cells = [title, f"{report.examples:,}"]
    for name in ("word_error_rate", "symbol_error_rate", "right_in_three"):
        low, high = report.intervals[name]
        digits = 2 if name == "symbol_error_rate" else 1
        cells.append(f"{100 * getattr(report, name):.{digits}f} ({100 * low:.{digits}f} to {100 * high:.{digits}f})")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
