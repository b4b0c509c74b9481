"""Labels learned from shards: the same model as from memory, the same bits after any stop, nothing left behind."""

import json
from dataclasses import replace

import numpy as np
import pytest

import elman
from elman.data import streaming
from elman.data.shards import Shards
from elman.data.streaming import stream_examples
from elman.errors import DataError, SettingError, TrainingError
from elman.prediction.predictor import load
from elman.training import held_out
from elman.training.options import apply_options, new_config, prepare, read_for, write_command
from elman.training.run import Run
from elman.training.shortcut import train_run
from elman.training.tasks import streamed
from elman.training.tasks.labels import LabelTask
from elman.training.tasks.registry import build_task
from elman.training.tasks.streamed import StreamedLabelTask

OPTIONS = {"text": "word", "label": "kind", "epochs": 3, "hidden_size": 8, "batch_size": 16, "threads": 1}
HELD = {"test_share": 0.2, "validation_share": 0.2}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(streaming, "SHARD_BYTES", 8_000)


@pytest.fixture
def config(toy_table):
    return new_config(str(toy_table), "toy", {**OPTIONS, **HELD, "stream": True})


@pytest.fixture
def start(config, tmp_path):
    def build(name="run", *, resume=False, **changes):
        chosen = replace(config, train=replace(config.train, **changes))
        return Run(read_for(chosen, run=tmp_path / name, resume=resume), chosen, tmp_path / name, resume=resume)

    return build


def train(run, **stops):
    for _ in run.epochs(**stops):
        pass


def finish(run):
    train(run)
    return run.finish()


def same_weights(one, other):
    left, right = one.state.model.state_dict(), other.state.model.state_dict()
    best = [one.state.best[name].equal(other.state.best[name]) for name in left]
    return all(left[name].equal(right[name]) for name in left) and all(best)


def test_a_streamed_run_learns_as_one_in_memory_and_removes_its_shards(start, config, toy_table, tmp_path):
    run = start(epochs=8)
    assert len(Shards.open(tmp_path / "run" / "shards")) > 2
    report = finish(run)
    memory = replace(config, stream=False, train=replace(config.train, epochs=8))
    expected = train_run(str(toy_table), memory, tmp_path / "memory", quiet=True)
    assert report.values["split"]["kind"] == expected.values["split"]["kind"] == "hashed"
    assert report.values["split"]["fingerprint"] == expected.values["split"]["fingerprint"]
    assert report.test.accuracy == pytest.approx(expected.test.accuracy, abs=0.1) and report.test.accuracy > 0.7
    assert report.baseline.nll == pytest.approx(expected.baseline.nll, rel=0.02)
    assert report.values["majority"] == expected.values["majority"]
    assert not (tmp_path / "run" / "shards").exists()
    assert any("hash of each string" in remark for remark in report.values["remarks"])


@pytest.mark.parametrize("weighting", [{}, {"class_weighting": 1.0, "copy_weighting": 0.5}])
def test_the_task_agrees_with_that_in_memory(start, config, tmp_path, weighting):
    task = start(**weighting).task
    memory = replace(config, stream=False, train=replace(config.train, **weighting))
    expected = build_task(read_for(memory), memory)
    assert type(task) is StreamedLabelTask and type(expected) is LabelTask
    assert (task.vocabulary, task.labels, task.sizes) == (expected.vocabulary, expected.labels, expected.sizes)
    assert task.count_examples() == expected.count_examples()
    assert task.find_evidence() == expected.find_evidence()
    assert set(task.shards.sample(10**6, seed=0)) == set(expected.split.train)

    def list_rows(source):
        return sorted(
            (batch.inputs[:, place].tolist(), int(batch.targets[place]), round(float(batch.weights[place]), 4))
            for batch in source.batches(64)
            for place in range(len(batch.weights))
        )

    assert list_rows(task.training) == list_rows(expected.training)


@pytest.fixture
def whole(start):
    """A run that was never interrupted."""
    run = start("whole")
    train(run)
    return run


