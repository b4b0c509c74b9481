"""Images from the IDX files of the MNIST family, plain or gzipped. Headers and lengths are checked.

Source of the format: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits". A file starts with
two zero bytes, the type of its numbers (8: unsigned bytes) and the number of dimensions. Then comes each dimension as
four bytes, the highest first, then the numbers.
"""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.errors import DataError

UNSIGNED_BYTES = 8
FILES = {
    "images": ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"),
    "labels": ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"),
}


@dataclass(frozen=True)
class ImageReading:
    """The images of a source: a training part, and the test part that the source comes with.

    Args:
        images: of the training part, (N, rows, columns), uint8, 0 (paper) to 255 (ink).
        labels: their label ids, (N,), int64.
        test_images: of the test part, as ``images``.
        test_labels: of the test part, as ``labels``.
        names: the labels, by id.
        lines: how many images were read.
        dropped: empty.
        repaired: empty.
    """

    reads: ClassVar[str] = "images"

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    names: tuple[str, ...]
    lines: int
    dropped: dict[str, int]
    repaired: dict[str, int]


def read_images(folder: Path | str) -> ImageReading:
    """Read the four IDX files of a folder, each plain or gzipped, with ``.gz`` added to its name.

    Raises:
        DataError: a file is missing, truncated or of another kind, or the files do not match each other.
    """
    folder = Path(folder)
    images, test_images = (read_idx(_find_file(folder, name), dimensions=3) for name in FILES["images"])
    labels, test_labels = (read_idx(_find_file(folder, name), dimensions=1) for name in FILES["labels"])
    for pictures, answers, name in ((images, labels, "train"), (test_images, test_labels, "t10k")):
        if len(pictures) != len(answers):
            raise DataError(
                f"{folder}: {name} holds {len(pictures)} images and {len(answers)} labels; fetch them again"
            )
    if images.shape[1:] != test_images.shape[1:]:
        raise DataError(f"{folder}: train images are {images.shape[1:]}, t10k images {test_images.shape[1:]}")
    count = int(max(labels.max(), test_labels.max())) + 1
    if count < 2 or len(np.unique(labels)) != count:
        raise DataError(f"{folder}: expected training images of each label from 0 on; got {np.unique(labels).tolist()}")
    return ImageReading(
        images=images,
        labels=labels.astype(np.int64),
        test_images=test_images,
        test_labels=test_labels.astype(np.int64),
        names=tuple(map(str, range(count))),
        lines=len(images) + len(test_images),
        dropped={},
        repaired={},
    )


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes.

    Args:
        path: plain, or gzipped if its name ends in ``.gz``.
        dimensions: the number of dimensions that it must have.

    Raises:
        DataError: it is truncated, too long, or of another kind; the message says what was expected and what came.
    """
    try:
        content = path.read_bytes()
        data = gzip.decompress(content) if path.suffix == ".gz" else content
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: is not a complete gzip file ({error}); fetch it again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    start = 4 + 4 * dimensions
    if data[:4] != bytes((0, 0, UNSIGNED_BYTES, dimensions)) or len(data) < start:
        raise DataError(
            f"{path}: is not an IDX file of unsigned bytes in {dimensions} dimensions; it should start with the bytes "
            f"00 00 08 {dimensions:02d}, and starts with {data[:4].hex(' ') or 'nothing'}"
        )
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + math.prod(shape)
    if len(data) != expected or 0 in shape:
        raise DataError(
            f"{path}: its header promises {shape}, {expected:,} bytes; it holds {len(data):,}; fetch it again"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _find_file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder}: {name} or {name}.gz is missing; give the folder of the four IDX files with --data")
