"""Any input gets an answer or an abstention without a crash, and the same one from every interface."""

import io
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.annotation.local import annotate_file
from elman.cli import main
from elman.model.shipped import shipped_models
from elman.prediction.predictor import Predictor
from elman.tables.formats import CELL_CHARACTERS

HEADERS = {"content-type": "application/json"}
STORM = "Müller" + "\u0301\u0316\u20dd" * 1000
STRANGE = [
    "", " ", "\t\n", "\x00", "\x1b[31mNakamura\x1b[0m", "Nakamura\u202e", "\ufeffNakamura", "مُحَمَّد", "אברהם",
    "👩‍👩‍👧‍👦", "🇩🇪 Müller", "Ｎａｋａｍｕｒａ", "中村", "김철수", "\U000e0041\U000e0042", "a\u200db", "ﬁnch",
    "İstanbul", "ß", "ẞ",
    "\u0301", "\u0301" * 100, STORM, "x" * 200, "x" * 201, "'" * 50, "-", "O’Brien", "Nguyễn", "Đặng", "1234", "=1+1",
    "<script>alert(1)</script>", "'; DROP TABLE names; --", "%s%n", "../../etc/passwd", "null", "NaN", "\u2028", "\x85",
    "\ud800", "\udfff\ud800", "a\ud83d",
]  # fmt: skip
CHARACTERS = st.characters() | st.sampled_from("\u0301\u0316\u200d\u202e\ufe0f\x00\x1b\ud800'’ -éß水👩")
ANY = st.text(CHARACTERS, max_size=60) | st.sampled_from(STRANGE)


@pytest.fixture(scope="module")
def languages():
    return elman.load("languages")


def facts(answer):
    """Return the parts of an answer that all interfaces give."""
    return answer["label"], None if answer["label"] is None else round(answer["probability"], 4), answer["reason"]


def ask_command_line(names, stdin=b""):
    """Return the answers of `elman predict --json`, run in this process."""
    before = sys.argv, sys.stdout, sys.stdin
    sys.argv = ["elman", "predict", "--model", "languages", "--json", "--", *names]
    sys.stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    try:
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        assert ended.value.code == 0
        return json.loads(sys.stdout.buffer.getvalue())
    finally:
        sys.argv, sys.stdout, sys.stdin = before


def ask_standard_input(names):
    """Return the answers of `elman predict --json` for lines; the first line, which may hold a mark, is another one."""
    return ask_command_line([], "\n".join(["Nakamura", *names, ""]).encode())[1:]


def can_be_argument(name):
    """Return whether a name is text rather than what Python makes of invalid bytes, and is not a path that exists."""
    return not re.search("[\udc80-\udcff]", name) and not os.path.exists(name)


def can_be_line(name):
    return not re.search("[\r\n\ud800-\udfff]", name)


