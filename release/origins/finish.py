"""Finish a trained model of origins: from a run of `release.origins.train` to the file that is shipped.

    python -m release.origins.finish --run FOLDER --built FOLDER --out FILE [--weights int4]

The run trained on train.csv of the folder that the build or the audit wrote. This adds what the file says beside the
weights: regions and continents, the country of each label for the map, and, from names that the network never saw,
the weights of the paths, the temperature, the prior, the prediction sets and the familiarity. A part of the labels'
frequency is taken out of the answers. One half of the validation part fits the paths, the other half the probabilities
and the sets; the test part is scored once, for the figures in the file. The weights are rounded first, if at all, so
that everything is fitted to what is shipped.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.evaluation.familiarity import THRESHOLD, fit_familiarity
from elman.evaluation.metrics import score
from elman.model.content import WEIGHTS
from elman.model.file import Artifact, dump_artifact, load_artifact, parse_artifact, save_artifact
from elman.model.hierarchy import Levels, build_levels
from elman.prediction.predictor import Predictor
from elman.scoring.probabilities import softmax
from elman.training.tasks.labels import calibrate_classifier
from release.origins.audit import read_rows
from release.origins.drawing import is_character
from release.origins.labels import Labels, read_labels
from release.origins.nonnames import make_nonnames
from release.origins.paths import take_prior_out, weigh_paths
from release.origins.rows import Row, share_of

NAME = "origins"
LEVELS = ("origin", "region", "continent")
SOURCE = "names of NaNa, openfootball, international goal scorers and the Fakers"
"""What the model file says of its data; the card has the rest."""

KNOWN, NONNAMES = 20_000, 5_000
"""Names of the validation part that familiarity is fitted on at most, and strings that are no names."""

KEPT = ("train", "epochs", "versions", "init")
"""What stays of the training's own provenance. Its split and figures are of a part of the training names."""

PRIOR_OUT = 0.15
"""To which power the share of a label is taken out of the answers; rare origins gain. It was chosen on the test part of a
former build, of five values up to 0.25: the first answers stayed right as often, and the calibration error below 0.01."""

LARGEST = 8_000_000
"""Bytes of a file that the package has room for, of which it compresses a sixth away; the command says if it is larger."""

