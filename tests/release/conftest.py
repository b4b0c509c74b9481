"""The release scripts as modules, and small sources that were made up for them."""

import hashlib
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

sys.path.append(str(Path(__file__).parents[2]))  # release scripts are not installed; elman may be

NANA: dict[str, list[str]] = {
    "Kari Nordmann": ["Norwegian"],
    "Nordmann Kari": ["Norwegian"],
    "Ola Nordmann": ["Norwegian", "American"],
    "John Doe, 4th Earl Doe": ["English", "British"],
    "Someone of Somewhere": ["English"],
    "Matti Meikäläinen": ["Finn"],
}
PLAYERS = "Kari Nordmann\tNorway\tno.txt\nJuan Pérez\tSpain\tes.txt\nJane Roe\tAustralia\tau.txt\n"
SCORERS = "Juan Pérez\tSpain\nMax Muster\tSwitzerland\n"
PARTS = "".join(
    f"{text}\t{locale}\t{role}\tfaker-test\n"
    for locale, role, words in (
        ("nb_NO", "forename", "Kari Ola Per Nils Anne Ingrid Liv Marit Knut Lars"),
        ("nb_NO", "surname", "Hansen Olsen Berg Haugen Moen Lie Dahl Strand Vik Lund"),
        ("ja_JP", "forename", "翔太 里佳 美咲 健 明 直美 亮 浩一 智美 颯太"),
        ("ja_JP", "surname", "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤"),
        ("ru_RU", "forename", "Мария Анна Ольга Иван Пётр Олег"),
        ("ru_RU", "surname", "Иванов Иванова Петров Петрова Орлов Орлова"),
        ("ar_AA", "forename", "أمين عارف يحيى نبيل"),
        ("en", "forename", "Doe Mary"),
    )
    for text in words.split()
)


class MadeUp(NamedTuple):
    """Files of the four sources."""

    wheel: Path
    sha256: str
    data: Path


def write_wheel(path: Path, names: Any) -> str:
    """Write a wheel with these names, and return its SHA-256."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("name2nat/name2nats.pkl", pickle.dumps(names))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def made_up(tmp_path: Path) -> MadeUp:
    """The four sources with a few names each."""
    data = tmp_path / "data"
    data.mkdir()
    for name, text in (
        ("openfootball-players.tsv", PLAYERS),
        ("international-goalscorers.tsv", SCORERS),
        ("faker-names.tsv", PARTS),
    ):
        (data / name).write_text(text, encoding="utf-8")
    wheel = tmp_path / "name2nat-0.5.1-py3-none-any.whl"
    return MadeUp(wheel, write_wheel(wheel, NANA), data)


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[[Any], tuple[Path, str]]:
    """A function that writes a wheel with any pickled object and returns its path and SHA-256."""
    path = tmp_path / "any.whl"
    return lambda names: (path, write_wheel(path, names))
