"""Shares of labels in groups of names: how far estimates are from the truth, and how often intervals contain it.

    python benchmarks/shares.py [--model languages] [--data languages] [--mixtures 100]
    python benchmarks/shares.py --model MODEL --data other.csv --text name --label origin

Names are drawn from the test part of the model's own data, or from a labelled table that the model did not learn from.
Each mixture has shares far from those of the training: every second one is even over all labels in the mean
(Dirichlet), the others have two to five labels. An error is the mean over the labels of the absolute difference from
the shares that the mixture was drawn with, in percentage points.

QuaPy's EMQ and PACC get the same probabilities if it is installed (pip install --no-deps quapy joblib xlrd abstention).
PACC needs labelled names: the validation part, or half of another table, whose other half is then drawn from.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import elman
from elman.data.reading import find_source
from elman.shares.mixture import bound_mixture, draw_mixtures, estimate_mixture
from elman.shares.prior import find_prior
from elman.training.held_out import choose_part, config_for
from elman.training.options import read_for
from elman.training.tasks.strings import normalise_examples

SIZES = (50, 200, 1000, 5000)
Floats = NDArray[np.float64]
Estimate = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Pool:
    """Names with their true labels and the probabilities that a model gave them.

    Args:
        probabilities: (N, C).
        truth: label ids, (N,).
    """

    probabilities: Floats
    truth: NDArray[np.int64]

    def draw(self, shares: Floats, names: int, random: np.random.Generator) -> Floats:
        """Return the probabilities of a group of names with these shares, (names, C)."""
        counts = random.multinomial(names, shares)
        places = [
            random.choice(np.flatnonzero(self.truth == label), count) for label, count in enumerate(counts) if count
        ]
        return self.probabilities[np.concatenate(places)]

    def find_present(self) -> NDArray[np.int64]:
        """Return the ids of the labels that have at least two names."""
        return np.flatnonzero(np.bincount(self.truth, minlength=self.probabilities.shape[1]) >= 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="languages")
    parser.add_argument("--data", default="languages", help="a named set, or a table that the model did not learn from")
    parser.add_argument("--folder", type=Path, help="the folder of a named set; downloaded if not given")
    parser.add_argument("--text", default="name")
    parser.add_argument("--label", default="label")
    parser.add_argument("--mixtures", type=int, default=100, help="of each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="names in a mixture")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    predictor = elman.load(arguments.model)
    validation, pool = read_pools(predictor, arguments)
    present = pool.find_present()
    print(f"{len(pool.truth):,} names to draw from, {len(present)} of {len(predictor.labels)} labels")
    random = np.random.default_rng(arguments.seed)
    estimates = list_estimates(predictor, validation)
    for names in arguments.sizes:
        measured = measure_mixtures(predictor, pool, estimates, names, arguments.mixtures, random)
        write_line(names, *measured)


def list_estimates(predictor: elman.Predictor, validation: Pool) -> dict[str, Estimate]:
    """Return the ways to estimate shares, by name: counting, summing, Elman's, and those of an installed QuaPy."""
    prior = find_prior(predictor.artifact)
    counts = predictor.artifact.provenance["data"]["training_examples_per_label"]
    training = np.array([counts[label] for label in predictor.labels], np.float64)
    return {
        "counting": lambda rows: np.bincount(rows.argmax(axis=1), minlength=rows.shape[1]) / len(rows),
        "summing": lambda rows: rows.mean(axis=0),
        "elman": lambda rows: estimate_mixture(rows, prior.shares),
        **find_rivals(validation, training / training.sum()),
    }


