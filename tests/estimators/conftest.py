"""Small estimators, fitted once."""

from collections.abc import Callable
from typing import Any

import pytest
from small_fits import LABELS, NAMES, NUMBERS, TINY

import elman


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Any]:
    """Build a small classifier; keywords change it."""
    return lambda **changes: elman.SequenceClassifier(**{**TINY, **changes})


@pytest.fixture(scope="session")
def tiny_regressor() -> Callable[..., Any]:
    """Build a small regressor; keywords change it."""
    return lambda **changes: elman.SequenceRegressor(**{**TINY, **changes})


@pytest.fixture(scope="session")
def fitted(tiny) -> Any:
    """A classifier that learned the names; read it, do not fit it."""
    return tiny(epochs=8).fit(NAMES, LABELS)


@pytest.fixture(scope="session")
def fitted_regressor(tiny_regressor) -> Any:
    """A regressor that learned the numbers; read it, do not fit it."""
    return tiny_regressor(epochs=4).fit(NAMES, NUMBERS)
