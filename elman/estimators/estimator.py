"""What both estimators share: parameters, fitting in memory, the model file, and pickling through it.

torch is imported when `fit` is called, and not before: a fitted estimator unpickles and predicts without it.
"""

import inspect
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, check_random_state

from elman.checks import check_number, check_whole, count_of, shown
from elman.errors import DataError, SettingError
from elman.estimators.inputs import list_strings, read_pair, read_weights
from elman.extras import extra
from elman.model.config import ModelConfig
from elman.model.file import Artifact, dump_artifact, load_artifact, parse_artifact, save_artifact
from elman.model.kinds import named_kind
from elman.model.shipped import find_model
from elman.prediction.inputs import StringReader
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.text.encoded import EncodedStrings
from elman.text.normalisation import clean
from elman.training.config import LARGEST_SEED, RunConfig, TrainConfig
from elman.training.history import History
from elman.training.recipes import best_settings

ORIGIN = "data in memory"
"""What the provenance of a model file calls the strings of a fit."""

PROVENANCE = "estimator"
"""The part of a model file's provenance that estimators write and read."""

BLANK, TOO_LONG, NO_WEIGHT = "blank", "too long", "weight 0"
"""Why a string is left out of a fit."""

NOT_STORED = ("init",)
"""Parameters that no model file holds: a path says something of the machine."""

OPTIONS = (
    *("hidden_size", "layers", "directions", "embedding_size", "dropout", "epochs", "batch_size", "optimiser"),
    *("learning_rate", "schedule", "weight_decay", "clip", "patience", "keep_case", "keep_script", "max_characters"),
    "device",
)
"""Parameters that have the name of an option of `elman train`."""


