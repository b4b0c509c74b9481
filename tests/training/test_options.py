"""Options: they decide the task and the settings of a run, how its data are read, and what a resumed run accepts."""

import json
import re
import shlex
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import typer
from pictures import write_picture_folder

from elman.cli.train import app as train_app
from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.errors import DataError, SettingError, TrainingError
from elman.records import Example
from elman.training.config import RunConfig
from elman.training.options import (
    WITHOUT_EFFECT,
    apply_options,
    default_folder,
    name_of,
    new_config,
    prepare,
    read_for,
    stored_config,
    write_command,
)

OF_TABLES = ("header", "delimiter", "encoding", "on_error")

# New runs


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ("a.csv", {"tags": True, "number": "n"}, "--tags and --number"),
        ("a.csv", {"tags": True, "features": "a,b"}, "give one of them"),
        ("a.csv", {"features": "a,b"}, "--number COLUMN"),
        ("hello", {"number": "n"}, "leave --number out"),
        ("mnist", {"tags": True}, "leave --tags out"),
        ("a.csv", {"shift": 2}, "--shift moves images"),
        ("a.csv", {"number": "n", "label": "l"}, "--label and --number"),
        ("mnist", {"number": "n", "features": "a"}, "leave --features out"),
        ("languages", {"tags": True}, "is for label"),
        ("a.csv", {"recipe": "t9"}, "no recipe is named 't9'"),
        ("a.csv", {"recipe": "t3"}, "'t3' is for tags, and a.csv for label"),
        ("a.csv", {"recipe": "t5-linear"}, "is for features"),
        ("a.csv", {"recipe": "t1", "number": "n"}, "is for label"),
        ("mnist", {"recipe": "t1"}, "and mnist for images"),
        ("hello", {"recipe": "t4"}, "is for images"),
        ("a.csv", {"activation": "relu"}, "--activation is of the Elman cell"),
        ("a.csv", {"activation": "relu", "cell": "lstm"}, "--activation is of the Elman cell"),
        ("a.csv", {"cell": "transformer"}, "cell must be one of"),
    ],
)
def test_options_that_contradict_each_other_are_refused(data, options, message):
    with pytest.raises(SettingError, match=re.escape(message)):
        new_config(data, "name", options)


@pytest.mark.parametrize(
    ("data", "options", "task"),
    [
        ("hello", {"tags": True}, "tags"),
        ("a.tsv", {"tags": True}, "tags"),
        ("a.csv", {"number": "n"}, "number"),
        ("a.csv", {"number": "n", "features": " a , b,"}, "features"),
        ("mnist", {}, "images"),
        ("languages", {"recipe": "t2b"}, "label"),
    ],
)
def test_options_that_agree_decide_the_task(data, options, task):
    config = new_config(data, "name", options)
    assert (config.task, config.data, config.name) == (task, data, "name")
    assert config.model.input_size == {"images": 28, "features": 2}.get(task, 0)


def test_a_recipe_can_use_the_cell_by_hand():
    config = new_config("hello", "name", {"hand": True, "epochs": 3})
    assert (config.model.by_hand, config.model.cell, config.train.epochs) == (True, "rnn", 3)


@pytest.mark.parametrize(
    ("data", "options", "split"),
    [
        ("a.csv", {}, "grouped"),
        ("a.csv", {"split": "stratified"}, "stratified"),
        ("hello", {}, "none"),
        ("mnist", {}, "given"),
        ("mnist", {"recipe": "t4"}, "given"),
        ("a.csv", {"number": "n", "features": "a"}, "random"),
        ("a.csv", {"number": "n", "features": "a", "split": "none"}, "none"),
    ],
)
def test_the_split_is_one_that_the_data_have(data, options, split):
    assert new_config(data, "name", options).split == split


# Values


def test_options_set_the_fields_of_three_records():
    config = apply_options(
        RunConfig(name="", data="a.csv"),
        {
            "hidden_size": 7,
            "hand": True,
            "epochs": 3,
            "text": "word",
            "seed": 5,
            "folder": Path("here"),
            "split": "none",
        },
    )
    assert (config.model.hidden_size, config.model.by_hand, config.train.epochs) == (7, True, 3)
    assert (config.text_column, config.split, config.data_folder, config.data) == ("word", "none", "here", "a.csv")
    assert (config.train.seed, config.split_seed) == (5, 5)


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"clip": 0}, ("train", "clip"), None),
        ({"clip": 2.0}, ("train", "clip"), 2.0),
        ({"plain": True}, ("model", "bag_orders"), ()),
        ({"keep_case": True}, ("normalisation", "lower_case"), False),
        ({"keep_script": True}, ("normalisation", "transliterate"), False),
    ],
)
def test_an_option_with_a_meaning_of_its_own_is_translated(options, field, value):
    config = apply_options(RunConfig(name="", data=""), options)
    assert getattr(getattr(config, field[0]), field[1]) == value


