"""Images and rows of numbers as sequences, one array of steps for each, as a network reads them."""

import numpy as np
from numpy.typing import NDArray


def images_to_steps(images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return images, (N, rows, columns), as sequences of rows with pixels from 0 to 1.

    >>> images_to_steps(np.array([[[0, 255]]], np.uint8))
    [array([[0., 1.]], dtype=float32)]
    """
    return list(images.astype(np.float32) / np.float32(255))


def features_to_steps(features: NDArray[np.float64]) -> list[NDArray[np.float32]]:
    """Return rows of features, (N, F), as sequences of one step, each (1, F)."""
    return list(features[:, None].astype(np.float32))