def measure_mixtures(
    predictor: elman.Predictor,
    pool: Pool,
    estimates: dict[str, Estimate],
    names: int,
    mixtures: int,
    random: np.random.Generator,
) -> tuple[dict[str, list[float]], dict[str, list[float]], list[float], float]:
    """Return for mixtures of so many names: errors by estimate, coverage by kind of mixture, widths, seconds of one."""
    prior, present = find_prior(predictor.artifact), pool.find_present()
    errors: dict[str, list[float]] = {name: [] for name in estimates}
    covered: dict[str, list[float]] = {"even": [], "few": []}
    widths, seconds = [], 0.0
    for number in range(mixtures):
        shares = draw_shares(present, len(predictor.labels), random, is_even=number % 2 == 0)
        rows = pool.draw(shares, names, random)
        found = {name: estimate(rows) for name, estimate in estimates.items()}
        for name, one in found.items():
            errors[name].append(100 * np.abs(one - shares)[present].mean())
        started = time.perf_counter()
        samples = draw_mixtures(rows, prior.shares, found["elman"], prior.known, seed=number)
        low, high = bound_mixture(found["elman"], samples, names)
        seconds += time.perf_counter() - started
        is_covered = ((low <= shares) & (shares <= high))[present]
        covered["few" if number % 2 else "even"].append(100 * is_covered.mean())
        widths.append(100 * (high - low)[present].mean())
    return errors, covered, widths, seconds / mixtures


def write_line(
    names: int,
    errors: dict[str, list[float]],
    covered: dict[str, list[float]],
    widths: Sequence[float],
    seconds: float,
) -> None:
    """Print the figures of one size: errors, coverage of the intervals, and their mean width."""
    means = {name: float(np.mean(each)) for name, each in errors.items()}
    listed = ", ".join(f"{name} {mean:.2f}" for name, mean in means.items())
    ratios = ", ".join(f"{means['elman'] / mean:.2f} of {name}" for name, mean in means.items() if name != "elman")
    both = np.mean([*covered["even"], *covered["few"]])
    print(f"{names:,} names: error {listed}; elman {ratios}")
    print(
        f"  coverage {both:.1f} % (mixtures of all labels {np.mean(covered['even']):.1f}, of two to five "
        f"{np.mean(covered['few']):.1f}); mean width {np.mean(widths):.1f} points; {seconds:.2f} s an interval",
        flush=True,
    )


def read_pools(predictor: elman.Predictor, arguments: argparse.Namespace) -> tuple[Pool, Pool]:
    """Return labelled names for PACC, and the names to draw from."""
    folder = None if arguments.folder is None else str(arguments.folder)
    config = config_for(
        predictor, arguments.data, label=arguments.label, text_column=arguments.text, data_folder=folder
    )
    examples, _ = normalise_examples(read_for(config, find_source(arguments.data, None, None)), config.normalisation)
    known = [one for one in examples if one.label in set(predictor.labels)]
    chosen = choose_part(predictor, known, None)
    if chosen.split is not None:
        return answer(predictor, chosen.split.validation), answer(predictor, chosen.examples)
    return answer(predictor, known[::2]), answer(predictor, known[1::2])


def answer(predictor: elman.Predictor, examples: Sequence[elman.Example]) -> Pool:
    """Return the answers for the examples that the model can read."""
    probabilities = predictor.probabilities([one.text for one in examples])
    places = {label: place for place, label in enumerate(predictor.labels)}
    truth = np.array([places[one.label] for one in examples])
    read = np.isfinite(probabilities).all(axis=1)
    return Pool(probabilities[read], truth[read])


def draw_shares(present: NDArray[np.int64], labels: int, random: np.random.Generator, *, is_even: bool) -> Floats:
    """Return the shares of a mixture, (labels,): of all labels present, or of two to five of them."""
    count = len(present) if is_even else random.integers(2, min(5, len(present)) + 1)
    shares = np.zeros(labels)
    shares[random.choice(present, count, replace=False)] = random.dirichlet(np.ones(count))
    return shares


def find_rivals(validation: Pool, training: Floats) -> dict[str, Estimate]:
    """Return the estimates of QuaPy, with its own settings; none if it is not installed."""
    try:
        import quapy.functional as functional
        from quapy.method.aggregative import ACC, EMQ, PACC
    except ImportError as error:
        print(f"without QuaPy ({error}): pip install --no-deps quapy joblib xlrd abstention")
        return {}
    labels = np.arange(len(training))
    rates = PACC.getPteCondEstim(labels, validation.truth, validation.probabilities)

    def estimate_pacc(rows: Floats) -> Floats:
        found = ACC.solve_adjustment(rates, rows.mean(axis=0), method="inversion", solver="minimize")
        return functional.normalize_prevalence(found, method="clip")

    return {"EMQ": lambda rows: EMQ.EM(training, rows)[0], "PACC": estimate_pacc}


if __name__ == "__main__":
    main()