def test_no_options_change_nothing():
    config = RunConfig(name="name", data="a.csv")
    assert apply_options(config, {}) == config


# Stored runs


@pytest.fixture
def store(tmp_path):
    """Write the config of a run to a folder."""

    def write(config: RunConfig) -> Path:
        document = {"config": asdict(config), "fingerprint": ""}
        (tmp_path / "config.json").write_text(json.dumps(document))
        return tmp_path

    return write


def test_options_of_a_stored_run_must_agree_with_it(store):
    config = new_config("a.csv", "name", {"batch_size": 3})
    folder = store(config)
    assert stored_config(folder, {"batch_size": 3, "name": "name"}) == config
    with pytest.raises(SettingError, match=re.escape(f"--batch-size 4 differs from the run in {folder}")):
        stored_config(folder, {"batch_size": 4})


@pytest.mark.parametrize("option", [{"text": "word"}, {"label": "kind"}, {"max_characters": 9}, {"folder": Path("x")}])
def test_a_stored_run_may_read_its_data_in_another_way(store, option):
    config = new_config("a.csv", "name", {})
    assert stored_config(store(config), option) == config


@pytest.mark.parametrize("option", [{"header": True}, {"delimiter": ";"}, {"encoding": "cp1252"}, {"on_error": "stop"}])
def test_a_run_keeps_how_its_table_is_read_and_an_older_one_does_not_say(store, option):
    config = new_config("a.csv", "name", option)
    ((field, value),) = option.items()
    assert getattr(config, field) == value and getattr(stored_config(store(config), {}), field) == value
    older = {key: value for key, value in asdict(config).items() if key not in OF_TABLES}
    assert RunConfig.from_dict(json.loads(json.dumps(older))) == new_config("a.csv", "name", {})


@pytest.mark.parametrize(
    ("option", "message"),
    [({"delimiter": ";;"}, "delimiter"), ({"encoding": "klingon"}, "klingon"), ({"on_error": "ask"}, "on_error")],
)
def test_a_table_cannot_be_read_in_any_way(option, message):
    with pytest.raises(SettingError, match=message):
        new_config("a.csv", "name", option)


@pytest.mark.parametrize("option", [{"recipe": "t1"}, {"tags": True}])
def test_a_stored_run_keeps_its_recipe_and_task(store, option):
    with pytest.raises(SettingError, match="leave --recipe and --tags out"):
        stored_config(store(new_config("a.csv", "name", {})), option)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no run to resume"):
        stored_config(tmp_path, {})


def test_a_new_run_gets_the_next_free_folder_and_a_resumed_one_the_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_folder("a", False) == default_folder("a", True) == Path("runs", "a")
    for name in ("a", "a-2"):
        Path("runs", name).mkdir(parents=True)
    assert (default_folder("a", False), default_folder("a", True)) == (Path("runs", "a-3"), Path("runs", "a-2"))


# Data


def test_data_are_read_as_the_task_needs_them(tmp_path):
    (tmp_path / "pairs.tsv").write_text("ab\tAB\n")
    (tmp_path / "flats.csv").write_text("name,rooms,rent\nab,1,2\n")
    pairs, flats = str(tmp_path / "pairs.tsv"), str(tmp_path / "flats.csv")
    tags = read_for(RunConfig(name="", data=pairs, task="tags"))
    number = read_for(RunConfig(name="", data=flats, task="number", label_column="rent"))
    features = read_for(
        RunConfig(name="", data=flats, task="features", label_column="rent", feature_columns=("rooms",))
    )
    assert tags.examples == (Example("ab", "AB"),)
    assert number.examples == (Example("ab", "2"),)
    assert isinstance(features, FeatureReading) and features.numbers.tolist() == [2.0]


@pytest.mark.parametrize("task", ["label", "tags", "features"])
def test_a_folder_for_data_that_are_not_a_named_set_is_refused(task):
    with pytest.raises(SettingError, match="not a named set"):
        read_for(RunConfig(name="", data="a.csv", task=task, data_folder="here"))


def test_a_run_is_prepared_from_its_data_and_options(toy_table, tmp_path):
    options = {"text": "word", "label": "kind", "epochs": 2}
    config, reading = prepare(str(toy_table), options, name="toy", folder=tmp_path / "run")
    assert isinstance(reading, Reading) and len(reading.examples) > 200
    assert config == new_config(str(toy_table), "toy", options)


