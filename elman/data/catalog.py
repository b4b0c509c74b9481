"""The catalog: the data sets that Elman knows by name, where they come from, and how they are read.

A named set is read from the folder that the user gives, or from the cache; otherwise it is downloaded once. The
smallest set is in this file.
"""

from dataclasses import dataclass
from pathlib import Path

from elman.checks import shown, suggest
from elman.errors import DataError

LANGUAGES = (
    *("Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish"),
    *("Italian", "Japanese", "Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Vietnamese"),
)


@dataclass(frozen=True)
class NamedSet:
    """A data set that Elman knows by name.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it, and its licence.
        url: a zip archive.
        folder: the folder of its files inside the archive.
        labels: its labels; each has a file.
        junk: lines of the published files that are not examples.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    url: str
    folder: str
    labels: tuple[str, ...]
    junk: frozenset[str]
    task: str = "label"


@dataclass(frozen=True)
class ImageSet:
    """Images that Elman knows by name, as four IDX files.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it, and its licence.
        url: the address of the folder that holds the files.
        digests: the MD5 of each published file, by its name.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    url: str
    digests: dict[str, str]
    task: str = "images"


@dataclass(frozen=True)
class PairSet:
    """A set of pairs of strings, small enough for this file.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it.
        pairs: source and target.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    pairs: tuple[tuple[str, str], ...]
    task: str = "tags"


@dataclass(frozen=True)
class PairFiles:
    """Pairs of strings of any lengths that Elman knows by name, one file for each part.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it, and its licence.
        url: the address of the folder that holds the files, at the commit whose digests are below.
        files: the file of the ``train`` and ``test`` part, and of the ``validation`` part if there is one.
        digests: the SHA-256 of each published file, by its name.
        target_symbols: what the symbols of a target are; see `elman.data.pairs`.
        count: the number of the column that says how often a pair occurs; None if there is no such column.
        join: whether the blanks inside targets are removed.
        held_out: how many sources of the training part validate, if there is no validation part.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    url: str
    files: dict[str, str]
    digests: dict[str, str]
    target_symbols: str = "characters"
    count: str | None = None
    join: bool = False
    held_out: int | None = None
    task: str = "pairs"


