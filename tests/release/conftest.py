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


SYLLABLES = {
    "Japanese": "aki ko mi sa ta na yo shi ha ro",
    "Polish": "szcz wski czy rzy ewa jano niew dzia",
    "Finnish": "nen ala jarvi tuu kko hei ssa iina",
}


def make_rows(label: str, count: int, seed: int) -> list[Any]:
    """Return rows of invented names of a label."""
    import random

    from release.origins.rows import make_row

    rng, syllables = random.Random(f"{label} {seed}"), SYLLABLES[label].split()
    names = (" ".join("".join(rng.choices(syllables, k=3)) for _ in range(2)) for _ in range(count))
    return [make_row(name, label, ("nana", "faker")[place % 2], "full") for place, name in enumerate(names)]


class Trained(NamedTuple):
    """A very small model of three origins, and the data that it learned from, as the build writes them."""

    built: Path
    run: Path
    parts: dict[str, list[Any]]


@pytest.fixture(scope="session")
def trained(toy_config: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model of invented names, trained and measured once. Read it; do not write to it."""
    from dataclasses import replace

    from elman import read_examples, train_run
    from release.origins.build import count, write

    folder = tmp_path_factory.mktemp("origins")
    parts = {
        part: [row for label in SYLLABLES for row in make_rows(label, size, seed)]
        for seed, (part, size) in enumerate((("train", 300), ("validation", 100), ("test", 60)))
    }
    counts = {**count(parts), "unmapped": {"nana": {"American": 3}, "openfootball": {}, "goalscorers": {}, "faker": {}}}
    write(parts, counts, folder / "built")
    examples = read_examples(folder / "built" / "train.csv", text="name", label="label")
    train_run(examples, replace(toy_config(epochs=2), baseline="none"), folder / "run", quiet=True)
    return Trained(folder / "built", folder / "run", parts)


@pytest.fixture(scope="session")
def finished(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that is made from that model for the package."""
    from elman.model.file import load_artifact, save_artifact
    from release.origins.finish import finish

    path = tmp_path_factory.mktemp("finished") / "origins.safetensors"
    save_artifact(finish(load_artifact(trained.run / "model.safetensors"), trained.parts, weights="int8"), path)
    return path


def make_person(locale: str) -> dict[str, Any]:
    """Return forenames and surnames that no other locale has."""
    end = locale.replace("-", "")
    return {
        "names": {"male": [f"{start}{end}" for start in ("Aki", "Ora", "Ilo", "Emi")]},
        "surnames": [f"{start}{end}" for start in ("Tuu", "Ewa", "Nen", "Rzy")],
    }


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Wheels with the files of the lists of names, made up."""
    import json

    from release.origins.figures.lists import MIMESIS

    folder = tmp_path / "lists"
    folder.mkdir()
    japanese = {
        "names": {"female": ["美咲", "里佳"], "male": ["健", "翔太"]},
        "surnames": ["佐藤", "鈴木 (name)", "高橋"],
    }
    persons = {locale: japanese if locale == "ja" else make_person(locale) for locale in (*MIMESIS, "ar")}
    header = "# DO NOT\n#                             Great Britain  $\n#                             |  $\n"
    header += "#                              Poland  $\n#                              |  $\n"
    header += "#                               U.S.A.  $\n#                               |  $\n"
    dictionary = header + "".join(
        f"M  {name:<26}{mark}{frequencies} $\n"
        for name, mark, frequencies in (
            ("Ewa", " ", "15 "),
            ("Ann", " ", "77 "),
            ("Rzy", "+", " 9 "),
            ("Bud", " ", "1 8"),
            ("Uwe", " ", " 1 "),
        )
    )
    for package, files in {
        "mimesis": {f"mimesis/datasets/{one}/person.json": json.dumps(person) for one, person in persons.items()},
        "gender_guesser": {"gender_guesser/data/nam_dict.txt": dictionary},
        "japanese_personal_name_dataset": {
            "japanese_personal_name_dataset/dataset/last_name_org.csv": "佐藤,9,さとう,satou\n脇本,1,,\n"
        },
        "hebrew_names": {"hebrew_names/dist.jew.last": "כהן\t178031\t1\nלוי\t102209\t2\n".encode("utf-16")},
    }.items():
        with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    return folder
