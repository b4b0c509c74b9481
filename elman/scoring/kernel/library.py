"""Library: loads the compiled kernel, and chooses between it and numpy.

The environment variable ``ELMAN_KERNEL`` decides if it is set: ``numpy``; ``native``, which is an error if the library
is missing; or ``native:avx2`` for an instruction set other than the best one, such as ``native:vnni`` for products of
16-bit numbers, which are faster and less exact. ``ELMAN_KERNEL_LIBRARY`` is the path of a library that is used instead
of the package's, such as one with sanitizers.
"""

import ctypes
import os
import sys
from ctypes import POINTER, Structure, c_char_p, c_double, c_float, c_int32, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from elman.errors import SettingError

HERE = Path(__file__).parent / "built"
LIBRARY = HERE / ("libelman" + {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so"))
NOTE = HERE / "built.txt"
"""Where `elman.scoring.kernel.build` writes; that module must not be imported here, because it takes long to load."""

ABI = 5
"""As ``ELMAN_ABI`` in kernel.h: a library of another version is not used."""

KERNEL, OTHER_LIBRARY = "ELMAN_KERNEL", "ELMAN_KERNEL_LIBRARY"
NUMPY, NATIVE = "numpy", "native"
SHORT = ("vnni",)
"""Instruction sets whose products are of 16-bit numbers, so that answers are not exact to 1e-5: for those who ask."""

MOST_ORDERS, MOST_TOP = 32, 32
DONE, BAD_SYMBOL = 0, 1

FEW = 64
"""The most strings of a small call, for which memory is kept."""


class Matrix(Structure):
    """``elman_matrix`` in kernel.h; so are the structures below."""

    _fields_ = [
        ("weights", c_void_p),
        ("bias", c_void_p),
        ("shorts", c_void_p),
        ("scales", c_void_p),
        ("gates", c_int32),
        ("inner", c_int32),
        ("blocks", c_int32),
    ]


class Table(Structure):
    """``elman_table``."""

    _fields_ = [("floats", c_void_p), ("bytes", c_void_p), ("scales", c_void_p), ("size", c_int64)]


class Layer(Structure):
    """``elman_layer``."""

    _fields_ = [("recurrent", Matrix), ("input", Matrix)]


class Wholes(Structure):
    """``elman_wholes``."""

    _fields_ = [
        ("slots", c_void_p),
        ("rows", c_void_p),
        ("bytes", c_void_p),
        ("scales", c_void_p),
        ("hidden", Matrix),
        ("words", Table),
        ("mask", c_int64),
        ("word_buckets", c_int64),
        ("scale", c_float),
        ("size", c_int32),
        ("parts", c_int32),
        ("separator", c_int32),
        ("adds_logits", c_int32),
        ("order_count", c_int32),
        ("orders", c_int32 * MOST_ORDERS),
    ]


class Model(Structure):
    """``elman_model``."""

    _fields_ = [
        ("routines", c_void_p),
        ("layers", POINTER(Layer)),
        ("embedding", c_void_p),
        ("ngrams", Table),
        ("symbol_rows", c_void_p * 2),
        ("ngram_rows", c_void_p * 2),
        ("symbol_shorts", c_void_p * 2),
        ("ngram_shorts", c_void_p * 2),
        ("short_scales", c_void_p * 2),
        ("wholes", Wholes),
        ("head", Matrix),
        ("buckets", c_int64),
        ("cell", c_int32),
        ("activation", c_int32),
        ("hidden_size", c_int32),
        ("embedding_size", c_int32),
        ("layer_count", c_int32),
        ("directions", c_int32),
        ("symbols", c_int32),
        ("answers", c_int32),
        ("order_count", c_int32),
        ("orders", c_int32 * MOST_ORDERS),
    ]


class Strings(Structure):
    """``elman_strings``."""

    _fields_ = [("ids", c_void_p), ("starts", c_void_p), ("lengths", c_void_p)]


class Output(Structure):
    """``elman_output``."""

    _fields_ = [
        ("logits", c_void_p),
        ("labels", c_void_p),
        ("chances", c_void_p),
        ("floor", c_double),
        ("top", c_int32),
        ("temperature", c_float),
        ("by_order", c_int32),
    ]


class LevelAnswers(Structure):
    """``elman_level_answers``."""

    _fields_ = [
        ("groups", c_void_p),
        ("ids", c_void_p),
        ("chances", c_void_p),
        ("count", c_int32),
        ("start", c_int32),
        ("top", c_int32),
    ]


class FamiliarityTables(Structure):
    """``elman_familiarity``."""

    _fields_ = [
        ("counts", c_void_p),
        ("logarithms", c_void_p),
        ("groups", c_void_p),
        ("ranks", c_void_p),
        ("rank_starts", c_void_p),
        ("mask", c_int64),
        ("log_total", c_double),
        ("weights", c_double * 4),
    ]


class AnswersWanted(Structure):
    """``elman_answers``."""

    _fields_ = [
        ("routines", c_void_p),
        ("of_levels", c_void_p),
        ("familiarity", POINTER(FamiliarityTables)),
        ("familiar", c_void_p),
        ("floor", c_double),
        ("temperature", c_float),
        ("levels", c_int32),
        ("answers", c_int32),
    ]


class Alphabet(Structure):
    """``elman_alphabet``."""

    _fields_ = [
        ("kinds", c_void_p),
        ("counts", c_void_p),
        ("is_evidence", c_void_p),
        ("ids", c_void_p),
        ("placeholders", c_void_p),
        ("size", c_int32),
        ("space", c_int32),
        ("placeholder_count", c_int32),
    ]


class Texts(Structure):
    """``elman_texts``."""

    _fields_ = [("data", c_void_p), ("starts", c_void_p), ("width", c_int32)]


class _Routines(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("lanes", c_int32),
        ("bits", c_int32),
        ("step", c_void_p),
        ("multiply", ctypes.CFUNCTYPE(None, POINTER(Matrix), c_void_p, c_int64, c_int32, c_void_p)),
        ("add_row", c_void_p),
        ("add_rows", c_void_p),
        ("best", c_void_p),
        ("exponentials", c_void_p),
    ]


@dataclass(frozen=True)
class Choice:
    """Which kernel scores.

    Args:
        kernel: ``numpy`` or ``native``.
        routines: of the native kernel, its instruction set: ``avx512``, ``avx2``, ``neon``, ``portable`` or ``vnni``.
        reason: why this one runs, in one line.
    """

    kernel: str
    routines: str | None
    reason: str

    def __str__(self) -> str:
        """Return the choice in one line."""
        products = "16-bit" if self.routines in SHORT else "float32"
        how = "" if self.routines is None else f" ({self.routines}, {products} products)"
        return f"{self.kernel}{how}: {self.reason}"


class Library:
    """The compiled kernel.

    Args:
        path: of the shared library.

    Raises:
        OSError: it cannot be loaded, or it is of another version.
    """

    def __init__(self, path: Path) -> None:
        self._library = library = ctypes.CDLL(str(path))
        library.elman_abi.restype = c_int32
        if (abi := library.elman_abi()) != ABI:
            raise OSError(
                f"{path.name} has version {abi} of the interface, and this Elman needs {ABI}: compile it again"
            )
        self.check, self.sort, self.score = library.elman_check, library.elman_sort, library.elman_score
        self.sorting_size, self.memory_size = library.elman_sorting_size, library.elman_memory_size
        self.index = library.elman_index
        self.index.argtypes, self.index.restype = (c_void_p, c_int64, c_void_p, c_int64), None
        strings, model = POINTER(Strings), POINTER(Model)
        self.check.argtypes, self.check.restype = (strings, c_int32, c_int64), c_int32
        self.sort.argtypes, self.sort.restype = (strings, c_int32, c_int32, c_int64, c_void_p, c_void_p), None
        self.score.argtypes = (model, strings, c_void_p, c_int64, POINTER(Output), c_void_p)
        self.score.restype = None
        self.sorting_size.argtypes, self.sorting_size.restype = (c_int64,), c_int64
        self.memory_size.argtypes, self.memory_size.restype = (model, c_int64), c_int64
        self.answer, self.answering_size = library.elman_answer, library.elman_answering_size
        wanted = POINTER(AnswersWanted)
        self.answer.argtypes = (model, c_void_p, c_void_p, c_int64, POINTER(Output), wanted, c_void_p)
        self.answer.restype, self.answering_size.restype = c_int32, c_int64
        self.answering_size.argtypes = (model, c_int64)
        self.find_answers = library.elman_find_answers
        self.find_answers.argtypes = (wanted, c_void_p, POINTER(Strings), c_void_p, c_int64, c_void_p)
        self.find_answers.restype = None
        self.encode, self.placeholder = library.elman_encode, library.elman_placeholder
        self.encode.argtypes = (POINTER(Alphabet), POINTER(Texts), c_int64, c_void_p, c_void_p, c_void_p)
        self.encode.restype, self.placeholder.restype = c_int64, c_uint64
        self.placeholder.argtypes = (c_void_p, c_int64)
        library.elman_sources.restype = c_char_p
        library.elman_routines_at.restype = POINTER(_Routines)
        self.routines = self._list_routines()

    def _list_routines(self) -> "dict[str, ctypes._Pointer[_Routines]]":
        """Return the tables of routines that this processor can run by name: the fastest first, `SHORT` last."""
        found, place = {}, 0
        while table := self._library.elman_routines_at(place):
            found[table.contents.name.decode()] = table
            place += 1
        return found

    @property
    def sources(self) -> str:
        """The hash of the sources that it was compiled from."""
        answer: bytes = self._library.elman_sources()
        return answer.decode()


def choose_kernel() -> Choice:
    """Return which kernel scores in this process, and why.

    Raises:
        SettingError: ``ELMAN_KERNEL`` is not a kernel, or asks for one that cannot run here.
    """
    wanted = os.environ.get(KERNEL, "")
    kernel, _, routines = wanted.partition(":")
    if kernel not in ("", NUMPY, NATIVE) or (routines and kernel != NATIVE):
        raise SettingError(f"{KERNEL} must be {NUMPY} or {NATIVE}; got {wanted!r}")
    if kernel == NUMPY:
        return Choice(NUMPY, None, f"{KERNEL} is set")
    library = open_library()
    if isinstance(library, str):
        if kernel == NATIVE:
            raise SettingError(f"{KERNEL} is {wanted}, but there is no compiled kernel: {library}")
        return Choice(NUMPY, None, library)
    if routines and routines not in library.routines:
        known = ", ".join(library.routines)
        raise SettingError(f"{KERNEL} is {wanted}, but this processor or library has only {known}")
    chosen = routines or next(iter(library.routines))
    return Choice(NATIVE, chosen, f"{KERNEL} is set" if kernel else _read_note() or "a library of your own")


def open_library() -> Library | str:
    """Return the library, or why it cannot be used, in one line."""
    return _open(Path(os.environ.get(OTHER_LIBRARY) or LIBRARY))


@lru_cache
def _open(path: Path) -> Library | str:
    if not path.exists() and path != LIBRARY:
        return f"{OTHER_LIBRARY} is set, but there is no such file"
    if not path.exists():
        return _read_note() or "it was never compiled; python -m elman.scoring.kernel.build compiles it"
    try:
        return Library(path)
    except (OSError, AttributeError) as error:
        return f"the library cannot be loaded: {error}"


def _read_note() -> str:
    try:
        return NOTE.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