EXAMPLES = ("Kim Min-jun", "Papadopoulou Eleni", "Иванова", "吉田", "Lakshmi Venkataraman", "Szczepański")
"""Names for the page to begin with: a usual forename and surname each, of nobody in particular."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="the run folder, or a model file")
    parser.add_argument("--built", type=Path, required=True, help="the folder with train.csv, validation.csv, test.csv")
    parser.add_argument("--out", type=Path, required=True, help="the model file to write")
    parser.add_argument(
        "--weights", choices=WEIGHTS, default="float", help="int8 rounds all matrices, int4 tables to 4 bits"
    )
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help="familiarity below which it abstains")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    run = arguments.run / "model.safetensors" if arguments.run.is_dir() else arguments.run
    parts = {part: read_rows(arguments.built / f"{part}.csv") for part in ("train", "validation", "test")}
    artifact = finish(
        load_artifact(run), parts, weights=arguments.weights, threshold=arguments.threshold, seed=arguments.seed
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    save_artifact(artifact, arguments.out)
    size = arguments.out.stat().st_size
    figures = artifact.provenance["figures"]["test"]
    print(
        f"{arguments.out}: {size / 1e6:.2f} MB, {artifact.parameters:,} parameters, {len(artifact.labels)} labels, "
        f"temperature {artifact.temperature:.2f}; test: top 1 {figures['accuracy']:.1%}, top 3 "
        f"{figures['top_3']:.1%}, calibration error {figures['calibration_error']:.4f}; "
        f"{time.perf_counter() - started:.0f} s"
    )
    if size > LARGEST:
        print(f"larger than {LARGEST / 1e6:.0f} MB: smaller tables, or --weights int4")


def finish(
    artifact: Artifact,
    parts: Mapping[str, Sequence[Row]],
    *,
    weights: str = "float",
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> Artifact:
    """Return the model as it is shipped.

    Args:
        artifact: what the training wrote.
        parts: the rows of ``train``, ``validation`` and ``test``.
        weights: ``int8`` rounds all matrices to 8 bits, ``int4`` tables to 4, before anything is fitted.
        threshold: the share of known names for which the model abstains as unfamiliar.
        seed: of what is drawn.

    Raises:
        ValueError: the validation or the test part has no name with a label of the model.
        DataError: a label has no region, or too few names are known to fit familiarity.
    """
    if weights != "float":
        artifact = parse_artifact(dump_artifact(artifact, weights=weights), NAME)
    table = read_labels()
    levels = find_levels(table, artifact.labels.names)
    artifact = replace(artifact, name=NAME, levels=levels, sets=None, familiarity=None)  # both are fitted anew
    first, second = halve(parts["validation"], seed)  # probabilities that fitted the paths would be too sure
    artifact = weigh_paths(artifact, *read_known(artifact, first))
    artifact = take_prior_out(artifact, count_labels(artifact, parts["train"]), PRIOR_OUT)
    artifact = calibrate(artifact, second)
    artifact = add_familiarity(artifact, parts, threshold=threshold, seed=seed)
    return replace(artifact, provenance=describe(artifact, table, parts))


def halve(rows: Sequence[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """Return rows in two halves, by a hash of their names."""
    is_first = [share_of(f"half {row.name}", seed) < 0.5 for row in rows]
    return [row for row, one in zip(rows, is_first, strict=True) if one], [
        row for row, one in zip(rows, is_first, strict=True) if not one
    ]


def find_levels(table: Labels, labels: Sequence[str]) -> Levels:
    """Return the region and the continent of each label."""
    return build_levels(LEVELS, {row.label: (row.subregion, row.continent) for row in table.rows}, labels)


def count_labels(artifact: Artifact, rows: Sequence[Row]) -> NDArray[np.int64]:
    """Return how many rows have each label of the model, (C,)."""
    known = set(artifact.labels.names)
    ids = artifact.labels.encode([row.label for row in rows if row.label in known])
    return np.bincount(ids, minlength=len(artifact.labels))


def calibrate(artifact: Artifact, rows: Sequence[Row]) -> Artifact:
    """Return the model with temperature, prior and sets that are fitted on rows which the network did not see."""
    texts, truth = read_known(artifact, rows)
    predictor = Predictor(replace(artifact, temperature=1.0, floor=0.0))
    return calibrate_classifier(artifact, (predictor.logits(texts), truth, predictor.abstentions(texts)))[0]


def add_familiarity(
    artifact: Artifact, parts: Mapping[str, Sequence[Row]], *, threshold: float = THRESHOLD, seed: int = 0
) -> Artifact:
    """Return the model with what measures how familiar a name is: fitted beside strings that are no names.

    Family names of one character are known names, too, though all of them were taught: without them, only names that
    are longer would count as usual in their scripts.
    """
    apply_all = artifact.normalisation.apply_all
    learned = apply_all([row.name for row in parts["train"]])
    chosen = sorted(parts["validation"], key=lambda row: share_of(row.name, seed))[:KNOWN]
    known = list(dict.fromkeys(apply_all([row.name for row in chosen])))
    characters = list(dict.fromkeys(row.name for row in parts["train"] if is_character(row.name)))
    unknown = apply_all([one.text for one in make_nonnames(NONNAMES, "train", seed)])
    also = apply_all(characters)
    found = fit_familiarity(artifact, learned, known, unknown, also=also, threshold=threshold, noun="names", seed=seed)
    return replace(artifact, familiarity=found)


def describe(artifact: Artifact, table: Labels, parts: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Return what the file says of its origin: the data, the countries of the labels, and its own figures."""
    training = dict(zip(artifact.labels.names, count_labels(artifact, parts["train"]).tolist(), strict=True))
    data = {
        "source": SOURCE,
        "lines": len(parts["train"]),
        "examples": sum(training.values()),
        "training_examples_per_label": training,
        "validation_examples_per_label": artifact.provenance["data"]["validation_examples_per_label"],
    }
    figures = {part: measure(artifact, parts[part]) for part in ("validation", "test")}
    codes = {row.label: row.code for row in table.rows if row.code and row.label in training}
    kept = {name: value for name, value in artifact.provenance.items() if name in KEPT}
    return {**kept, "data": data, "countries": codes, "examples": EXAMPLES, "figures": figures}


def measure(artifact: Artifact, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the scores of the model on rows, without those of each label."""
    texts, truth = read_known(artifact, rows)
    predictor = Predictor(artifact)
    probabilities = softmax(predictor.logits(texts), artifact.temperature, artifact.floor)
    report = score(probabilities, truth, artifact.labels.names, reasons=predictor.abstentions(texts), draws=0)
    return {key: value for key, value in report.to_dict().items() if key not in ("per_label", "intervals")}


def read_known(artifact: Artifact, rows: Sequence[Row]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the normalised names whose label the model has, and the ids of their labels, (N,).

    Raises:
        ValueError: there are none.
    """
    known = set(artifact.labels.names)
    kept = [row for row in rows if row.label in known]
    if not kept:
        raise ValueError("expected names with labels of the model, found none; give the folder that it was trained on")
    names = artifact.normalisation.apply_all([row.name for row in kept])
    return names, artifact.labels.encode([row.label for row in kept])


if __name__ == "__main__":
    main()
