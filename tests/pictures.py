"""Made-up pictures, and the IDX files of the MNIST family that hold them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LABELS = 3


def draw_pictures(count: int, size: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw pictures of light ink on dark, (count, size, size), and their labels: a bar at the top, middle or bottom."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % LABELS
    images = draw.integers(0, 60, (count, size, size))
    for image, label in zip(images, labels, strict=True):
        row = 1 + label * (size // LABELS) + draw.integers(2)
        image[row : row + 2, 2:-2] = draw.integers(180, 256)
    return images.astype(np.uint8), labels.astype(np.uint8)


def write_idx(path: Path, numbers: NDArray[np.uint8]) -> None:
    """Write one IDX file of unsigned bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in numbers.shape)
    path.write_bytes(bytes((0, 0, 8, numbers.ndim)) + sizes + numbers.tobytes())


def write_picture_folder(folder: Path, *, size: int, train: int, test: int) -> Path:
    """Write the four files of a small image set and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count, seed in (("train", train, 1), ("t10k", test, 2)):
        images, labels = draw_pictures(count, size, seed)
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    return folder
