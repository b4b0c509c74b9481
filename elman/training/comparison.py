"""Comparisons: several runs on the same data and split, and a table of their scores.

A comparison is a mapping of names to settings. Each is a run with its own folder, so that an interrupted comparison
can continue. Cells are compared by their scores on the validation part, over several seeds. Only the one that is best
there is measured on the test part, once: the best of several test scores would be too good.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from elman.data.catalog import CATALOG
from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.data.pairs import PairReading
from elman.errors import SettingError, TrainingError
from elman.training import recipes
from elman.training.config import RunConfig
from elman.training.options import Options, new_config
from elman.training.recipes import Recipe
from elman.training.run import CONFIG, Run, RunReport, read_run_config


def cell_configs(data: str, name: str, cells: Iterable[str], options: Options) -> dict[str, RunConfig]:
    """Return the best settings of each cell, by cell; ``rnn`` is another name for ``elman``.

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
    distinct = dict.fromkeys("elman" if cell == "rnn" else cell for cell in cells)
    configs = {cell: new_config(data, f"{name}-{cell}", {**options, "cell": cell}) for cell in distinct}
    if not configs:
        raise SettingError("--cells names no cell; give some of elman, gru, lstm, separated by commas")
    return configs


def seed_configs(configs: Mapping[str, RunConfig], seeds: int) -> dict[str, dict[str, RunConfig]]:
    """Return the settings of each run of a comparison, by cell and by the name of its folder; all have one split.

    Args:
        configs: of each cell; their seed is the first.
        seeds: trainings of each cell, at least 1.
    """
    return {
        cell: {
            f"{cell}-{seed}": replace(config, train=replace(config.train, seed=seed))
            for seed in range(config.train.seed, config.train.seed + seeds)
        }
        for cell, config in configs.items()
    }


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


def open_run(reading: Reading | ImageReading | FeatureReading | PairReading, config: RunConfig, folder: Path) -> Run:
    """Return a new run in a folder, or the one that an interrupted comparison left there.

    Raises:
        SettingError: the folder holds a run with other settings or data.
        ElmanError: as `Run`.
    """
    try:
        is_begun = (folder / CONFIG).exists()
        epochs = RunConfig.from_dict(read_run_config(folder)["config"]).train.epochs if is_begun else None
        if is_begun and config.train.epochs not in (None, epochs):
            raise TrainingError("a longer run has another schedule, so it cannot be compared with the others")
        return Run(reading, config, folder, resume=is_begun)
    except TrainingError:
        raise SettingError(
            f"{folder.parent}: holds a comparison with other options or data; choose another --out"
        ) from None


def list_cells(runs: Mapping[str, Sequence[Run]]) -> list[dict[str, Any]]:
    """Return one row for each cell: the means over seeds of its scores on the validation part, the best cell first.

    The best has the lowest mean loss. Deviations are those of single trainings, None if there is one seed.

    Args:
        runs: the finished trainings of each cell; none was measured on the test part.
    """
    rows = []
    for cell, trained in runs.items():
        kept = [run.state.history[(run.state.kept_epoch or 1) - 1] for run in trained]
        scores = {
            "accuracy": [epoch.validation_accuracy or 0.0 for epoch in kept],
            "nll": [epoch.validation_loss for epoch in kept],
        }
        row: dict[str, Any] = {"cell": cell, "seeds": len(trained)}
        for name, values in scores.items():
            row |= {name: mean(values), f"{name}_deviation": stdev(values) if len(values) > 1 else None}
        seconds = [sum(epoch.seconds for epoch in run.state.history) for run in trained]
        parameters = sum(parameter.numel() for parameter in trained[0].model.parameters())
        rows.append({**row, "seconds": mean(seconds), "parameters": parameters})
    return sorted(rows, key=lambda row: row["nll"])


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