def test_a_run_killed_in_any_epoch_goes_on_to_the_same_weights(start, whole):
    run = start()
    for stop in (2, 11, 40):

        def kill(step, run=run, stop=stop):
            if run.state.step == stop:
                run._write_progress()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(run, on_step=kill)
        run = start(resume=True)
        assert run.state.step == stop
    train(run)
    assert same_weights(whole, run)


def test_a_resumed_run_makes_missing_shards_again_and_so_does_one_that_is_longer(start, whole, tmp_path):
    next(iter(start().epochs()))
    for path in (tmp_path / "run" / "shards").glob("0000*"):
        path.unlink()
    resumed = start(resume=True)
    train(resumed)
    assert same_weights(whole, resumed)
    resumed.finish()
    assert not (tmp_path / "run" / "shards").exists()
    assert len(start(epochs=5, resume=True).task.training) == len(resumed.task.training)


def test_evaluate_finds_the_parts_again(start, elman_here, toy_table, tmp_path, monkeypatch):
    report = finish(start())
    command = ("evaluate", tmp_path / "run", toy_table, "--text", "word", "--label", "kind", "--json")
    with monkeypatch.context() as patched:
        patched.setattr(held_out, "read_data", None)  # would hold all examples in memory
        values = json.loads(elman_here(*command).out)
        validation = json.loads(elman_here(*command, "--part", "validation").out)
    assert (values["part"], values["examples"]) == ("test", report.test.examples)
    assert values["accuracy"] == report.test.accuracy
    assert values["majority"] == report.values["majority"]
    assert validation["nll"] == pytest.approx(report.values["validation"]["nll"])
    whole = json.loads(elman_here(*command, "--baseline", "quick").out)
    assert {key: whole[key] for key in values} == values


def test_evaluate_reads_other_data_and_other_parts_of_a_streamed_run_whole(start, elman_here, toy_table, tmp_path):
    report = finish(start())
    names = ("--text", "word", "--label", "kind", "--json")
    train = json.loads(elman_here("evaluate", tmp_path / "run", toy_table, *names, "--part", "train").out)
    assert train["examples"] == report.values["split"]["train"]
    (tmp_path / "other.csv").write_text("word,kind\nabc,Alfa\nxyz,Gamma\n", "utf-8")
    other = json.loads(elman_here("evaluate", tmp_path / "run", "other.csv", *names).out)
    assert (other["part"], other["examples"]) == ("all", 2)
    refused = elman_here("evaluate", tmp_path / "run", "other.csv", *names, "--part", "test")
    assert refused.status == 2 and "--part test needs the data" in refused.err


def test_the_command_line_streams_and_says_so(elman_here, toy_table, tmp_path):
    command = ["train", toy_table, "--text", "word", "--label", "kind", "--epochs", "1", "--hidden-size", "4"]
    done = elman_here(*command, "--stream", "--out", "run", *("--test-share", "0.2"))
    assert done.status == 0 and "hashed split" in done.out
    assert done.err == ""  # no terminal, no bar
    assert sorted(path.name for path in (tmp_path / "run").glob("shards*")) == []
    values = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    assert "--stream" in values["command"] and "--split" not in values["command"]
    assert load(str(tmp_path / "run")).predict(["abc"])[0].label


def test_python_streams_a_path_and_examples_that_are_in_shards(config, toy_table, tmp_path):
    one = train_run(str(toy_table), config, tmp_path / "one", quiet=True)
    reading = stream_examples(
        toy_table, tmp_path / "two" / "shards", text="word", label="kind", normalisation=config.normalisation, **HELD
    )
    two = train_run(reading, replace(config, data=str(toy_table)), tmp_path / "two", quiet=True)
    assert one.test == two.test
    assert elman.load(two.folder).artifact.provenance["split"]["kind"] == "hashed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "grouped"}, "leave --split or --stream out"),
        ({"number": "kind", "label": None}, "the task is number"),
        ({"tags": True}, "the task is tags"),
    ],
)
def test_what_cannot_be_streamed_is_refused(toy_table, options, message):
    with pytest.raises(SettingError, match=message):
        new_config(str(toy_table), "toy", {k: v for k, v in {**OPTIONS, "stream": True, **options}.items() if v})


