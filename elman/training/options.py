"""Options to configuration: what a user asks of a training."""

from pathlib import Path
from typing import TYPE_CHECKING

from elman.data.examples import Reading
from elman.errors import SettingError

if TYPE_CHECKING:
    from elman.data.examples import FeatureReading
    from elman.data.images import ImageReading
    from elman.training.tasks import RunConfig
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from elman.data.reading import read_source

if TYPE_CHECKING:
    from elman.training.tasks import RunConfig


def read_for(config: "RunConfig", *, progress: Any = False) -> "Reading | ImageReading | FeatureReading":
    """Read the data of a run, as its task wants them."""
    from elman.data.catalog import CATALOG
    from elman.data.examples import read_features, read_pairs

    folder = Path(config.data_folder) if config.data_folder else None
    if config.data not in CATALOG and folder is None and config.task in ("tags", "features"):
        if config.task == "tags":
            return read_pairs(config.data, max_characters=config.max_characters)
        return read_features(config.data, features=config.feature_columns, number=config.label_column)
    return read_source(
        config.data,
        folder,
        text=config.text_column,
        label=config.label_column,
        longest=config.max_characters,
        progress=progress,
    )


OPTION_FIELDS = {
    "hand": "by_hand",
    "text": "text_column",
    "label": "label_column",
    "number": "label_column",
    "features": "feature_columns",
    "folder": "data_folder",
}
"""Options whose name is not that of the field that they set."""


READING = ("text", "label", "number", "features", "folder", "max_characters")
"""How DATA is read: a resumed run remembers it and may be told otherwise, as long as the split stays the same."""


def new_config(data: str, name: str, given: dict[str, Any]) -> "RunConfig":
    """Return the recipe that the options name, or the best one for the data, with the options that were given."""
    from elman.data.catalog import CATALOG
    from elman.training.recipes import OF_DATA, best_settings, named_recipe

    if given.get("tags") and (given.get("number") or given.get("features")):
        raise SettingError("--tags and --number ask for different answers; give one of them")
    if given.get("number") and given.get("label"):
        raise SettingError("--label and --number ask for different answers; give one of them")
    if given.get("features") and not given.get("number"):
        raise SettingError("--features says what to answer from; say what to answer with --number COLUMN")
    asked = next((task for task in ("tags", "features", "number") if given.get(task)), "label")
    task = CATALOG[data].task if data in CATALOG else asked
    if given.get("shift") and task != "images":
        raise SettingError("--shift moves images, and these data are none; leave it out")
    if data in CATALOG and asked not in ("label", task):
        raise SettingError(f"the named set {data!r} is for {task}; leave --{asked} out, or give a file of your own")
    chosen = given.get("recipe") or OF_DATA.get(data)
    if chosen is not None:
        config = named_recipe(chosen).config
        if config.task != task:
            raise SettingError(f"the recipe {chosen!r} is for {config.task}, and {data} for {task}")
        config = replace(config, name=name, data=data)
    else:
        settings = best_settings(task, given.get("cell"), by_hand=bool(given.get("hand")))
        config = replace(settings, name=name, data=data)
    if "activation" in given and given.get("cell", config.model.cell) not in ("elman", "rnn"):
        raise SettingError(
            f"--activation is of the Elman cell; {config.model.cell} has its own; leave it out or take --cell elman"
        )
    config = apply_options(config, given)
    if config.feature_columns:
        config = replace(config, model=replace(config.model, input_size=len(config.feature_columns)))
    return config


def apply_options(config: "RunConfig", given: dict[str, Any]) -> "RunConfig":
    """Return a config with the options that were given; an option has the name of the field that it sets."""
    values = {**given, **({"clip": None} if given.get("clip") == 0 else {})}
    for option, field in OPTION_FIELDS.items():
        if option in values:
            values[field] = values.pop(option)
    if values.get("feature_columns"):
        names = (name.strip() for name in values["feature_columns"].split(","))
        values["feature_columns"] = tuple(name for name in names if name)
    if values.get("data_folder") is not None:
        values["data_folder"] = str(values["data_folder"])
    if values.pop("plain", False):
        values |= {"ngram_orders": (), "bag_orders": ()}
    if "seed" in values:
        values["split_seed"] = values["seed"]

    def fields_of(record: Any) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key in record.__dataclass_fields__}

    normalisation = config.normalisation
    if "keep_case" in values:
        normalisation = replace(normalisation, lower_case=not values["keep_case"])
    if "keep_script" in values:
        normalisation = replace(normalisation, transliterate=not values["keep_script"])
    own = {key: value for key, value in fields_of(config).items() if key != "data"}
    return replace(
        config,
        **own,
        model=replace(config.model, **fields_of(config.model)),
        train=replace(config.train, **fields_of(config.train)),
        normalisation=normalisation,
    )


def stored_config(out: Path, given: dict[str, Any]) -> "RunConfig":
    """Return the stored config of a run; an option that is given again must say the same."""
    from elman.training.run import read_run_config
    from elman.training.tasks import RunConfig

    stored = RunConfig.from_dict(read_run_config(out)["config"])
    if given.get("recipe") or (given.get("tags") and stored.task != "tags"):
        raise SettingError(f"the run in {out} has its own settings; leave --recipe and --tags out to resume")
    for option, value in given.items():
        if option not in READING and apply_options(stored, {option: value}) != stored:
            raise SettingError(
                f"--{option.replace('_', '-')} {value} differs from the run in {out}; "
                "leave the option out to resume, or start another run with another --out"
            )
    return stored


def default_folder(name: str, resume: bool) -> Path:
    """Return runs/NAME, or the next free runs/NAME-2 …; the last one there is when resuming."""
    taken = [Path("runs", name), *(Path("runs", f"{name}-{number}") for number in range(2, 10_000))]
    first_free = next(position for position, path in enumerate(taken) if not path.exists())
    return taken[max(0, first_free - 1) if resume else first_free]