@dataclass(frozen=True)
class TextSet:
    """Strings without labels that Elman knows by name, a file with one on each line.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it, and its licence.
        url: the address of the folder that holds the file, at the commit whose digest is below.
        digests: the SHA-256 of the published file, by its name.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    url: str
    digests: dict[str, str]
    task: str = "generate"


AnySet = NamedSet | ImageSet | PairSet | PairFiles | TextSet
FileSet = PairFiles | TextSet
"""Sets whose files are downloaded as they are, and compared with their SHA-256."""

SCRIPTS = {
    "arabic": (
        "Arabic",
        "28b29365f362c4a210aeddcb8bd7cecadf6bf6306eeb923c1f64cb26d2e54d61",
        "a6882d99c4caa116517254a5806d39953c598d3d324d73b9eac1aaf9638d61d6",
        "e4f569b35b034fe2eca5368d76afa750e83c9a8038ab9c6efd9290aa39f6fc8f",
    ),
    "hebrew": (
        "Hebrew",
        "9ae945d819414b49a056c967cc108fc3643d31daec7d2ae6b589af80fa832174",
        "4511043a81583522101e5ab4f92162c41d17265ccb46ba598605d5a6c55ff1a3",
        "5eb40b57efda91749cd8fe0efacb6ac5981c16998a044d0c7c65c0047e9fa8c9",
    ),
    "katakana": (
        "Japanese katakana",
        "08c4022652d10ab1dacd2538f041027bebe42872d4f47ada67100e0638641bcb",
        "87ba49a2b1465cde8f3c28d67b7730d4c627bd943f13200d46d698dd571db461",
        "6af9726f88ca1324976ed3d204373faad3de30d8a9b18b0723543fbc2ac5e8ff",
    ),
    "korean": (
        "Korean Hangul",
        "1b108a39b399de4e63c46f37ae5057f53f674b8004d8758292588264864f52c3",
        "87ce88c31184be2a06a45d4e68e7d567017e897e743fbd6f67984a69c5bb162e",
        "3adfc1fad68eba45c96693cf113d91307d55d2a4a49713c28d24d3aedd720037",
    ),
    "russian": (
        "Russian Cyrillic",
        "bffa05e0fa904af1b10de07644fc87b0eae19308ae31cd6e34cd2732b5b2ac8f",
        "3003b66e4a5c49b2bdf9cf9a8c4f26941066215db60966be31a23669a9d04a3b",
        "0b3f16caf82a6e27e516206c226bd0ae615ae86e4785e750ae4047e38ef8595c",
    ),
}
"""Scripts of names: what they are called, and the SHA-256 of the training, validation and test part."""

SHARES = {"train": 64, "validation": 16, "test": 20}
"""The parts of the names between scripts, in per cent, as their files are called."""


def _between_scripts(script: str) -> PairFiles:
    title, *digests = SCRIPTS[script]
    files = {part: f"wd_{script}_{share}" for part, share in SHARES.items()}
    return PairFiles(
        name=f"transliteration-{script}",
        about=f"parts of names of persons in Latin letters, and how they are written in {title}, with fixed parts",
        origin="Y. Merhav and S. Ash, NETransliteration-COLING2018, from Wikidata, CC0",
        url="https://raw.githubusercontent.com/steveash/NETransliteration-COLING2018/"
        "5d5f59e561ecea45a6d3602121e1049baa7a76c3/data/",
        files=files,
        digests=dict(zip(files.values(), digests, strict=True)),
        count="3",
        join=True,
    )


CATALOG: dict[str, AnySet] = {
    "languages": NamedSet(
        name="languages",
        about="about 20,000 surnames of 18 languages, written in Latin letters",
        origin="Sean Robertson, practical-pytorch, 2017, MIT licence",
        url="https://download.pytorch.org/tutorial/data.zip",
        folder="data/names",
        labels=LANGUAGES,
        junk=frozenset({"To The First Page"}),
    ),
    "hello": PairSet(
        name="hello",
        about="one pair, hello → ohlol: the smallest exercise in tagging in step, learned by heart",
        origin="Widely used in tutorials of recurrent layers",
        pairs=(("hello", "ohlol"),),
    ),
    "mnist": ImageSet(
        name="mnist",
        about="70,000 handwritten digits of 28 × 28 pixels, read row by row",
        origin="Y. LeCun, C. Cortes and C. Burges, 1998",
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        digests={
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "pronunciation": PairFiles(
        name="pronunciation",
        about="106,837 English words and 12,000 for the test with their pronunciations in ARPAbet, "
        "the split g014b2b of CMUdict",
        origin="CMUdict, Carnegie Mellon University, BSD licence; split of J. Novak, Phonetisaurus, BSD licence",
        url="https://raw.githubusercontent.com/AdolfVonKleist/Phonetisaurus/"
        "479ce85b7d3de95da08cf4e936c8f555765bd108/test/g014b2b/",
        files={"train": "g014b2b.train", "test": "g014b2b.ref"},
        digests={
            "g014b2b.train": "5882433c3a14a9a0614b5f724ce74872851092e816852c82d6b74913b2085384",
            "g014b2b.ref": "b1f24ab99ae8be1d37ee951984646a248c4fd5ae8b0a24a2f4ba2cfa0e2fc46a",
        },
        target_symbols="blanks",
        held_out=2670,
    ),
    **{entry.name: entry for entry in map(_between_scripts, SCRIPTS)},
    "given-names": TextSet(
        name="given-names",
        about="32,033 given names of the United States, 29,494 of them different, to write new ones",
        origin="A. Karpathy, makemore, 2022, MIT licence",
        url="https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/",
        digests={"names.txt": "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"},
    ),
}


def find_set(name: str) -> AnySet:
    """Return the entry of that name.

    Raises:
        DataError: there is no such entry.
    """
    if name not in CATALOG:
        near = suggest(name, CATALOG)
        raise DataError(f"no data set is named '{shown(name)}'; the named sets are {', '.join(CATALOG)}{near}")
    return CATALOG[name]


def check_folder(entry: NamedSet, folder: Path) -> Path:
    """Return the folder that holds the files of a set: ``folder``, or its subfolder named as in the archive.

    Raises:
        DataError: a file is missing.
    """
    for place in (folder, folder / entry.folder.rsplit("/", 1)[-1]):
        missing = [label for label in entry.labels if not (place / f"{label}.txt").is_file()]
        if not missing:
            return place
        if len(missing) < len(entry.labels):
            names = ", ".join(f"{label}.txt" for label in missing)
            raise DataError(f"{place}: files of the data set {entry.name!r} are missing: {names}")
    expected = f"{entry.labels[0]}.txt … {entry.labels[-1]}.txt"
    raise DataError(f"{folder}: does not contain the data set {entry.name!r}; expected {expected}")


def check_files(entry: FileSet, folder: Path) -> Path:
    """Return the folder that holds the files of a set.

    Raises:
        DataError: a file is missing.
    """
    missing = [name for name in entry.digests if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder}: files of the data set {entry.name!r} are missing: {', '.join(missing)}")
    return folder
