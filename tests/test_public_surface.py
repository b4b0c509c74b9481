"""The public interface is a promise: it changes only on purpose."""

import inspect
import subprocess
import sys

import pytest

import elman

NAMES = [
    "Candidate",
    "DamagedModelError",
    "DataError",
    "ElmanError",
    "EpochResult",
    "EvalReport",
    "Example",
    "Generator",
    "HubError",
    "Likelihood",
    "MissingExtraError",
    "ModelConfig",
    "ModelFileError",
    "NewerModelError",
    "NonFiniteLossError",
    "NotAModelError",
    "Prediction",
    "PredictionColumns",
    "Predictor",
    "RunConfig",
    "RunReport",
    "Sample",
    "SequenceClassifier",
    "SequenceRegressor",
    "SettingError",
    "TrainConfig",
    "TrainingError",
    "Transcriber",
    "WorkerError",
    "__version__",
    "annotate_frame",
    "best_settings",
    "estimate_shares",
    "export_onnx",
    "load",
    "read_examples",
    "system",
    "train_run",
]


def test_the_public_names_are_exactly_these():
    assert elman.__all__ == NAMES


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"__version__"}))
def test_every_public_name_can_be_had_and_is_documented(name):
    doc = getattr(elman, name).__doc__
    assert doc and doc.strip()
    assert not doc.startswith(f"{name}(")  # what a dataclass writes where nobody wrote anything


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"__version__"}))
def test_every_public_name_is_an_elman_class_or_function(name):
    thing = getattr(elman, name)
    assert inspect.isclass(thing) or inspect.isfunction(thing)
    assert (thing.__module__.split(".")[0], thing.__name__) == ("elman", name)


def test_every_public_error_is_an_elman_error():
    errors = [getattr(elman, name) for name in NAMES if name.endswith("Error")]
    assert len(errors) == 12
    assert all(issubclass(error, elman.ElmanError) for error in errors)


def test_the_version_is_three_numbers():
    assert [part.isdecimal() for part in elman.__version__.split(".")] == [True, True, True]


def test_a_strange_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'perceptron'"):
        elman.perceptron  # noqa: B018 - looking it up is the test


WITHOUT_TORCH = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Without())
import elman
try:
    elman.train_run
except elman.MissingExtraError as error:
    print(error)
"""


def test_training_without_its_packages_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("elman.train_run needs the package torch: pip install 'elman[train]'")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