def test_named_sets_and_readings_of_another_kind_are_refused(config, toy_reading, toy_config, tmp_path):
    with pytest.raises(SettingError, match="the named set 'languages' fits in memory"):
        read_for(new_config("languages", "x", {"stream": True}), run=tmp_path / "run")
    with pytest.raises(SettingError, match="examples in shards"):
        build_task(toy_reading, config)
    reading = read_for(config, run=tmp_path / "run")
    with pytest.raises(SettingError, match="examples in shards"):
        build_task(reading, toy_config())
    with pytest.raises(SettingError, match="there is no run here"):
        read_for(config)
    with pytest.raises(SettingError, match="leave draws or --stream out"):
        apply_options(config, {"draws": 5, "batch_size": 1})


def test_a_folder_that_holds_a_run_keeps_its_shards(start, config, tmp_path):
    run = start()
    next(iter(run.epochs()))
    with pytest.raises(SettingError, match="already holds a run"):
        prepare(config.data, {**OPTIONS, **HELD, "stream": True}, name="toy", folder=tmp_path / "run")
    assert Shards.open(tmp_path / "run" / "shards") is not None


def test_a_run_that_cannot_start_leaves_no_shards(tmp_path):
    rows = [f"{'abcdefgh'[k % 8]}{k},{label}" for k in range(90) for label in ("a", "b", "a;b")]
    (tmp_path / "several.csv").write_text("\n".join(["name,label", *rows]) + "\n")
    config = new_config(str(tmp_path / "several.csv"), "x", {"stream": True})
    with pytest.raises(DataError, match="several labels in one cell"):
        Run(read_for(config, run=tmp_path / "run"), config, tmp_path / "run")
    assert not (tmp_path / "run" / "shards").exists()


def test_a_resumed_run_refuses_other_data(start, config, toy_table, tmp_path):
    next(iter(start().epochs()))
    (tmp_path / "other.csv").write_text(
        toy_table.read_text("utf-8") + "".join(f"new{k},Alfa\n" for k in range(9)), "utf-8"
    )
    other = replace(config, data=str(tmp_path / "other.csv"))
    with pytest.raises(TrainingError, match="other data"):
        Run(read_for(other, run=tmp_path / "run", resume=True), config, tmp_path / "run", resume=True)


def test_the_baseline_sees_a_bounded_sample_and_the_report_says_so(start, monkeypatch):
    monkeypatch.setattr(streamed, "MOST_BASELINE", 60)
    run = start()
    report = finish(run)
    assert report.values["baseline_fit"] == {
        "kind": "quick",
        "strings": 60,
        "available": run.task.sizes["train"],
        "streamed": True,
    }
    assert "60 of the" in report.values["remarks"][0] and "because the data are streamed" in report.values["remarks"][0]


def test_case_is_noted_from_the_sample(tmp_path):
    stems = ["".join(np.random.default_rng(k).choice(list("abcdefgh"), 6)) for k in range(300)]
    rows = [f"{stem.upper()},loud\n" if k % 2 else f"{stem},soft\n" for k, stem in enumerate(stems)]
    (tmp_path / "case.csv").write_text("name,label\n" + "".join(rows))
    config = new_config(str(tmp_path / "case.csv"), "x", {"stream": True})
    notes = build_task(read_for(config, run=tmp_path / "run"), config).notes
    assert any("--keep-case" in note for note in notes)


def test_the_command_that_repeats_a_streamed_run_is_known(config):
    assert "--stream" in (write_command(config) or "")
    assert new_config(config.data, "toy", {**OPTIONS, **HELD, "stream": True}) == config


def test_another_process_reads_the_shards_that_the_first_wrote(start, config, tmp_path, monkeypatch):
    first = start().task
    written = (tmp_path / "run" / "shards" / "index.json").stat().st_mtime_ns
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    second = build_task(read_for(config, run=tmp_path / "run"), config)
    assert (tmp_path / "run" / "shards" / "index.json").stat().st_mtime_ns == written
    batches = (list(task.training.batches(8, np.random.default_rng(1))) for task in (first, second))
    assert all((one.inputs == other.inputs).all() for one, other in zip(*batches, strict=True))
