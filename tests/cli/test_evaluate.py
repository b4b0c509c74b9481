"""``elman evaluate``: the same figures as the report; what a model learned from is never called the test part."""

import json

import pytest

from elman.data.examples import read_examples
from elman.evaluation.scores import evaluate
from elman.training.tasks.strings import normalise_examples


def error_line(outcome) -> str:
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


@pytest.fixture
def other_table(tmp_path):
    """A table of labelled strings that the model was not trained on."""
    (tmp_path / "other.csv").write_text("name,label\nabba,Alfa\nmoon,Beta\nxyzzy,Gamma\nzebra,Alfa\n")
    return tmp_path / "other.csv"


def test_json_is_alone_and_equals_the_report_of_the_run(elman_process, model_file, toy_folder, finished_run):
    done = elman_process("evaluate", model_file, toy_folder, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    values, test = json.loads(done.stdout), finished_run.report.values["test"]
    assert (values["part"], values["model"]) == ("test", "toy")
    assert {name: values[name] for name in test} == test
    assert values["ceiling"] == finished_run.report.values["ceiling"]
    before = finished_run.report.values["calibration"]["error_before"]
    assert values["calibration"]["error_before"] == before
    assert values["confused"] == finished_run.report.values["confused"]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_of_the_split_is_scored_as_in_the_report(elman_here, model_file, toy_folder, finished_run, part):
    values = json.loads(elman_here("evaluate", model_file, toy_folder, "--part", part, "--json").out)
    expected = finished_run.report.values[part]
    assert {name: values[name] for name in expected} == expected


def test_the_same_data_in_another_form_are_the_same_data(elman_here, model_file, toy_table, finished_run):
    options = ("--text", "word", "--label", "kind", "--part", "test", "--json")
    values = json.loads(elman_here("evaluate", model_file, toy_table, *options).out)
    assert values["accuracy"] == finished_run.report.test.accuracy


def test_the_training_part_and_all_can_be_chosen(elman_here, model_file, toy_folder, finished_run):
    split = finished_run.run.task.split
    train, everything = (
        json.loads(elman_here("evaluate", model_file, toy_folder, "--part", part, "--json").out)
        for part in ("train", "all")
    )
    assert (train["part"], train["examples"]) == ("train", len(split.train))
    assert everything["part"] == "all"
    assert everything["examples"] >= len(split.train) + len(split.validation) + len(split.test)


def test_all_of_other_data_is_scored(elman_here, model_file, other_table, predictor):
    values = json.loads(elman_here("evaluate", model_file, other_table, "--json").out)
    examples, _ = normalise_examples(read_examples(other_table), predictor.artifact.normalisation)
    assert (values["part"], values["examples"]) == ("all", 4)
    assert values["accuracy"] == evaluate(predictor, examples).report.accuracy


@pytest.mark.parametrize("part", ["test", "validation", "train"])
def test_a_part_of_other_data_is_refused(elman_here, model_file, other_table, part):
    assert f"--part {part}" in error_line(elman_here("evaluate", model_file, other_table, "--part", part))


def test_data_with_one_example_more_are_other_data(elman_here, model_file, toy_table, tmp_path):
    (tmp_path / "more.csv").write_text(toy_table.read_text("utf-8") + "newword,Alfa\n", "utf-8")
    options = ("--text", "word", "--label", "kind", "--part", "test")
    assert "--part test" in error_line(elman_here("evaluate", model_file, "more.csv", *options))


def test_an_unknown_part_is_refused(elman_here, model_file, toy_folder):
    assert "'tset'" in error_line(elman_here("evaluate", model_file, toy_folder, "--part", "tset"))


def test_the_table_for_people_shows_scores_and_labels(elman_here, model_file, toy_folder, finished_run):
    outcome = elman_here("evaluate", model_file, toy_folder)
    assert (outcome.status, outcome.err) == (0, "")
    assert f"{100 * finished_run.report.test.accuracy:.1f} % (" in outcome.out
    for shown in ("macro-F1", "Brier", "calibration error", "ceiling", "Alfa", "Beta", "Gamma", "precision", "recall"):
        assert shown in outcome.out


def test_a_run_folder_is_a_model_too(elman_here, model_file, toy_folder):
    by_file = elman_here("evaluate", model_file, toy_folder, "--json").out
    assert elman_here("evaluate", model_file.parent, toy_folder, "--json").out == by_file


def test_out_keeps_the_figures_and_pictures(elman_here, model_file, other_table, tmp_path):
    outcome = elman_here("evaluate", model_file, other_table, "--json", "--out", "scores")
    assert {file.name for file in (tmp_path / "scores").iterdir()} == {
        "report.json",
        "confusion.png",
        "reliability.png",
        "abstention.png",
    }
    written = json.loads((tmp_path / "scores" / "report.json").read_text("utf-8"))
    mistakes = written.pop("surest_mistakes")  # strings of the data are in the file alone
    assert written == json.loads(outcome.out)
    assert len(mistakes) == round((1 - written["accuracy"]) * 4)
    assert (tmp_path / "scores" / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_an_out_folder_that_is_a_file_gets_one_line(elman_here, model_file, other_table, tmp_path):
    (tmp_path / "taken").write_text("mine")
    assert "taken" in error_line(elman_here("evaluate", model_file, other_table, "--out", "taken"))


def test_an_unknown_label_is_named(elman_here, model_file, tmp_path):
    (tmp_path / "delta.csv").write_text("name,label\nabc,Alfa\ndelta,Delta\n")
    assert "'Delta'" in error_line(elman_here("evaluate", model_file, "delta.csv"))


@pytest.mark.parametrize(("model", "data"), [("absent", "other.csv"), (None, "absent.csv")])
def test_what_is_missing_is_named(elman_here, model_file, other_table, model, data):
    line = error_line(elman_here("evaluate", model or model_file, data))
    assert (model or data) in line


def test_the_baseline_is_that_of_the_report(elman_here, model_file, toy_folder, finished_run):
    found = json.loads(elman_here("evaluate", model_file, toy_folder, "--baseline", "quick", "--json").out)
    report = finished_run.report.values
    assert found["baseline"]["accuracy"] == report["baseline"]["accuracy"]
    assert (found["majority"], found["verdict"]) == (report["majority"], report["verdict"])


def test_the_baseline_says_what_it_is(elman_here, model_file, toy_folder):
    out = " ".join(elman_here("evaluate", model_file, toy_folder, "--baseline", "full").out.split())
    assert (
        "The baseline is logistic regression on character n-grams of 1 to 5, fitted on the same training part." in out
    )


def test_a_baseline_for_other_data_is_refused(elman_here, model_file, other_table):
    outcome = elman_here("evaluate", model_file, other_table, "--baseline", "quick")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "--baseline" in outcome.err


def test_other_data_and_memorised_data_get_a_note(elman_here, model_file, other_table, toy_table):
    assert (
        "note: these are not the data that 'toy' was trained on" in elman_here("evaluate", model_file, other_table).err
    )
    columns = ("--text", "word", "--label", "kind", "--hidden-size", 4, "--epochs", 1)
    assert elman_here("train", toy_table, *columns, "--split", "none", "--out", "all").status == 0
    outcome = elman_here("evaluate", "all", toy_table, *columns[:4])
    assert outcome.err == "note: nothing was kept back: the scores say how well the examples were learned by heart\n"


def test_pictures_are_not_written_for_other_answers(elman_here, tmp_path):
    elman_here("train", "hello", "--epochs", 1, "--out", "run")
    assert "leave it out" in error_line(elman_here("evaluate", "run", "hello", "--out", "scores"))
    assert not (tmp_path / "scores").exists()


def test_strings_that_predict_would_not_answer_are_counted(elman_here, model_file, tmp_path):
    (tmp_path / "t.csv").write_text("name,label\nabba,Alfa\n1234,Alfa\n,Alfa\nvwxyz,Gamma,\nvwx,Gamma\n")
    values = json.loads(elman_here("evaluate", model_file, "t.csv", "--json").out)
    assert (values["examples"], values["lines"], values["repaired"]) == (3, 5, {})
    assert values["dropped"] == {"malformed row": 1, "blank": 1}
    answers = json.loads(elman_here("predict", "abba", "1234", "vwx", "--json", "--model", model_file).out)
    reasons = [answer["reason"] for answer in answers if answer["reason"]]
    assert values["abstentions"] == {reason: reasons.count(reason) for reason in reasons}
    assert values["abstained"] == len(reasons) == 1
    assert values["answered_accuracy"] == 1.0
    table = elman_here("evaluate", model_file, "t.csv").out
    assert "The model abstains for 1 of 3 examples" in table and "accuracy of the others: 100.0 % (" in table


def test_if_no_string_is_answered_their_accuracy_is_unknown(elman_here, model_file, tmp_path):
    (tmp_path / "t.csv").write_text("name,label\n1234,Alfa\n")
    values = json.loads(elman_here("evaluate", model_file, "t.csv", "--json").out)
    assert (values["abstained"], values["answered_accuracy"]) == (1, None)
    assert "–" in elman_here("evaluate", model_file, "t.csv").out


@pytest.mark.parametrize("command", ["evaluate", "show", "train"])
def test_options_of_how_a_table_is_read_are_the_same_for_each_command(elman_here, model_file, tmp_path, command):
    rows = [f"{name}é/{label}" for name, label in (("abba", "Alfa"), ("mnop", "Beta"), ("vwxyz", "Gamma"))]
    (tmp_path / "t.csv").write_bytes("\n".join([*rows, "a/b/c"]).encode("cp1252"))
    options = ("--text", "1", "--label", "2", "--no-header", "--delimiter", "/", "--encoding", "cp1252")
    arguments = {"evaluate": ("evaluate", model_file, "t.csv"), "show": ("data", "show", "t.csv")}
    command_line = arguments.get(command, ("train", "t.csv", "--split", "none", "--epochs", "1", "--hidden-size", "4"))
    done = elman_here(*command_line, *options)
    assert done.status == 0, done.err
    assert "4 lines read, 3 examples; 1 dropped: malformed row" in done.out
    stopped = elman_here(*command_line, *options, "--on-error", "stop", *(("--out", "x") if command == "train" else ()))
    assert "t.csv, line 4: expected 2 cells" in error_line(stopped)
    wrong = elman_here(*command_line, "--encoding", "klingon")
    assert "expected the name of an encoding" in error_line(wrong)
    assert "on_error must be one of skip, stop" in error_line(elman_here(*command_line, "--on-error", "ask"))


def test_notes_on_how_data_are_read_are_on_standard_error(elman_here, model_file, tmp_path):
    (tmp_path / "t.csv").write_text("name;label\nabba;Alfa\nvwx;Gamma\n")
    for command in (("evaluate", model_file, "t.csv", "--json"), ("data", "show", "t.csv")):
        done = elman_here(*command)
        assert done.status == 0 and "note: t.csv: cells are separated by ';'" in done.err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xlsx", "PK", "is a workbook"),
        ("t.csv", "name,label\n", "no usable example in 0 lines"),
        ("t.csv", "name|label\n", "no usable example in 0 lines"),
        ("t.csv", "name+label\nabba+Alfa\n", "expected one column 'name'"),
        ("empty/x.pdf", "", "expected files named Label.txt"),
    ],
)
def test_data_that_cannot_be_used_are_refused_in_one_line(elman_here, model_file, tmp_path, name, content, message):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    data = name.split("/")[0]
    for command in (("evaluate", model_file, data), ("train", data)):
        done = elman_here(*command)
        assert (done.status, done.out) == (2, "")
        assert message in done.err.splitlines()[-1] and "Traceback" not in done.err


def test_unfamiliar_strings_are_counted_as_predict_abstains_on_them(elman_here, full_file, tmp_path):
    (tmp_path / "t.csv").write_text("name,label\nabba,Alfa\nzzqé7,Alfa\n1234,Alfa\nvwx,Gamma\n", encoding="utf-8")
    values = json.loads(elman_here("evaluate", full_file, "t.csv", "--json", "--out", "scores").out)
    answers = json.loads(elman_here("predict", "abba", "zzqé7", "1234", "vwx", "--json", "-m", full_file).out)
    reasons = [answer["reason"] for answer in answers if answer["reason"]]
    assert values["abstentions"] == {reason: 1 for reason in reasons} and len(reasons) == 2
    assert (values["accuracy"], values["answered_accuracy"]) == (0.5, 1.0)
    table = elman_here("evaluate", full_file, "t.csv").out
    assert "The model abstains for 2 of 4 examples (1 unfamiliar, 1 no letters)" in table
    assert json.loads((tmp_path / "scores" / "report.json").read_text("utf-8"))["abstained"] == 2
