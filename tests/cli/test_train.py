"""``elman train``: from a table or a folder to a run folder, and the refusal of bad input."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from elman.data.examples import read_examples
from elman.model.file import load_artifact
from elman.prediction.predictor import load
from elman.training.config import RunConfig
from elman.training.run import Run, read_run_config

STUCK = 120  # seconds after which a process of a test is killed
TINY = ("--hidden-size", 8, "--embedding-size", 4, "--batch-size", 64, "--threads", 1)
COLUMNS = ("--text", "word", "--label", "kind")


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text("utf-8"))


def refusal(outcome, out: Path) -> str:
    """Return the line that a bad option gets; no file may be left."""
    assert outcome.status == 2
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    assert not out.exists() or list(out.iterdir()) == []
    return outcome.err


def test_a_table_becomes_a_model_and_a_report(elman_here, toy_table, tmp_path):
    outcome = elman_here("train", toy_table, *COLUMNS, *TINY, "--epochs", 2, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "")
    values = report(tmp_path / "run")
    assert f"{100 * values['test']['accuracy']:.1f} %" in outcome.out
    assert values["verdict"] in outcome.out
    assert values["epochs"] == 2
    assert load(tmp_path / "run").labels == ("Alfa", "Beta", "Gamma")


def test_a_query_becomes_a_model_whose_files_have_nothing_of_the_url(elman_here, toy_table, tmp_path):
    (tmp_path / "hunter2").mkdir()
    with closing(sqlite3.connect(tmp_path / "hunter2" / "people.db")) as database:
        database.execute("create table people (word text, kind text)")
        rows = [(one.text, one.label) for one in read_examples(toy_table, text="word", label="kind").examples]
        database.executemany("insert into people values (?, ?)", [*rows, (None, "Alfa")])
        database.commit()
    source = ("--from-sql", "sqlite:///hunter2/people.db?timeout=7", "--query", "select * from people", *COLUMNS)
    outcome = elman_here("train", *source, *TINY, "--epochs", 1, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "") and "1 dropped: blank" in outcome.out
    assert elman_here("train", *source, "--out", "run", "--resume").status == 0
    scored = elman_here("evaluate", "run", *source, "--json")
    assert json.loads(scored.out)["part"] == "test" and json.loads(scored.out)["data"] == "sqlite://***"
    shown = elman_here("data", "show", *source)
    assert shown.out.startswith(f"sqlite://***: {len(rows) + 1:,} lines read") and len(rows) > 100
    assert report(tmp_path / "run")["data"]["source"] == "sqlite://***"
    assert report(tmp_path / "run")["command"].startswith("elman train --from-sql URL --query SQL --text word ")
    for content in [outcome.out, scored.out, *(file.read_bytes() for file in (tmp_path / "run").iterdir())]:
        secret = "hunter2" if isinstance(content, str) else b"hunter2"
        assert secret not in content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected DATA"),
        (("--from-sql", "sqlite:///people.db"), "--from-sql URL and --query SQL go together"),
        (("people.csv", "--from-sql", "sqlite:///a.db", "--query", "select 1"), "--from-sql reads a database instead"),
        (("--from-sql", "sqlite:///hunter2.db", "--query", "select 1"), r"sqlite://\*\*\*: no such file"),
        (("--from-sql", "hunter2", "--query", "select 1"), "expected the URL of a database"),
        (("--from-sql", "sqlite://", "--query", "drop table people"), "expected a query that reads"),
        (
            ("--from-sql", "sqlite://", "--query", "select 'abc' as word, 1 as kind"),
            "expected one column 'name'.*--text",
        ),
        (("--from-sql", "sqlite://", "--query", "select 1", "--delimiter", ";"), "--delimiter is for CSV and TSV"),
        (("--from-sql", "sqlite://", "--query", "select 1", "--data", "."), "a query is not a named set"),
        (("--from-sql", "sqlite://", "--query", "select 1", "--tags"), "the task 'tags' reads files"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_in_one_line(elman_here, tmp_path, arguments, message):
    line = refusal(elman_here("train", *arguments, "--out", "run"), tmp_path / "run")
    assert re.search(message, line) and "hunter2" not in line


def test_a_folder_becomes_a_model_with_its_name(elman_here, toy_folder, tmp_path):
    for number in ("", "-2"):
        assert elman_here("train", toy_folder, *TINY, "--epochs", 1).status == 0
        place = tmp_path / "runs" / f"{toy_folder.name}{number}"
        assert load(place).name == toy_folder.name


def test_what_was_read_and_dropped_is_printed(elman_here, tmp_path, toy_table):
    (tmp_path / "rows.csv").write_text(toy_table.read_text("utf-8") + f",Alfa\nabc,\n{'x' * 101},Beta\n", "utf-8")
    outcome = elman_here("train", "rows.csv", *COLUMNS, *TINY, "--epochs", 1, "--out", "run")
    for reason in ("blank", "no label", "too long"):
        assert f"1 dropped: {reason}" in outcome.out
    assert report(tmp_path / "run")["data"]["dropped"] == {"blank": 1, "no label": 1, "too long": 1}


def test_options_reach_the_run(elman_here, toy_table, tmp_path):
    options = (
        *("--cell", "elman", "--hand", "--activation", "relu", "--layers", 2, "--directions", 1, "--dropout", 0.25),
        *("--optimiser", "sgd", "--learning-rate", 0.05, "--schedule", "constant", "--weight-decay", 0.5, "--clip", 0),
        *("--label-smoothing", 0.125, "--class-weighting", 0.5, "--patience", 7, "--seed", 3, "--epochs", 1),
        *("--split", "stratified", "--test-share", 0.2, "--validation-share", 0.15, "--name", "mine"),
        *("--keep-case", "--keep-script"),
    )
    assert elman_here("train", toy_table, *COLUMNS, *TINY, *options, "--out", "run").status == 0
    config = RunConfig.from_dict(read_run_config(tmp_path / "run")["config"])
    model, training = config.model, config.train
    assert (model.cell, model.by_hand, model.activation, model.layers) == ("elman", True, "relu", 2)
    assert (model.directions, model.dropout, model.hidden_size, model.embedding_size) == (1, 0.25, 8, 4)
    assert (training.optimiser, training.learning_rate, training.schedule) == ("sgd", 0.05, "constant")
    assert (training.weight_decay, training.clip, training.label_smoothing) == (0.5, None, 0.125)
    assert (training.class_weighting, training.patience, training.seed, training.epochs) == (0.5, 7, 3, 1)
    assert (config.split, config.split_seed, config.test_share, config.validation_share) == ("stratified", 3, 0.2, 0.15)
    assert (config.name, config.normalisation.lower_case, config.normalisation.transliterate) == ("mine", False, False)


# Resuming


@pytest.fixture
def stopped(toy_reading, toy_config, toy_folder, tmp_path) -> Path:
    """The folder of a run that stopped after its second epoch of four."""
    run = Run(toy_reading, toy_config(), tmp_path / "stopped")
    epochs = run.epochs()
    next(epochs), next(epochs)
    return run.folder


def test_a_resumed_run_ends_with_the_same_weights_as_one_that_was_not_stopped(
    elman_here, stopped, toy_folder, finished_run
):
    outcome = elman_here("train", toy_folder, "--out", stopped, "--resume")
    assert (outcome.status, outcome.err) == (0, "")
    assert [int(epoch) for epoch in re.findall(r"^epoch +(\d+)", outcome.out, re.MULTILINE)] == [3, 4]
    own, whole = (load_artifact(folder / "model.safetensors").tensors for folder in (stopped, finished_run.folder))
    assert all(np.array_equal(own[name], whole[name]) for name in whole)
    assert report(stopped)["complete"] is True


def test_options_of_a_resumed_run_may_be_repeated(elman_here, stopped, toy_folder):
    options = ("--epochs", 4, "--hidden-size", 8, "--seed", 0, "--cell", "gru")
    assert elman_here("train", toy_folder, "--out", stopped, "--resume", *options).status == 0


@pytest.mark.parametrize("option", [("--epochs", 3), ("--cell", "lstm"), ("--seed", 1), ("--hand",), ("--keep-case",)])
def test_resuming_with_another_option_names_it(elman_here, stopped, toy_folder, option):
    before = {file: file.read_bytes() for file in stopped.iterdir()}
    outcome = elman_here("train", toy_folder, "--out", stopped, "--resume", *option)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert option[0] in outcome.err
    assert {file: file.read_bytes() for file in stopped.iterdir()} == before


def test_resuming_with_other_data_is_refused(elman_here, stopped, tmp_path, toy_table):
    (tmp_path / "other.csv").write_text(toy_table.read_text("utf-8") + "newword,Alfa\n", "utf-8")
    outcome = elman_here("train", "other.csv", *COLUMNS, "--out", stopped, "--resume")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "other data" in outcome.err


def test_resuming_without_a_run_is_refused(elman_here, toy_folder, tmp_path):
    assert "no run to resume" in refusal(
        elman_here("train", toy_folder, "--out", "fresh", "--resume"), tmp_path / "fresh"
    )


def test_a_folder_that_holds_a_run_is_refused_without_resume(elman_here, toy_folder, stopped):
    before = {file: file.read_bytes() for file in stopped.iterdir()}
    outcome = elman_here("train", toy_folder, "--out", stopped)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "--resume" in outcome.err
    assert {file: file.read_bytes() for file in stopped.iterdir()} == before


# Interruptions

# However the tests were started, the process must handle the signal as on a terminal.
COMMAND = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from elman.cli import main; main()"


def test_ctrl_c_keeps_the_best_model_and_its_report(toy_table, tmp_path):
    arguments = ["train", toy_table, *COLUMNS, *TINY, "--epochs", 100_000, "--out", "run"]
    command = [sys.executable, "-u", "-c", COMMAND, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        deadline = Timer(STUCK, process.kill)
        deadline.start()
        while "epoch   1" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        deadline.cancel()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "--resume" in out
    values = report(tmp_path / "run")
    assert values["complete"] is False
    assert 1 <= values["epochs"] < 100_000
    assert load(tmp_path / "run").predict("abcabc").label in ("Alfa", "Beta", "Gamma")


def test_ctrl_c_before_the_first_epoch_is_done_leaves_no_model(elman_here, toy_table, tmp_path, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "epochs", interrupt)
    outcome = elman_here("train", toy_table, *COLUMNS, *TINY, "--out", "run")
    assert outcome.status == 130
    assert "nothing to keep" in outcome.out
    assert not (tmp_path / "run" / "model.safetensors").exists()


# Bad input


@pytest.mark.parametrize(
    "options",
    [
        ("--cell", "transformer"),
        ("--activation", "swish"),
        ("--epochs", 0),
        ("--epochs", -1),
        ("--batch-size", 0),
        ("--hidden-size", 0),
        ("--layers", 0),
        ("--directions", 3),
        ("--dropout", 2),
        ("--dropout", -0.1),
        ("--dropout", "nan"),
        ("--learning-rate", 0),
        ("--learning-rate", "nan"),
        ("--learning-rate", "inf"),
        ("--optimiser", "luck"),
        ("--schedule", "sometimes"),
        ("--clip", -1),
        ("--label-smoothing", 1),
        ("--class-weighting", -1),
        ("--patience", 0),
        ("--threads", 0),
        ("--seed", -1),
        ("--split", "random"),
        ("--test-share", 0),
        ("--test-share", 0.95),
    ],
    ids=lambda options: " ".join(map(str, options)),
)
def test_a_setting_that_cannot_work_gets_one_line_and_leaves_nothing(elman_here, toy_table, tmp_path, options):
    outcome = elman_here("train", toy_table, *COLUMNS, *options, "--out", "run")
    line = refusal(outcome, tmp_path / "run")
    assert outcome.out == ""
    named = options[0].strip("-").replace("-", "[-_ ]").removeprefix("test[-_ ]")
    assert re.search(named, line)


@pytest.mark.parametrize("options", [("--epochs", "many"), ("--max-characters", 0), ("--sideways",), ("--seed",)])
def test_an_option_that_cannot_be_read_gets_one_line_and_leaves_nothing(elman_here, toy_table, tmp_path, options):
    assert options[0] in refusal(elman_here("train", toy_table, *options, "--out", "run"), tmp_path / "run")


def test_a_missing_column_is_named_with_the_columns_that_exist(elman_here, toy_table, tmp_path):
    line = refusal(elman_here("train", toy_table, "--text", "surname", "--out", "run"), tmp_path / "run")
    assert "'surname'" in line
    assert "word, kind; name the right one with --text" in line


@pytest.mark.parametrize("data", ["absent.csv", "absent", "notes.docx", "empty", "empty.csv"])
def test_data_that_cannot_be_read_are_named(elman_here, tmp_path, data):
    (tmp_path / "notes.docx").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.csv").write_bytes(b"")
    assert data in refusal(elman_here("train", data, "--out", "run"), tmp_path / "run")


def test_a_byte_that_is_not_utf8_is_named_by_file_and_line(elman_here, tmp_path):
    (tmp_path / "latin.csv").write_bytes(b"name,label\nabc,Alfa\nM\xfcller,Beta\n")
    line = refusal(elman_here("train", "latin.csv", "--out", "run"), tmp_path / "run")
    assert re.search(r"latin\.csv, line 3: byte 0xfc", line)


def test_data_with_one_label_are_refused(elman_here, tmp_path):
    (tmp_path / "one.csv").write_text("name,label\n" + "".join(f"{'a' * k},Alfa\n" for k in range(1, 30)))
    assert "two" in refusal(elman_here("train", "one.csv", "--out", "run"), tmp_path / "run")


def test_the_folder_of_a_named_set_is_refused_for_a_file(elman_here, toy_table, tmp_path):
    outcome = elman_here("train", toy_table, *COLUMNS, "--data", tmp_path, "--out", "run")
    assert "--data" in refusal(outcome, tmp_path / "run")


def test_an_out_folder_that_is_a_file_gets_one_line(elman_here, toy_table, tmp_path):
    (tmp_path / "taken").write_text("mine")
    outcome = elman_here("train", toy_table, *COLUMNS, *TINY, "--epochs", 1, "--out", "taken")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "taken" in outcome.err
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("rate", [1e30, 1e300])
def test_a_loss_that_is_not_finite_says_what_to_change(elman_here, toy_table, rate):
    wild = ("--optimiser", "sgd", "--schedule", "constant", "--learning-rate", rate, "--clip", 0)
    outcome = elman_here("train", toy_table, *COLUMNS, *TINY, *wild, "--out", "run")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert re.search(r"^elman: .*(--learning-rate|learning_rate must be)", outcome.err)


def test_a_command_whose_package_is_missing_says_what_to_install(elman_here, toy_table, monkeypatch):
    for name in [name for name in sys.modules if name == "elman.training.run"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    outcome = elman_here("train", toy_table, *COLUMNS)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "pip install 'elman[train]'" in outcome.err


def test_the_table_and_the_folder_hold_the_same_examples(toy_table, toy_folder):
    by_table = read_examples(toy_table, text="word", label="kind").examples
    assert sorted(by_table, key=str) == sorted(read_examples(toy_folder).examples, key=str)


def test_resuming_needs_no_columns_and_refuses_another_name(elman_here, toy_table):
    first = elman_here("train", toy_table, *COLUMNS, *TINY, "--out", "run")
    again = elman_here("train", toy_table, "--out", "run", "--resume")
    renamed = elman_here("train", toy_table, "--out", "run", "--resume", "--name", "other")
    assert (first.status, again.status, renamed.status) == (0, 0, 2)
    assert "--name other differs" in renamed.err


def test_labels_that_look_like_markup_or_mathematics_are_shown_unchanged(elman_here, tmp_path):
    stems = ("ka", "mi", "ta", "no", "ri", "se", "yo", "ha", "ku", "ma", "pe", "lo", "da", "vi", "zu")
    rows = [f"{stem}{end},{label}" for end, label in (("moto", "[/x]"), ("akis", "a$\\q$")) for stem in stems]
    (tmp_path / "odd.csv").write_text("\n".join(["word,kind", *rows]), encoding="utf-8")
    outcome = elman_here("train", tmp_path / "odd.csv", *COLUMNS, *TINY, "--out", tmp_path / "odd")
    assert outcome.status == 0, outcome.err
    assert "Always answering [/x]" in outcome.out or "Always answering a$" in outcome.out
    assert (tmp_path / "odd" / "confusion.png").exists()


def test_levels_of_a_table_are_answered_and_measured(elman_here, toy_table, tmp_path):
    (tmp_path / "levels.csv").write_text("kind,half\nAlfa,first\nBeta,first\nGamma,second\n", encoding="utf-8")
    train = ("train", toy_table, "--text", "word", "--label", "kind", "--epochs", 1, "--hidden-size", 4)
    done = elman_here(*train, "--levels", "levels.csv", "--out", "run")
    assert done.status == 0, done.err
    (answer,) = json.loads(elman_here("predict", "abc", "-m", "run", "--level", "half", "--json").out)
    assert answer["level"] == "half" and answer["label"] in ("first", "second")
    assert [one["label"] for one in answer["levels"]["half"]] == [
        answer["label"],
        *({"first", "second"} - {answer["label"]}),
    ]
    (tmp_path / "levels.csv").write_text("kind,half\nAlfa,first\nBeta,first\n", encoding="utf-8")
    refused = elman_here(*train, "--levels", "levels.csv", "--out", "other")
    assert refused.status == 2 and "no line for 1 label, such as 'Gamma'" in refused.err
    assert not (tmp_path / "other" / "model.safetensors").exists()