class SequenceEstimator(BaseEstimator):  # type: ignore[misc]
    """An estimator of short strings; use `SequenceClassifier` or `SequenceRegressor`."""

    _task: ClassVar[str]

    def __init__(
        self,
        *,
        cell: str = ModelConfig.cell,
        hidden_size: int = ModelConfig.hidden_size,
        layers: int = ModelConfig.layers,
        directions: int = ModelConfig.directions,
        embedding_size: int = ModelConfig.embedding_size,
        ngrams: bool = True,
        dropout: float | None = ModelConfig.dropout,
        epochs: int | None = TrainConfig.epochs,
        batch_size: int = TrainConfig.batch_size,
        optimiser: str = TrainConfig.optimiser,
        learning_rate: float = TrainConfig.learning_rate,
        schedule: str = TrainConfig.schedule,
        weight_decay: float = TrainConfig.weight_decay,
        clip: float | None = TrainConfig.clip,
        patience: int | None = TrainConfig.patience,
        validation_fraction: float = RunConfig.validation_share,
        keep_case: bool = False,
        keep_script: bool = False,
        max_characters: int = RunConfig.max_characters,
        random_state: Any = 0,
        device: str = TrainConfig.device,
        n_jobs: int | None = None,
        verbose: int = 0,
        init: str | Path | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.layers = layers
        self.directions = directions
        self.embedding_size = embedding_size
        self.ngrams = ngrams
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.clip = clip
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.keep_case = keep_case
        self.keep_script = keep_script
        self.max_characters = max_characters
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.init = init

    def save(self, path: str | Path, *, name: str | None = None) -> None:
        """Write the model file, which `load`, `elman.load` and every command of Elman read.

        Args:
            path: the file, such as ``model.safetensors``.
            name: what predictions call the model; the name of the file without its ending if None.

        Raises:
            NotFittedError: the estimator is not fitted.
        """
        check_is_fitted(self)
        save_artifact(replace(self._describe_artifact(), name=name or Path(path).stem), path)

    @classmethod
    def load(cls, model: str | Path) -> Self:
        """Return a fitted estimator from a model file, of an estimator or of `elman train`.

        Parameters are those that the file holds, and the default otherwise. Labels have the type that they had in `fit`
        if an estimator wrote the file, and are strings otherwise. `history_` and `dropped_` are empty.

        Raises:
            SettingError: the model answers with something else.
            ModelFileError: as `elman.load`.
        """
        artifact = load_artifact(find_model(model))
        if artifact.kind is not named_kind(cls._task):
            raise SettingError(f"{model}: {artifact.kind}; {cls.__name__} needs a model that {named_kind(cls._task)}")
        known, stored = cls._get_param_names(), _find(artifact, "params")
        estimator = cls(**{name: value for name, value in stored.items() if name in known})
        estimator._restore(artifact)
        done, best = artifact.provenance.get("epochs"), _find(artifact).get("best_epoch")
        estimator.n_iter_ = done if isinstance(done, int) else 0
        estimator.best_epoch_ = best if isinstance(best, int) else None
        estimator.history_ = History()
        estimator.dropped_ = {}
        return estimator

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle holds: parameters, plain attributes, and the content of the model file."""
        state = dict(super().__getstate__())
        if "predictor_" in state:
            state["predictor_"] = dump_artifact(state["predictor_"].artifact)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__` returned."""
        restored = dict(state)
        if "predictor_" in restored:
            restored["predictor_"] = Predictor(parse_artifact(restored["predictor_"], type(self).__name__))
        super().__setstate__(restored)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "predictor_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags

    def _restore(self, artifact: Artifact) -> None:
        """Take over a model file."""
        self.predictor_ = Predictor(artifact)

    def _describe_artifact(self) -> Artifact:
        """Return the model with what `load` needs in its provenance."""
        artifact: Artifact = self.predictor_.artifact
        given = dict(map(_to_plain, self.get_params(deep=False).items()))
        params = {name: value for name, value in given.items() if _is_json(value) and name not in NOT_STORED}
        facts = {"class": type(self).__name__, "params": params, "best_epoch": self.best_epoch_}
        return replace(artifact, provenance={**artifact.provenance, PROVENANCE: {**_find(artifact), **facts}})

    def _settings(self) -> RunConfig:
        """Return the settings of a fit.

        Raises:
            SettingError: a parameter cannot work.
        """
        params = dict(map(_to_plain, self.get_params(deep=False).items()))
        check_number("validation_fraction", params["validation_fraction"], least=0, most=0.5)
        if params["n_jobs"] not in (None, -1):
            check_whole("n_jobs", params["n_jobs"], 1)
        options = {name: params[name] for name in OPTIONS}
        options["threads"] = os.cpu_count() if params["n_jobs"] == -1 else params["n_jobs"]
        options["seed"] = self._draw_seed(params["random_state"])
        if not params["ngrams"]:
            options["plain"] = True
        best = best_settings(self._task, params["cell"])
        config = replace(best, name=type(self).__name__, data=ORIGIN, label_column="y")
        if params["init"] is None:
            return apply(config, options)
        usual = inspect.signature(type(self)).parameters
        options["cell"] = config.model.cell
        chosen = {name: value for name, value in options.items() if name not in usual or value != usual[name].default}
        return begin(config, chosen, params["init"])

    def _draw_seed(self, random_state: Any) -> int:
        if random_state is None or isinstance(random_state, np.random.RandomState):
            return int(check_random_state(random_state).randint(2**31 - 1))
        check_whole("random_state", random_state, 0, most=LARGEST_SEED)
        return int(random_state)

    def _train(
        self,
        strings: Sequence[str],
        names: Sequence[str],
        weights: NDArray[np.float64],
        checked: tuple[Sequence[str], Sequence[str]] | None,
        config: RunConfig,
        facts: dict[str, Any],
    ) -> None:
        """Train on strings and the names of their labels, or their numbers as text.

        Args:
            strings: all of the fit, as they were given.
            names: as many.
            weights: as many.
            checked: the strings and names of ``eval_set``.
            config: the settings.
            facts: what the provenance keeps for `load`.
        """
        with extra("train"):
            from elman.data.examples import Reading
            from elman.estimators.division import divide
            from elman.training.fitting import fit
            from elman.training.progress import choose_display
            from elman.training.tasks.labels import LabelTask
            from elman.training.tasks.numbers import NumberTask
        dropped: Counter[str] = Counter()
        examples, kept = _normalise(strings, names, config, dropped, weights)
        if not examples:
            raise SettingError(f"X has no string to learn from; {_count(dropped)} of {len(strings):,}")
        if self._task == "label" and (lost := set(names) - {example.label for example in examples}):
            raise SettingError(f"y has the class {shown(min(lost))!r}, but no string of it is left; {_count(dropped)}")
        validation = None if checked is None else _normalise(*checked, config, Counter())[0]
        if validation is not None and not validation:
            raise SettingError("eval_set has no string that can be read")
        try:
            division = divide(
                examples,
                weights[kept],
                validation=validation,
                share=float(self.validation_fraction),
                seed=config.train.seed,
                by_label=self._task == "label",
            )
            given = tuple(Example(clean(strings[place].strip()), names[place]) for place in kept)
            reading = Reading(given, len(strings), dict(dropped), {})
            build = LabelTask if self._task == "label" else NumberTask
            task = build(reading, config, split=division.split, importance=division.importance)
            task.settle()
        except DataError as error:
            raise SettingError(str(error)) from None
        display = choose_display(quiet=not self.verbose)
        parts = division.split.sizes
        display.say(
            f"{type(self).__name__}: {count_of(len(strings), 'string')}, {parts['train']:,} train, "
            f"{parts['validation']:,} validate ({division.split.kind}); {_count(dropped)}"
        )
        for note in task.notes:
            display.say(f"note: {note}")
        facts = {**facts, "validation": {"kind": division.split.kind, "strings": parts["validation"]}}
        found = fit(task, task.config, reading, display, provenance={PROVENANCE: facts})
        self._restore(found.artifact)
        self.history_, self.n_iter_ = found.history, len(found.history)
        self.dropped_ = dict(dropped)
        self.best_epoch_: int | None = found.kept_epoch

    def _score(self, X: Any) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:  # noqa: N803 - scikit-learn's name
        """Return which strings the model can read, (N,), and their logits, (readable, C)."""
        check_is_fitted(self)
        reader = self.predictor_.reader
        assert isinstance(reader, StringReader)
        _, encoded, reasons = reader.encode_all(list_strings(X))
        readable = np.array([reason is None for reason in reasons], np.bool_)
        chosen: EncodedStrings = encoded.select(np.flatnonzero(readable))
        return readable, self.predictor_.scorer.logits(chosen)


def apply(config: RunConfig, options: Mapping[str, Any]) -> RunConfig:
    """Return settings with the values of options, as `elman.training.options.apply_options`, which needs torch.

    Raises:
        SettingError: a value cannot work.
        MissingExtraError: torch is not installed.
    """
    with extra("train"):
        from elman.training.options import apply_options
    return apply_options(config, options)


def begin(config: RunConfig, options: Mapping[str, Any], init: str | Path) -> RunConfig:
    """Return settings that start from a model, with the values of options.

    Args:
        config: the best settings for the task.
        options: those that differ from the default; the others are those of the model.
        init: the model, as `elman train --init` takes it.

    Raises:
        SettingError: the model does not fit the task, or an option changes its network.
        ModelFileError: there is no such model.
        MissingExtraError: torch is not installed.
    """
    with extra("train"):
        from elman.training.tuning import begin_with, check_kept, load_base
    try:
        base = load_base(str(init), named_kind(config.task))
        settings = apply(begin_with(base, config), {**options, "init": str(init)})
        check_kept(base, settings)
    except SettingError as error:
        raise SettingError(str(error).replace("--init", "init").replace("option", "parameter")) from None
    return settings


def read_fit(
    X: Any,  # noqa: N803 - scikit-learn's name
    sample_weight: Any,
    eval_set: Any,
) -> tuple[list[str], NDArray[np.float64], tuple[list[str], Any] | None]:
    """Return the strings, the weights, and the strings and answers of ``eval_set`` if there are any.

    Raises:
        SettingError: one of them cannot be used.
    """
    strings = list_strings(X)
    if not strings:
        raise SettingError("X must hold at least 1 string; got 0 sample(s)")
    weights = read_weights(sample_weight, len(strings))
    if eval_set is None:
        return strings, weights, None
    held, answers = read_pair(eval_set)
    return strings, weights, (list_strings(held, "eval_set[0]"), answers)


def _normalise(
    strings: Sequence[str],
    names: Sequence[str],
    config: RunConfig,
    dropped: Counter[str],
    weights: NDArray[np.float64] | None = None,
) -> tuple[list[Example], list[int]]:
    """Return the examples that can be used, with normalised text, and their positions; count the others by reason."""
    examples, kept = [], []
    for position, (string, name) in enumerate(zip(strings, names, strict=True)):
        bare = clean(string.strip())
        if weights is not None and not weights[position]:
            dropped[NO_WEIGHT] += 1
        elif len(bare) > config.max_characters:
            dropped[TOO_LONG] += 1
        elif text := config.normalisation.apply(bare):
            examples.append(Example(text, name))
            kept.append(position)
        else:
            dropped[BLANK] += 1
    return examples, kept


def _count(dropped: Counter[str]) -> str:
    return ", ".join(f"{count:,} left out: {reason}" for reason, count in dropped.items()) or "none left out"


def _find(artifact: Artifact, *path: str) -> dict[str, Any]:
    """Return what an estimator wrote into the provenance, which may be any JSON; empty if it is no object."""
    found: Any = artifact.provenance.get(PROVENANCE)
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _to_plain(item: tuple[str, Any]) -> tuple[str, Any]:
    """Return a parameter without numpy's types, as searches over parameters pass them."""
    name, value = item
    return name, value.item() if isinstance(value, np.generic) else value


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False
