"""The commands on tags, numbers, features and images: train, predict, evaluate and show."""

import json
import re

import numpy as np
import pytest
from pictures import draw_pictures, write_picture_folder

from elman.prediction.predictor import load

SMALL = ("--hidden-size", 8, "--threads", 1)
LINEAR = ("--number", "rent", "--features", "area,rooms")


def error_line(outcome, *, silent=True) -> str:
    """Return the line that bad input gets."""
    assert outcome.status == 2
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    assert outcome.out == "" or not silent
    return outcome.err


@pytest.fixture
def pairs(tmp_path):
    """A file of 80 pairs: each symbol's tag is its upper case."""
    draw = np.random.default_rng(1)
    texts = sorted({"".join(draw.choice(list("abc"), draw.integers(2, 6))) for _ in range(150)})[:80]
    (tmp_path / "pairs.tsv").write_text("".join(f"{text}\t{text.upper()}\n" for text in texts), "utf-8")
    return "pairs.tsv"


@pytest.fixture
def flats(tmp_path):
    """A table of 80 flats: rent = 8 · area + 50 · rooms + 100, and a name for each."""
    draw = np.random.default_rng(1)
    rows = ["name,area,rooms,rent"]
    for _ in range(80):
        area, rooms = draw.integers(20, 120), draw.integers(1, 6)
        rows.append(f"{'ab' * rooms}{draw.choice(list('cde'))}{area},{area},{rooms},{8 * area + 50 * rooms + 100}")
    (tmp_path / "flats.csv").write_text("\n".join([*rows, ""]), "utf-8")
    return "flats.csv"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The four IDX files of a tiny set of pictures, 28 × 28."""
    return write_picture_folder(tmp_path_factory.mktemp("digits"), size=28, train=60, test=20)


# Tags


@pytest.mark.parametrize("options", [(), ("--hand",)])
def test_hello_prints_the_loss_and_the_answer_of_each_epoch(elman_here, tmp_path, options):
    outcome = elman_here("train", "hello", *options, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    epochs = re.findall(r"^epoch +(\d+)  loss (\d\.\d{3}) .* hello → ([ehlo]{5})$", outcome.out, re.MULTILINE)
    assert [int(epoch) for epoch, _, _ in epochs] == list(range(1, 21))
    assert (epochs[-1][2], float(epochs[-1][1]) < float(epochs[0][1])) == ("ohlol", True)
    assert ("by hand" if options else "torch.nn") in outcome.out
    assert elman_here("predict", "-m", "run", "hello").out.startswith("hello\tohlol\t")


def test_another_cell_may_learn_hello_too(elman_here):
    options = ("--cell", "gru", "--hidden-size", 4, "--split", "none", "--epochs", 2)
    outcome = elman_here("train", "hello", *options, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    assert "gru (torch.nn)" in outcome.out


def test_pairs_from_a_file_become_a_tagger(elman_here, pairs, tmp_path):
    outcome = elman_here("train", pairs, "--tags", *SMALL, "--epochs", 12, "--learning-rate", 0.03, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    report = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    assert report["test"]["symbol_accuracy"] > 0.9
    assert f"{report['test']['string_accuracy']:.1%}".replace("%", " %") in outcome.out
    assert load(tmp_path / "run").labels == ("A", "B", "C")


def test_pairs_of_unequal_length_are_refused_by_line(elman_here, tmp_path):
    (tmp_path / "pairs.tsv").write_text("ab\tAB\nabc\tAB\n")
    line = error_line(elman_here("train", "pairs.tsv", "--tags", "--out", "run"))
    assert "pairs.tsv, line 2: the source has 3 symbols and the target 2" in line
    assert not (tmp_path / "run").exists()


def test_a_tagger_is_evaluated_on_its_test_part(elman_here, pairs, tmp_path):
    elman_here("train", pairs, "--tags", *SMALL, "--epochs", 1, "--out", "run")
    values = json.loads(elman_here("evaluate", "run", pairs, "--json").out)
    expected = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))["test"]
    counts = {"lines": 80, "dropped": {}, "repaired": {}, "abstained": 0, "abstentions": {}}
    assert values == {"model": "pairs", "data": pairs, "part": "test", **expected, **counts}
    shown = elman_here("evaluate", "run", pairs).out
    assert f"{expected['examples']} examples, {expected['symbols']} symbols" in shown
    assert "symbols right" in shown
    assert f"{100 * expected['string_accuracy']:.1f} %" in shown


def test_a_tagger_can_be_resumed(elman_here, pairs):
    first = elman_here("train", pairs, "--tags", *SMALL, "--epochs", 2, "--out", "run")
    again = elman_here("train", pairs, "--out", "run", "--resume")
    assert (first.status, again.status, again.err) == (0, 0, "")


# Numbers


def test_a_number_is_answered_in_its_own_unit(elman_here, flats, tmp_path):
    outcome = elman_here("train", flats, "--number", "rent", *SMALL, "--epochs", 2, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    assert re.search(r"^epoch +1  loss \d+\.\d{3}   validation \d+\.\d{3} ", outcome.out, re.MULTILINE)
    ((name, value),) = (line.split("\t") for line in elman_here("predict", "-m", "run", "abc50").out.splitlines())
    assert (name, 0 < float(value) < 2_000) == ("abc50", True)
    values = json.loads(elman_here("evaluate", "run", flats, "--json").out)
    assert values["part"] == "test"
    assert values["rmse"] == json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))["test"]["rmse"]


def test_features_become_an_equation(elman_here, flats):
    outcome = elman_here("train", flats, *LINEAR, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    assert "rent = 8 · area + 50 · rooms + 100" in outcome.out
    assert elman_here("predict", "-m", "run", "50,2").out == "50,2\t600\n"
    assert json.loads(elman_here("predict", "-m", "run", "50,2", "--json").out)[0]["value"] == pytest.approx(
        600, abs=0.1
    )


def test_the_tutorials_regression_prints_every_hundredth_epoch(elman_here, flats):
    outcome = elman_here("train", flats, *LINEAR, "--recipe", "t5-linear", "--threads", 1, "--out", "run")
    printed = [int(epoch) for epoch in re.findall(r"^epoch +(\d+)", outcome.out, re.MULTILINE)]
    assert printed == [1, *range(100, 1001, 100)]
    assert "rent = 8 · area + 50 · rooms + 100" in outcome.out


def test_a_regression_is_evaluated_on_all_rows(elman_here, flats):
    elman_here("train", flats, *LINEAR, "--epochs", 1, "--out", "run")
    values = json.loads(elman_here("evaluate", "run", flats, "--json").out)
    assert (values["part"], values["examples"]) == ("all", 80)
    assert "R²" in elman_here("evaluate", "run", flats).out


def test_a_row_of_another_kind_gets_one_line(elman_here, flats):
    elman_here("train", flats, *LINEAR, "--epochs", 1, "--out", "run")
    assert "area, rooms" in error_line(elman_here("predict", "-m", "run", "1,2,3"))


def test_a_column_that_is_missing_is_named(elman_here, flats):
    assert "'floor'" in error_line(elman_here("train", flats, "--number", "rent", "--features", "area,floor"))


# Options that contradict each other


@pytest.mark.parametrize(
    "options", [("--tags", "--number", "rent"), ("--features", "area"), ("--recipe", "t4"), (*LINEAR, "--cell", "gru")]
)
def test_a_contradiction_gets_one_line_and_leaves_nothing(elman_here, flats, tmp_path, options):
    error_line(elman_here("train", flats, *options, "--out", "run"))
    assert not (tmp_path / "run").exists()


# Images


def test_a_model_of_images_is_trained_predicts_and_is_evaluated(elman_here, digits, tmp_path):
    from PIL import Image

    outcome = elman_here("train", "mnist", "--data", digits, "--epochs", 1, *SMALL, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    assert "28 rows of 28 pixels" in outcome.out
    assert "mistakes.png" in outcome.out
    Image.fromarray(draw_pictures(1, 28)[0][0]).save(tmp_path / "one.png")
    answer = elman_here("predict", "-m", "run", "one.png").out.split("\t")
    assert (answer[0], answer[1] in ("0", "1", "2")) == ("one.png", True)
    values = json.loads(elman_here("evaluate", "run", "mnist", "--data", digits, "--json").out)
    expected = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))["test"]
    assert {name: values[name] for name in expected} == expected
    assert (values["part"], values["examples"]) == ("test", 20)
    plot = elman_here("models", "show", "run", "--plot", "net.png")
    assert (plot.out, (tmp_path / "net.png").read_bytes()[:4]) == ("Drawn to net.png\n", b"\x89PNG")
    assert "one.txt" in error_line(elman_here("predict", "-m", "run", "one.txt"))


def test_a_folder_of_idx_files_is_recognised(elman_here, digits):
    outcome = elman_here("train", digits, "--epochs", 1, *SMALL, "--out", "run")
    assert outcome.status == 0, outcome.err
    by_name = json.loads(elman_here("evaluate", "run", "mnist", "--data", digits, "--json").out)
    by_path = json.loads(elman_here("evaluate", "run", digits, "--json").out)
    assert by_path["accuracy"] == by_name["accuracy"] and by_path["part"] == "test"
    assert "80 images of 28 × 28 pixels" in elman_here("data", "show", digits).out


def test_a_model_of_images_refuses_words(elman_here, digits, tmp_path):
    elman_here("train", "mnist", "--data", digits, "--epochs", 1, *SMALL, "--out", "run")
    (tmp_path / "words.csv").write_text("name,label\nabc,0\nbcd,1\n")
    assert "words.csv" in error_line(elman_here("evaluate", "run", "words.csv"))


def test_the_tutorials_images_take_any_cell(elman_here, digits):
    options = ("--recipe", "t4", "--cell", "rnn", "--hand", "--epochs", 1, *SMALL)
    outcome = elman_here("train", "mnist", "--data", digits, *options, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    assert "rnn (by hand), layers: 2, hidden size: 8, directions: 1" in outcome.out


def test_a_truncated_file_of_images_gets_one_line(elman_here, tmp_path):
    folder = write_picture_folder(tmp_path / "set", size=28, train=12, test=6)
    cut = folder / "t10k-images-idx3-ubyte"
    cut.write_bytes(cut.read_bytes()[:-1])
    line = error_line(elman_here("train", "mnist", "--data", folder, "--out", "run"))
    assert re.search(r"t10k-images-idx3-ubyte: its header promises \(6, 28, 28\)", line)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("shift", [-1, "far"])
def test_an_invalid_shift_gets_one_line_and_leaves_nothing(elman_here, digits, tmp_path, shift):
    outcome = elman_here("train", "mnist", "--data", digits, "--shift", shift, "--epochs", 1, *SMALL, "--out", "run")
    assert "shift" in error_line(outcome, silent=False)
    assert not (tmp_path / "run").exists()


# Showing data and models


def test_show_counts_images_by_label(elman_here, digits):
    outcome = elman_here("data", "show", "mnist", "--data", digits)
    assert outcome.out.startswith("mnist: 80 images of 28 × 28 pixels\n")
    assert re.findall(r"^[│|] (\d) +[│|] +(\d+) [│|] +(\d+) [│|]$", outcome.out, re.MULTILINE) == [
        ("0", "20", "7"),
        ("1", "20", "7"),
        ("2", "20", "6"),
    ]


def test_show_has_the_one_pair_of_hello(elman_here):
    outcome = elman_here("data", "show", "hello")
    assert (outcome.status, outcome.err) == (0, "")
    assert "1 line read, 1 example" in outcome.out
    assert "ohlol" in outcome.out


def test_hello_cannot_be_fetched(elman_here):
    assert "nothing to fetch" in error_line(elman_here("data", "fetch", "hello"))


def test_show_draws_a_network(elman_here, model_file, tmp_path):
    outcome = elman_here("models", "show", model_file, "--plot", "net.png")
    assert (outcome.status, outcome.out, outcome.err) == (0, "Drawn to net.png\n", "")
    assert (tmp_path / "net.png").read_bytes().startswith(b"\x89PNG")


def test_a_drawing_of_another_kind_is_refused(elman_here, model_file, tmp_path):
    assert "net.svg" in error_line(elman_here("models", "show", model_file, "--plot", "net.svg"))
    assert not (tmp_path / "net.svg").exists()


@pytest.mark.parametrize(
    ("train", "kind"), [(("hello",), ["strings", "tags"]), (("flats.csv", *LINEAR), ["features", "number"])]
)
def test_show_says_what_a_model_reads_and_answers(elman_here, flats, tmp_path, train, kind):
    elman_here("train", *train, "--epochs", 1, "--out", "run")
    values = json.loads(elman_here("models", "show", "run", "--json").out)
    assert [values["reads"], values["answers"]] == kind
    assert elman_here("models", "show", "run", "--plot", "net.png").status == 0
