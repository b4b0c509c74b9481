"""Images from the IDX files of the MNIST family, plain or gzipped. Headers and lengths are checked.

Source of the format: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits". A file starts with
two zero bytes, the type of its numbers (8: unsigned bytes) and the number of dimensions. Then comes each dimension as
four bytes, the highest first, then the numbers.
"""

import gzip
import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of, shown
from elman.errors import DataError

UNSIGNED_BYTES = 8
FILES = {
    "images": ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"),
    "labels": ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"),
}
"""The names of the published files of MNIST. Those of other sets differ a little: see `find_image_files`."""

_NAME = re.compile(
    r"(?!\.)(?P<set>.*?)(?P<part>train|t10k|test)[-_.](?P<content>images|labels)[-_.]idx[13][-_.]ubyte(?:\.gz)?",
    re.IGNORECASE,
)


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
        notes: empty.
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
    notes: tuple[str, ...] = ()


def has_images(folder: Path) -> bool:
    """Return whether a path is a folder of IDX files, by their names."""
    return folder.is_dir() and any(_NAME.fullmatch(file.name) for file in folder.iterdir())


def find_image_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the four IDX files of a folder, by part, ``train`` or ``test``, and content, ``images`` or ``labels``.

    The test part is called ``t10k`` or ``test``. Words may be separated by hyphens, dots or underscores; the name may
    begin with that of the set, and end in ``.gz``. A plain file is read rather than a packed one.

    Raises:
        DataError: a file is missing, or the folder holds several sets.
    """
    sets: dict[str, dict[tuple[str, str], Path]] = {}
    if folder.is_dir():
        for file in sorted(folder.iterdir(), key=lambda file: (file.suffix.lower() == ".gz", file.name)):
            if file.is_file() and (match := _NAME.fullmatch(file.name)):
                part = "train" if match["part"].lower() == "train" else "test"
                sets.setdefault(match["set"], {}).setdefault((part, match["content"].lower()), file)
    if len(sets) > 1:
        names = ", ".join(shown(f"{name}…") for name in sorted(sets))
        raise DataError(f"{folder}: holds several sets of IDX files, {names}; give a folder that holds one")
    found = next(iter(sets.values()), {})
    for content, names_of in FILES.items():
        for part, name in zip(("train", "test"), names_of, strict=True):
            if (part, content) not in found:
                raise DataError(f"{folder}: {name} or {name}.gz is missing; give the folder of the four IDX files")
    return found


def read_images(folder: Path | str) -> ImageReading:
    """Read the four IDX files of a folder; see `find_image_files`.

    Raises:
        DataError: a file is missing, truncated or of another kind, or the files do not match each other.
    """
    folder = Path(folder)
    files = find_image_files(folder)
    images, test_images = (read_idx(files[part, "images"], dimensions=3) for part in ("train", "test"))
    labels, test_labels = (read_idx(files[part, "labels"], dimensions=1) for part in ("train", "test"))
    for pictures, answers, part in ((images, labels, "train"), (test_images, test_labels, "test")):
        if len(pictures) != len(answers):
            name = files[part, "images"].name
            found = f"{count_of(len(pictures), 'image')} for {count_of(len(answers), 'label')}"
            raise DataError(f"{folder}: {name} holds {found}; fetch them again")
    if images.shape[1:] != test_images.shape[1:]:
        raise DataError(f"{folder}: train images are {images.shape[1:]}, test images {test_images.shape[1:]}")
    values, ids = np.unique(labels, return_inverse=True)  # they need not start at 0, nor be without gaps
    unknown = np.setdiff1d(test_labels, values).tolist()
    if len(values) < 2 or unknown:
        expected = "training images of at least two labels, and of each label of the test images"
        raise DataError(f"{folder}: expected {expected}; got {values.tolist()}, and for the test also {unknown}")
    return ImageReading(
        images=images,
        labels=ids.astype(np.int64),
        test_images=test_images,
        test_labels=np.searchsorted(values, test_labels).astype(np.int64),
        names=tuple(map(str, values.tolist())),
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
