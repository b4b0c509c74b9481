"""Names a second scored by the shipped model: distinct made-up names, from strings to `Prediction` records, one core.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/scoring.py
"""

import random
import time

import numpy as np

import elman

FIRST = "ka na mu shi va len ber man ti ro dou wei mac al ben cor dra fer gol hu jan kle lo mor pe sa ta vos zim o'"
LAST = "ra ko ski son ez ni pa las en chen ha to ov elli mann kov sen berg ton ini ard eau is os ek ova ley dez kis in"
NAMES = 10_000


def main() -> None:
    draw, first, last = random.Random(0), FIRST.split(), LAST.split()
    names = sorted(
        {"".join([*draw.choices(first, k=draw.randint(1, 2)), draw.choice(last)]) for _ in range(20 * NAMES)}
    )[:NAMES]
    predictor = elman.load("languages")
    predictor.predict(names[:100])
    started = time.perf_counter()
    predictor.predict(names)
    whole = len(names) / (time.perf_counter() - started)
    texts = [predictor.artifact.normalisation.apply(name) for name in names]
    started = time.perf_counter()
    predictor.logits(texts)
    bare = len(names) / (time.perf_counter() - started)
    print(
        f"numpy {np.__version__}, {len(names):,} distinct names of {sum(map(len, names)) / len(names):.1f} characters"
    )
    print(f"strings to predictions: {whole:10,.0f} names a second")
    print(f"strings to logits:      {bare:10,.0f} names a second")


if __name__ == "__main__":
    main()
