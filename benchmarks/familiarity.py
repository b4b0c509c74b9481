"""How well a model tells names like those that it learned from, from other strings: the area under the ROC curve.

    python benchmarks/familiarity.py MODEL KNOWN UNKNOWN [--learned FILE]

KNOWN has a name in each line that the model did not train on, UNKNOWN a string in each line that is no such name. Each
measure is shown alone, and then all of them together as the model file weighs them. A model that does not measure
familiarity gets it here: from the names in --learned FILE, and the first half of KNOWN, which is then left out.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from elman import load
from elman.evaluation.familiarity import encode_read, fit_familiarity, measure_areas, measure_ids
from elman.model.familiarity import Familiarity
from elman.prediction.predictor import Predictor


def read_lines(path: Path, predictor: Predictor) -> list[str]:
    """Return the normalised lines of a file, without empty and repeated ones."""
    lines = path.read_text("utf-8").splitlines()
    return [text for text in dict.fromkeys(predictor.artifact.normalisation.apply_all(lines)) if text]


def main() -> None:
    """Print the areas, and how many of the strings are answered at the model's own threshold, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("known", type=Path)
    parser.add_argument("unknown", type=Path)
    parser.add_argument("--learned", type=Path, help="names of the training part, for a model without familiarity")
    asked = parser.parse_args()
    predictor = load(asked.model)
    known, unknown = read_lines(asked.known, predictor), read_lines(asked.unknown, predictor)
    familiarity = predictor.artifact.familiarity
    if familiarity is None:
        if asked.learned is None:
            parser.error(f"{asked.model} does not measure familiarity; give --learned FILE")
        learned, half = read_lines(asked.learned, predictor), len(known) // 2
        familiarity = fit_familiarity(predictor.artifact, learned, known[:half])
        known = known[half:]
    found = describe(predictor, familiarity, known, unknown)
    print(json.dumps(found, indent=2))


def describe(predictor: Predictor, familiarity: Familiarity, known: list[str], unknown: list[str]) -> dict[str, object]:
    """Return the areas under the curves, and the shares below the threshold."""
    strings = {"known": encode_read(predictor, known), "unknown": encode_read(predictor, unknown)}
    measures = {name: measure_ids(predictor, familiarity, some) for name, some in strings.items()}
    below = {
        name: float((familiarity.rank(one, strings[name]) < familiarity.threshold).mean())
        for name, one in measures.items()
        if len(one)
    }
    return {
        "model": predictor.name,
        "strings_read": {name: len(one) for name, one in measures.items()},
        "area_under_roc": measure_areas(familiarity, measures["known"], measures["unknown"]),
        "threshold": familiarity.threshold,
        "share_below_threshold": below,
        "kilobytes": round(len(json.dumps(replace(familiarity, noun="x").to_dict())) / 1000),
    }


if __name__ == "__main__":
    main()
