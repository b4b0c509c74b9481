"""Models that read images: each row of pixels is one step."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from pictures import draw_pictures, write_picture_folder

import elman
from elman.data.images import read_images
from elman.data.steps import images_to_steps
from elman.errors import DataError, SettingError
from elman.scoring.scorer import Scorer
from elman.training.held_out import measure
from elman.training.recipes import best_settings
from elman.training.run import Run
from elman.training.tasks.images import ImageTask

SIZE = 8


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """120 made-up images to learn from and 30 to test on, read from IDX files."""
    return read_images(write_picture_folder(tmp_path_factory.mktemp("pictures"), size=SIZE, train=120, test=30))


@pytest.fixture(scope="module")
def config():
    """The config of a very small run over images that are moved at random."""
    settings = best_settings("images", "gru")
    model = replace(settings.model, hidden_size=8, layers=1, layer_dropout=0.0, input_size=SIZE)
    train = replace(settings.train, epochs=6, batch_size=10, learning_rate=0.02, threads=1)
    return replace(settings, name="bars", data="bars", model=model, train=train, shift=1, validation_share=0.1)


@pytest.fixture(scope="module")
def trained(reading, config, tmp_path_factory):
    """A run that trained all its epochs."""
    run = Run(reading, config, tmp_path_factory.mktemp("images") / "run")
    for _ in run.epochs():
        pass
    return run, run.finish()


def test_the_loaded_model_answers_as_the_report_says(trained):
    run, report = trained
    predictor = elman.load(run.folder)
    answers = predictor.scorer.logits(images_to_steps(run.reading.test_images)).argmax(axis=1)
    assert report.test.accuracy == np.mean(answers == run.reading.test_labels)
    found = measure(predictor, run.reading, run.config)
    assert (found.report, found.part) == (report.test, "test")


def test_images_are_learned(trained):
    assert trained[1].test.accuracy > 0.7
    assert trained[1].test.examples == 30


def test_the_report_shows_the_mistakes(trained):
    run, report = trained
    assert report.values["pictures"].keys() == {"confusion.png", "reliability.png", "mistakes.png"}
    for name in report.values["pictures"]:
        assert (run.folder / name).read_bytes().startswith(b"\x89PNG")
        assert f"({name})" in (run.folder / "report.md").read_text("utf-8")


def test_the_report_names_its_baseline_and_the_images_that_it_was_fitted_on(trained):
    assert any("108 training images" in remark for remark in trained[1].values["remarks"])
    assert 0 < trained[1].baseline.accuracy <= 1


def test_the_model_file_has_the_size_of_its_images(trained):
    artifact = elman.load(trained[0].folder).artifact
    assert (artifact.kind.name, artifact.picture) == ("images", (SIZE, SIZE))
    assert artifact.labels.names == ("0", "1", "2")
    assert trained[0].task.description() == "3 labels; 8 rows of 8 pixels; the source's own test part"


def test_rows_become_steps_with_pixels_from_0_to_1(reading):
    steps = images_to_steps(reading.images)
    assert steps[3].dtype == np.float32
    np.testing.assert_allclose(steps[3] * 255, reading.images[3], rtol=1e-6)


def test_validation_takes_its_share_of_each_label_from_the_training_images(reading, config):
    task = ImageTask(reading, config)
    assert task.sizes == {"train": 108, "validation": 12, "test": 30}
    assert np.bincount(reading.labels[task.held]).tolist() == [4, 4, 4]
    assert sorted([*task.train, *task.held]) == list(range(120))


def test_only_training_images_are_moved(reading, config):
    task = ImageTask(reading, config)
    (moved,), (still,), (held,) = (
        list(data.batches(200, draw))
        for data, draw in (
            (task.training, np.random.default_rng(0)),
            (task.training, None),
            (task.validation, np.random.default_rng(0)),
        )
    )
    own = still.inputs[:, np.argsort(still.positions)]
    assert not np.array_equal(moved.inputs[:, np.argsort(moved.positions)], own)
    np.testing.assert_array_equal(own, np.stack(images_to_steps(reading.images[task.train]), axis=1))
    np.testing.assert_array_equal(
        held.inputs[:, np.argsort(held.positions)], np.stack(images_to_steps(reading.images[task.held]), axis=1)
    )


def test_a_stopped_run_resumed_ends_with_the_same_weights_to_the_bit(reading, config, trained, tmp_path):
    for _ in zip(range(2), Run(reading, config, tmp_path / "run").epochs(), strict=False):
        pass
    again = Run(reading, config, tmp_path / "run", resume=True)
    assert 2 <= again.state.epoch < 6
    list(again.epochs())
    again.finish()
    for file in ("model.safetensors", "checkpoint.safetensors"):
        own, whole = (safetensors.numpy.load_file(f / file) for f in (tmp_path / "run", trained[0].folder))
        assert own.keys() == whole.keys()
        assert all(np.array_equal(own[name], whole[name]) for name in whole)


def test_a_network_for_another_width_is_refused(reading, config):
    with pytest.raises(SettingError, match="rows of 8 pixels need input_size 8; got 28"):
        ImageTask(reading, replace(config, model=replace(config.model, input_size=28)))


def test_the_split_is_that_of_the_source(reading, config):
    assert config.split == ImageTask(reading, config).split_kind == "given"


@pytest.mark.parametrize(
    "changes", [{"shift": SIZE}, {"split": "grouped"}, {"split": "stratified"}, {"split": "none"}], ids=str
)
def test_settings_that_do_not_fit_images_are_refused(config, changes):
    images, labels = draw_pictures(30, SIZE)
    with pytest.raises(SettingError, match=next(iter(changes))):
        ImageTask(read_images_of(images, labels), replace(config, **changes))


def test_too_few_images_to_keep_some_for_validation_are_refused(config):
    images, labels = draw_pictures(4, SIZE)
    reading = read_images_of(images, labels)
    with pytest.raises(DataError, match="too few images"):
        ImageTask(reading, config)


def read_images_of(images, labels):
    from elman.data.images import ImageReading

    ids = labels.astype(np.int64)
    return ImageReading(images, ids, images, ids, ("0", "1", "2"), len(images), {}, {})


def test_a_negative_shift_is_refused(reading, config, tmp_path):
    with pytest.raises(SettingError, match="shift"):
        next(Run(reading, replace(config, shift=-1), tmp_path / "run").epochs())


def test_the_verdict_names_the_baseline(trained):
    _, report = trained
    assert "that of logistic regression on the pixels (" in report.verdict
    assert "that of always answering " in report.verdict


def test_each_part_is_scored_once(reading, config, trained, monkeypatch):
    task, scored = ImageTask(reading, config), []
    logits = Scorer.logits
    monkeypatch.setattr(Scorer, "logits", lambda self, rows: scored.append(len(rows)) or logits(self, rows))
    task.measure(elman.load(trained[0].folder).artifact)
    assert sorted(scored) == [12, 30]