def test_a_resumed_run_is_prepared_from_its_folder(toy_table, store):
    stored = new_config("moved.csv", "toy", {"text": "word", "label": "kind", "epochs": 2})
    config, reading = prepare(str(toy_table), {}, name="other", folder=store(stored), resume=True)
    assert (config, len(reading.examples) > 200) == (stored, True)


def test_the_network_reads_rows_as_wide_as_the_images(tmp_path):
    folder = write_picture_folder(tmp_path / "images", size=6, train=30, test=6)
    config, reading = prepare("mnist", {"folder": folder}, name="bars", folder=tmp_path / "run")
    assert isinstance(reading, ImageReading)
    assert (config.model.input_size, config.data_folder) == (6, str(folder))


def test_data_that_are_missing_are_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv"):
        prepare("absent.csv", {}, name="absent", folder=tmp_path)


# The command that repeats a run


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("people.csv", {}),
        ("people.csv", {"text": "surname", "label": "country", "epochs": 3, "seed": 4, "keep_case": True}),
        ("a folder/x.csv", {"plain": True, "cell": "elman", "hand": True, "activation": "relu", "clip": 0}),
        ("languages", {"recipe": "t2a", "epochs": 1}),
        ("hello", {"hand": True}),
        ("pairs.tsv", {"tags": True, "hidden_size": 8}),
        ("words.csv", {"number": "score", "validation_share": 0.2, "header": False}),
        ("flats.csv", {"number": "rent", "features": "rooms,area", "split": "none"}),
        ("mnist", {"cell": "gru", "shift": 1, "threads": 2, "patience": 3}),
    ],
    ids=str,
)
def test_the_command_of_a_run_gives_its_settings_again(data, options):
    from typer.main import get_command

    from elman.cli.train import app

    config = new_config(data, name_of(data), options)
    words = shlex.split(write_command(config))
    assert words[:3] == ["elman", "train", data]
    command = get_command(app)
    context = command.make_context("train", words[2:])
    given = {
        key: value
        for key, value in context.params.items()
        if str(context.get_parameter_source(key)).endswith("COMMANDLINE")
    }
    assert new_config(data, name_of(data), given) == config


def test_settings_that_no_option_gives_have_no_command():
    config = new_config("people.csv", "people", {})
    assert write_command(replace(config, model=replace(config.model, bag_min_count=5))) is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"task": "tags", "text_column": "word"}, "--text would have no effect on lines of source<TAB>target"),
        (
            {"task": "tags", "delimiter": ";"},
            "--delimiter is for CSV and TSV, and would have no effect on lines of source",
        ),
        ({"task": "features", "max_characters": 5}, "--max-characters would have no effect on columns of numbers"),
        (
            {"task": "label", "data": "hello", "encoding": "cp1252"},
            "--encoding is for text files, and .* the named set",
        ),
    ],
)
def test_a_setting_that_the_data_of_a_task_have_no_use_for_is_refused(tmp_path, config, message):
    (tmp_path / "a.csv").write_text("ab\tcd\n")
    with pytest.raises(SettingError, match=message):
        read_for(RunConfig(name="", **{"data": str(tmp_path / "a.csv"), **config}))


# Options that nothing reads


@pytest.mark.parametrize(
    ("options", "option", "what"),
    [
        ({"number": "rent", "features": "rooms", "keep_case": True}, "keep-case", "a linear regression"),
        ({"number": "rent", "features": "rooms", "hidden_size": 9}, "hidden-size", "a linear regression"),
        ({"number": "rent", "features": "rooms", "baseline": "none"}, "baseline", "a linear regression"),
        ({"number": "age", "class_weighting": 0.5}, "class-weighting", "a number as the answer"),
        ({"tags": True, "class_weighting": 0.5}, "class-weighting", "tags"),
        ({"tags": True, "baseline": "full"}, "baseline", "tags"),
    ],
)
def test_an_option_that_has_no_effect_on_the_task_is_refused(options, option, what):
    with pytest.raises(SettingError, match=rf"^--{option} has no effect on {what}; leave it out$"):
        new_config("people.csv", "people", options)


@pytest.mark.parametrize("option", ["keep_case", "embedding_size", "class_weighting", "test_share", "plain"])
def test_options_of_strings_are_refused_for_images(option):
    with pytest.raises(SettingError, match="has no effect on images"):
        new_config("mnist", "digits", {option: 1})


def test_shares_are_refused_where_nothing_is_kept_back():
    with pytest.raises(SettingError, match="--test-share has no effect with --split none"):
        new_config("people.csv", "people", {"split": "none", "test_share": 0.2})


def test_each_option_without_effect_is_one_of_train():
    options = {parameter.name for parameter in typer.main.get_command(train_app).params}
    assert {option for useless in WITHOUT_EFFECT.values() for option in useless} <= options
