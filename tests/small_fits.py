"""Strings, answers and parameters of small fits."""

from typing import Any

TINY: dict[str, Any] = {"hidden_size": 4, "embedding_size": 4, "epochs": 2, "learning_rate": 0.02, "n_jobs": 1}
STARTS = ["ka", "mi", "ta", "no", "ri", "se", "yo", "ha", "ku", "ma", "pe", "lo"]
ENDS = {"Greek": "akis", "Japanese": "moto", "Polish": "owski"}
NAMES = [start + end for end in ENDS.values() for start in STARTS]
LABELS = [label for label in ENDS for _ in STARTS]
NUMBERS = [float(len(name)) + place / 10 for place, name in enumerate(NAMES)]