def ask_annotation(predictor: Predictor, names: list[str], folder: Path):
    table = "".join(json.dumps({"name": name}) + "\n" for name in names)  # half a surrogate pair must be escaped
    (folder / "in.jsonl").write_text(table, encoding="ascii")
    annotate_file(predictor, folder / "in.jsonl", folder / "out.jsonl", column="name", overwrite=True)
    lines = (folder / "out.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    return [{key.removeprefix("elman_"): value for key, value in json.loads(line).items()} for line in lines]


def ask_service(predictor: Predictor, names: list[str]):
    pytest.importorskip("fastapi")
    sys.path.insert(0, str(Path(__file__).with_name("server")))
    from client import make_app, send

    body = json.dumps({"names": names}).encode("ascii")
    app = make_app(predictor, characters=10**5, names=10**4)
    response = send(app, "POST", "/v1/predict", content=body, headers=HEADERS)
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def check(predictor, names, folder):
    names = [json.loads(json.dumps(name)) for name in names]  # JSON joins the two halves of a surrogate pair
    answers = [facts(answer.to_dict()) for answer in predictor.predict(names)]
    for label, probability, reason in answers:
        assert (label is None) == (reason is not None) == (probability is None)
        assert probability is None or 0 < probability <= 1
    close = [(label, None if p is None else pytest.approx(p, abs=2e-4), reason) for label, p, reason in answers]
    assert [facts(predictor.predict(name).to_dict()) for name in names] == close
    for can_be, ask in ((can_be_argument, ask_command_line), (can_be_line, ask_standard_input)):
        places = [place for place, name in enumerate(names) if can_be(name)]
        if places:
            answers = ask([names[place] for place in places])
            assert [facts(answer) for answer in answers] == [close[place] for place in places]
    assert [facts(answer) for answer in ask_annotation(predictor, names, folder)] == close
    assert [facts(answer) for answer in ask_service(predictor, names)] == close


def test_strange_strings_get_the_same_answer_from_every_interface(languages, tmp_path):
    check(languages, STRANGE, tmp_path)


@settings(max_examples=25)
@given(names=st.lists(ANY, min_size=1, max_size=20))
def test_arbitrary_strings_get_the_same_answer_from_every_interface(languages, tmp_path_factory, names):
    check(languages, names, tmp_path_factory.mktemp("any"))


def test_very_long_strings_are_answered_by_every_interface(languages, tmp_path):
    for length in (10**6, CELL_CHARACTERS):
        endless = ["x" * length, "\u0301\u0316" * (length // 2), "水" * length, " " * length]
        answers = [facts(answer.to_dict()) for answer in languages.predict(endless)]
        assert [reason.split(":")[0] for _, _, reason in answers] == ["too long"] * 3 + ["blank"]
        assert [facts(answer) for answer in ask_command_line(endless)] == answers
    assert [facts(answer) for answer in ask_annotation(languages, endless, tmp_path)] == answers
    assert [facts(answer) for answer in ask_standard_input(endless)] == answers


FUZZ = """
import random, sys
from pathlib import Path
import elman
from elman.annotation.local import annotate_file
from elman.errors import ElmanError

kind, source, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
content, draw, model = source.read_bytes(), random.Random(seed), elman.load("languages")
refused = 0
for turn in range(int(sys.argv[4])):
    broken = bytearray(content)
    for _ in range(draw.choice([1, 2, 8, 64])):
        place = draw.randrange(len(broken))
        if draw.random() < 0.2:
            del broken[place : place + draw.randrange(1, 200)]
        elif draw.random() < 0.2:
            broken[place:place] = draw.randbytes(draw.randrange(1, 50))
        else:
            broken[place] = draw.randrange(256)
        if not broken:
            break
    path = source.with_name("broken" + "".join(source.suffixes))
    path.write_bytes(broken)
    try:
        if kind == "model":
            elman.load(path).predict(["Nakamura", "abc"])
        else:
            annotate_file(model, path, path.with_name("answered.jsonl"), column="name", overwrite=True)
    except ElmanError as error:
        refused += 1
        assert len(str(error).splitlines()) == 1, str(error)
print(refused)
"""


def fuzz(kind, path, *, turns, seed):
    """Return how many broken copies were refused in one line. The others were read; none crashed."""
    command = [sys.executable, "-c", FUZZ, kind, str(path), str(seed), str(turns)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.zst"])
def test_a_broken_table_is_refused_or_read_and_never_crashes(languages, tmp_path, suffix):
    draw = random.Random(1)
    names = ["".join(draw.choices("abcdeéü水\"', \n", k=9)) for _ in range(60)]
    pq.write_table(pa.table({"k": range(60), "name": names}), tmp_path / "whole.parquet", row_group_size=20)
    if suffix != ".parquet":
        annotate_file(languages, tmp_path / "whole.parquet", tmp_path / f"plain{suffix}", column="name")
        content = (tmp_path / f"plain{suffix}").read_bytes()
        (tmp_path / f"whole{suffix}").write_bytes(content.replace(b"elman_", b"x_"))
    assert fuzz("table", tmp_path / f"whole{suffix}", turns=120, seed=2) > 20


def test_a_broken_model_file_is_refused_or_read_and_never_crashes(tmp_path, tiny_file):
    assert fuzz("model", tiny_file, turns=300, seed=3) > 200
    shipped = tmp_path / "languages.safetensors"
    shipped.write_bytes(shipped_models()["languages"].read_bytes())
    assert fuzz("model", shipped, turns=20, seed=4) == 20  # its digest detects every change
