"""Frames: a data frame in memory gets the model's answers in new columns, whichever library it is from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from elman.annotation.annotator import PREFIX, AnnotateConfig, Annotator
from elman.annotation.written import build_annotator
from elman.checks import is_missing, shown, suggest
from elman.errors import DataError, SettingError
from elman.extras import extra
from elman.model.prior import Prior
from elman.model.shipped import DEFAULT_MODEL
from elman.prediction.loading import load_any
from elman.prediction.options import BEAM
from elman.prediction.predictor import Predictor
from elman.prediction.transcriber import Transcriber

Frame = TypeVar("Frame")


def annotate_frame(
    frame: Frame,
    column: str = "name",
    *,
    model: str | Path | Predictor | Transcriber = DEFAULT_MODEL,
    top: int = 1,
    abstain_below: float = 0.0,
    prefix: str = PREFIX,
    level: str | None = None,
    prior: Prior | None = None,
    coverage: float | None = None,
    every: bool = False,
    add: Sequence[str] = (),
    unfamiliar_below: float | None = None,
    label: str | None = None,
    label_column: str | None = None,
    beam: int = BEAM,
) -> Frame:
    """Answer for every row of a data frame: the same frame, with the answers in new columns.

    Args:
        frame: a data frame of pandas, polars or pyarrow; it is not changed.
        column: the column of the strings to answer for. None, NaN and the like are missing names.
        model: the name of a model that comes with Elman, the path of a model file, or a predictor.
        top: how many labels to write for each row, at least 1.
        abstain_below: abstain if the best label's probability is lower, 0 to 1.
        prefix: the first part of the names of new columns.
        level: as in `elman.Predictor.predict`, and likewise ``prior`` and ``coverage``.
        prior: the shares of the labels.
        coverage: of the prediction sets, which get a column.
        every: write the probability of every label, in a column each.
        add: what else to write: ``script``, ``unknown``, ``familiar`` and ``set``.
        unfamiliar_below: as in `elman.Predictor.predict`.
        label: of a model of pairs, the label of all rows.
        label_column: of a model of pairs, the column of the label of each row.
        beam: of a model of pairs, how many hypotheses to keep at each symbol.

    Returns:
        A frame of the same kind, with the same rows, and the same index if it has one.

    Raises:
        DataError: there is no such column of strings, or a new column exists already.
        MissingExtraError: narwhals is not installed, which reads frames of every kind.
        SettingError: it is not a data frame, or a setting is invalid.

    >>> import polars
    >>> annotate_frame(polars.DataFrame({"name": ["Nakamura", None]}))["elman_label"].to_list()
    ['Japanese', None]
    """
    with extra("frames"):
        import narwhals.stable.v2 as nw
        from narwhals.exceptions import NarwhalsError
    values: Any = frame
    try:
        table = nw.from_native(values, eager_only=True)
        columns = table.columns
    except TypeError:
        kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__qualname__}".removeprefix("builtins.")
        raise SettingError(
            f"expected a data frame of pandas, polars or pyarrow, got {kind}; collect a lazy frame first, and use "
            "predict_columns for names without a frame"
        ) from None
    except NarwhalsError as error:  # as for two columns of one name
        raise DataError(f"the frame cannot be read: {shown(' '.join(str(error).split()), 200)}") from None
    predictor = model if isinstance(model, Predictor | Transcriber) else load_any(model)
    config = AnnotateConfig(
        str(column),
        top,
        abstain_below,
        prefix,
        level=level,
        prior=prior,
        coverage=coverage,
        every=every,
        add=tuple(add),
        unfamiliar_below=unfamiliar_below,
        label=label,
        label_column=label_column,
        beam=beam,
    )
    annotator = build_annotator(predictor, config)
    _check_columns(columns, column, annotator)
    names = _read_names(table.get_column(column).to_list(), column)
    labels = None if label_column is None else _read_names(table.get_column(label_column).to_list(), label_column)
    answers, _ = annotator.annotate(names, labels=labels)
    kinds: dict[type, Any] = {str: nw.String, float: nw.Float64}
    added = [
        nw.new_series(name, list(answers[name]), kinds[kind], backend=table.implementation)
        for name, kind in annotator.columns.items()
    ]
    annotated: Frame = table.with_columns(*added).to_native()
    return annotated


def _check_columns(columns: Sequence[Any], column: str, annotator: Annotator) -> None:
    """Check that a frame has the columns of the strings and of the labels, and none of the new ones."""
    wanted = (column,) if annotator.config.label_column is None else (column, annotator.config.label_column)
    if missing := [one for one in wanted if one not in columns]:
        names = [str(name) for name in columns]
        found = ", ".join(map(shown, names)) or "(none)"
        advice = suggest(str(missing[0]), names) or f"; name one of {shown(found, 300)}"
        raise DataError(f"the frame has no column '{shown(str(missing[0]))}'{advice}", code="unknown_column")
    taken = [name for name in annotator.columns if name in columns]
    if taken:
        message = f"the frame has a column '{shown(taken[0])}' already; give the new columns another prefix"
        raise DataError(message, code="column_taken")


def _read_names(values: Sequence[Any], column: str) -> list[str | None]:
    """Return the values of a column as strings, None if missing; bytes are read as UTF-8."""
    names: list[str | None] = []
    for row, value in enumerate(values, 1):
        if isinstance(value, str) or value is None:
            names.append(value)
        elif is_missing(value):
            names.append(None)
        elif isinstance(value, bytes):
            names.append(_decode(value, column, row))
        else:
            message = (
                f"expected strings in the column '{shown(str(column))}', got {type(value).__name__} in row {row:,}"
            )
            raise DataError(message, code="not_strings", line=row)
    return names


def _decode(value: bytes, column: str, row: int) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        message = f"the column '{shown(str(column))}' has bytes in row {row:,} that are not UTF-8; decode them first"
        raise DataError(message, code="not_strings", line=row) from None
