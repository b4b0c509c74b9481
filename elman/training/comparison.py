"""Comparisons: several runs on the same data and split, and a table of their scores.

A comparison is a mapping of names to settings. Each is a run with its own folder, so that an interrupted comparison
can continue.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.data.catalog import CATALOG
from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.errors import SettingError, TrainingError
from elman.training import recipes
from elman.training.config import RunConfig
from elman.training.options import Options, new_config
from elman.training.recipes import Recipe
from elman.training.run import CONFIG, Run, RunReport


def cell_configs(data: str, name: str, cells: Iterable[str], options: Options) -> dict[str, RunConfig]:
    """Return the best settings of each cell, by cell; ``elman`` is the one by hand.

    Args:
        data: a named set or a path.
        name: of the data, which the names of the models begin with.
        cells: some of `elman.model.config.CELLS`.
        options: of `elman train`, for each cell.

    Raises:
        SettingError: the answers are not labels, there is no cell, or an option cannot work.
    """
    if data in CATALOG and CATALOG[data].task == "tags":
        raise SettingError(f"{data!r} has tags as answers; elman compare is for answers that are labels")
    configs = {
        cell: new_config(data, f"{name}-{cell}", {**options, "cell": cell, "hand": cell == "elman"})
        for cell in dict.fromkeys(cells)
    }
    if not configs:
        raise SettingError("--cells names no cell; give some of elman, rnn, gru, lstm, separated by commas")
    return configs


def tutorial_recipes() -> list[Recipe]:
    """Return the tutorials' recipes for names, then Elman's own best settings on each of their splits."""
    tutorials = [recipe for recipe in recipes.RECIPES.values() if recipe.config.data == "languages"]
    best = replace(recipes.best_settings("label"), data="languages")
    splits = dict.fromkeys(recipe.config.split for recipe in tutorials)
    return [*tutorials, *(Recipe(f"elman-{split}", "", replace(best, split=split)) for split in splits)]


def tutorial_configs(
    compared: Iterable[Recipe], *, seed: int, epochs: int | None = None, folder: Path | None = None
) -> dict[str, RunConfig]:
    """Return the settings of recipes, by the name of the recipe.

    Args:
        compared: the recipes.
        seed: of the splits and the trainings.
        epochs: passes over the training part; None: those of each recipe.
        folder: the folder of the named set.
    """
    configs = {}
    for recipe in compared:
        train = recipe.config.train
        train = replace(train, seed=seed, epochs=train.epochs if epochs is None else epochs)
        place = None if folder is None else str(folder)
        configs[recipe.name] = replace(recipe.config, name=recipe.name, train=train, split_seed=seed, data_folder=place)
    return configs


def open_run(reading: Reading | ImageReading | FeatureReading, config: RunConfig, folder: Path) -> Run:
    """Return a new run in a folder, or the one that an interrupted comparison left there.

    Raises:
        SettingError: the folder holds a run with other settings or data.
        ElmanError: as `Run`.
    """
    try:
        return Run(reading, config, folder, resume=(folder / CONFIG).exists())
    except TrainingError:
        raise SettingError(
            f"{folder.parent}: holds a comparison with other options or data; choose another --out"
        ) from None


def list_cells(reports: Mapping[str, RunReport]) -> list[dict[str, Any]]:
    """Return one row for each cell, and a last one for the baseline.

    Args:
        reports: of the finished runs, by cell.
    """
    rows = [
        {
            "cell": cell,
            "accuracy": report.values["test"]["accuracy"],
            "macro_f1": report.values["test"]["macro_f1"],
            "seconds": report.values["seconds"],
            "parameters": report.values["parameters"],
        }
        for cell, report in reports.items()
    ]
    baseline = next(iter(reports.values())).values["baseline"]
    scores = {"accuracy": baseline["accuracy"], "macro_f1": baseline["macro_f1"]}
    return [*rows, {"cell": "baseline", **scores, "seconds": None, "parameters": None}]


def list_tutorials(compared: Sequence[Recipe], reports: Mapping[str, RunReport]) -> list[dict[str, Any]]:
    """Return one row for each tutorial: its scores beside Elman's and the baseline's on the same split.

    Args:
        compared: as `tutorial_recipes` returns them.
        reports: of the finished runs, by the name of the recipe.
    """
    rows = []
    for recipe in (recipe for recipe in compared if recipe.about):
        own, best = reports[recipe.name].values, reports[f"elman-{recipe.config.split}"].values
        rows.append(
            {
                "recipe": recipe.name,
                "about": recipe.about,
                "split": recipe.config.split,
                "reported": recipe.reported,
                "reproduced": own["test"]["accuracy"],
                "seconds": own["seconds"],
                "elman": best["test"]["accuracy"],
                "elman_seconds": best["seconds"],
                "baseline": best["baseline"]["accuracy"],
            }
        )
    return rows
