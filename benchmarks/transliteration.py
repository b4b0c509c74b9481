"""Names between scripts: a small network for each, trained on the fixed parts and measured on the test part.

    python benchmarks/transliteration.py hebrew:12 korean:8 arabic:5 katakana:4 --data FOLDER [--out FOLDER]

Each script has the number of its epochs. One thread; 4 to 12 minutes for each script. Prints the share of names whose
first answer is right, and of those with a right one among the first three.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from elman.data.catalog import SCRIPTS
from elman.data.pairs import PairReading
from elman.data.reading import read_named
from elman.reports import TranscriptionReport
from elman.training.config import RunConfig
from elman.training.recipes import best_settings
from elman.training.run import CONFIG, Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="+", help=f"{', '.join(SCRIPTS)}; each with a colon and its epochs")
    parser.add_argument("--data", type=Path, help="the folder of the sets; downloaded if not given")
    parser.add_argument("--out", type=Path, help="keep the runs here; the same command continues them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for one in arguments.scripts:
            script, _, epochs = one.partition(":")
            report = train(script, int(epochs or 12), arguments.data, (arguments.out or Path(scratch)) / script)
            print(
                f"{script}: {report.examples:,} names, first right {1 - report.word_error_rate:.1%}, "
                f"in the first three {report.right_in_three or 0:.1%}",
                flush=True,
            )


def train(script: str, epochs: int, data: Path | None, folder: Path) -> TranscriptionReport:
    """Return what a network scores on the test part of a script."""
    name = f"transliteration-{script}"
    reading = read_named(name, data)
    assert isinstance(reading, PairReading)
    run = Run(reading, settings(name, epochs), folder, resume=(folder / CONFIG).exists())
    for result in run.epochs():
        print(run.describe_epoch(result), flush=True)
    report = run.finish().test
    assert isinstance(report, TranscriptionReport)
    return report


def settings(name: str, epochs: int) -> RunConfig:
    """Return settings of a network of a million weights, a quarter of the default's."""
    config = best_settings("pairs")
    assert config.writer is not None
    shape = replace(
        config.writer,
        hidden_size=240,
        mix_size=240,
        encoder_size=160,
        encoder_layers=1,
        embedding_size=64,
        source_size=64,
    )
    train = replace(config.train, epochs=epochs, threads=1, products="bfloat16", learning_rate=3e-3)
    return replace(config, name=name, data=name, split="given", writer=shape, train=train)


if __name__ == "__main__":
    main()
