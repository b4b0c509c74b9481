"""The generator: samples and likelihoods, their options, and what is refused in one line."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import elman
from elman.errors import DamagedModelError, SettingError
from elman.model.kinds import KINDS
from elman.model.seen import Seen
from elman.model.writer import Writer, save_writer, with_seen
from elman.model.writing import WriterConfig
from elman.prediction.generator import Generator
from elman.text.normalisation import Normalisation
from elman.text.targets import Targets
from elman.text.vocabulary import Labels


def build(symbols: str = "abc", *, labels: tuple[str, ...] = (), scale: float = 0.7, **changes: Any) -> Writer:
    config = WriterConfig(hidden_size=4, embedding_size=3, label_size=2 if labels else 0)
    targets, draw = Targets(tuple(symbols)), np.random.default_rng(0)
    shapes = config.tensor_shapes(symbols=len(targets), labels=len(labels))
    tensors = {name: (scale * draw.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    settings: dict[str, Any] = {
        "normalisation": Normalisation(),
        "kind": KINDS["generate"],
        "longest": 12,
        "labels": Labels(labels) if labels else None,
        **changes,
    }
    return Writer("tiny", config, tensors, targets, **settings)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(with_seen(build(), Seen.from_texts(["a", "b", "ab", "ba", "aa"])))


@pytest.fixture(scope="module")
def labelled() -> Generator:
    return Generator(build(" abcABC", labels=("Dutch", "Greek"), normalisation=Normalisation(lower_case=False)))


def texts(samples: list[elman.Sample]) -> list[str]:
    return [str(sample) for sample in samples]


def test_the_same_seed_writes_the_same_strings_and_another_one_others(generator):
    first = texts(generator.sample(count=20, seed=1))
    assert first == texts(generator.sample(count=20, seed=1)) != texts(generator.sample(count=20, seed=2))
    assert len(first) == 20 and all(set(text) <= set("abc") and text for text in first)


def test_samples_say_what_scoring_says(generator):
    for sample in generator.sample(count=20, seed=3):
        if sample.reason is None:
            found = generator.score(sample.text)
            assert (found.log_probability, found.symbols) == (pytest.approx(sample.log_probability), sample.symbols)


def test_the_probabilities_of_all_strings_sum_to_one(generator):
    total, open_ends = 0.0, {"": 1.0}
    for _ in range(6):  # all strings of up to five symbols, and what is left for longer ones
        longer = {}
        for text, chance in open_ends.items():
            following = generator.list_next(text)
            total += chance * following.pop("")
            longer |= {text + symbol: chance * share for symbol, share in following.items()}
        open_ends = longer
    assert total + sum(open_ends.values()) == pytest.approx(1, abs=1e-6)
    found = generator.score("abca")
    chance = np.prod([generator.list_next("abca"[:k])["abca"[k : k + 1]] for k in range(5)])
    assert np.exp(found.log_probability) == pytest.approx(chance, rel=1e-5)


def test_all_strings_begin_with_the_start_as_the_model_writes_it(generator, labelled):
    assert all(text.startswith("ab") for text in texts(generator.sample(count=9, start=" AB", seed=1)))
    assert all(text.startswith("Ab ") for text in texts(labelled.sample(count=9, start="Ab ", seed=1)))


def test_unseen_gives_no_string_of_the_training_part(generator):
    everything = texts(generator.sample(count=300, seed=1))
    new = generator.sample(count=300, seed=1, unseen=True)
    assert {"a", "ab"} & set(everything)
    assert len(new) == 300 and not {"a", "b", "ab", "ba", "aa"} & set(texts(new))
    assert {sample.is_seen for sample in new} == {False}
    assert generator.is_seen("AB") is True and generator.is_seen("ccca") is False


def test_a_model_that_can_write_only_what_it_has_seen_says_so():
    writer = build("a", longest=2)
    generator = Generator(with_seen(writer, Seen.from_texts(["a", "aa"])))
    with pytest.raises(SettingError, match=r"of 200 strings only 0 were not in the training part; raise temperature"):
        generator.sample(count=4, unseen=True, seed=0)


def test_a_label_changes_what_is_written(labelled):
    one, other, none = (texts(labelled.sample(label, count=30, seed=1)) for label in ("Dutch", "Greek", None))
    assert len({tuple(one), tuple(other), tuple(none)}) == 3
    assert labelled.score("Abc", label="Dutch") != labelled.score("Abc", label="Greek")
    assert labelled.sample("Greek", seed=1)[0].label == "Greek"


def test_strings_that_never_end_are_cut_and_say_so():
    writer = build()
    tensors = {**writer.tensors, "output.bias": np.array([-90, 0, 0, 0], np.float32)}
    (sample,) = Generator(replace(writer, tensors=tensors)).sample(seed=1)
    assert (len(sample.text), sample.symbols, sample.is_seen) == (12, 12, None)
    assert sample.reason == "cut: no end after 12 symbols, the most that the model writes"


def test_what_cannot_be_scored_has_a_reason(generator):
    found = generator.score(["abx", None, " ", "a" * 201, "ABC"])
    reasons = [None if one.reason is None else one.reason.partition(":")[0] for one in found]
    assert reasons == ["unknown symbol", "missing", "blank", "too long", None]
    assert (found[0].unknown, found[0].nats_per_symbol, found[4].normalised) == (("x",), None, "abc")
    assert found[4].nats_per_symbol == pytest.approx(-found[4].log_probability / 4)
    assert found[0].to_dict()["log_probability"] is None


def test_a_string_longer_than_the_model_writes_can_be_scored(generator):
    assert generator.score("ab" * 50).symbols == 101


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "Greek"}, "tiny learned without labels; leave label out"),
        ({"start": "abŻ"}, "the model cannot write 'ż', which start has: it is not among the 3 symbols"),
        ({"start": "abcabcabcabc"}, "start must have fewer symbols than the 12 that the model writes at most; got 12"),
        ({"start": "a" * 300}, "start must be a string of at most 200 characters"),
        ({"temperature": 0}, "temperature must be a number of at least 0.05 and at most 10; got 0"),
        ({"temperature": float("nan")}, "temperature must be a number"),
        ({"count": 0}, "count must be a whole number from 1 to 1000000; got 0"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_an_invalid_option_is_refused_in_one_line(generator, options, message):
    with pytest.raises(SettingError, match=message) as refused:
        generator.sample(**options)
    assert "\n" not in str(refused.value)


def test_a_label_that_does_not_exist_is_refused_with_the_nearest_one(labelled):
    with pytest.raises(SettingError, match="tiny has no label 'greeek'; did you mean 'Greek'"):
        labelled.sample("greeek")
    with pytest.raises(SettingError, match="tiny has no label 'Q'; its labels are Dutch, Greek"):
        labelled.score("Abc", label="Q")


def test_a_model_without_a_filter_cannot_tell_what_it_has_seen(labelled):
    assert labelled.is_seen("Abc") is None and labelled.sample(seed=1)[0].is_seen is None
    with pytest.raises(SettingError, match="tiny has no filter of its training strings; leave unseen out"):
        labelled.sample(unseen=True)


def test_a_model_with_numbers_too_large_is_refused_in_one_line():
    writer = build()
    candidates = np.repeat([0, 50], [8, 4]).astype(np.float32)  # the state becomes about a half
    huge = {"decoder.bias_ih_l0": candidates, "output.weight": np.full((4, 4), 3e38, np.float32)}
    generator = Generator(replace(writer, tensors={**writer.tensors, **huge}))
    for call in (lambda: generator.sample(seed=1), lambda: generator.score("abc"), lambda: generator.list_next("a")):
        with pytest.raises(DamagedModelError, match="the numbers of the model tiny are too large to compute with"):
            call()


def test_load_returns_what_answers_with_a_model(generator, tiny_file, tmp_path):
    save_writer(generator.artifact, tmp_path / "model.safetensors")
    found = elman.load(tmp_path)
    assert isinstance(found, Generator) and texts(found.sample(seed=1)) == texts(generator.sample(seed=1))
    assert isinstance(elman.load(tiny_file), elman.Predictor)
    assert "reads labels and writes strings" in repr(found) and "parameters" in found._repr_html_()


def test_writing_needs_no_torch(python_process, generator, tmp_path):
    save_writer(generator.artifact, tmp_path / "model")
    code = (
        "import sys, elman\nmodel = elman.load(sys.argv[1])\nmodel.sample(seed=1), model.score('abc')\n"
        "print([name for name in ('torch', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    assert python_process(code, tmp_path / "model") == "[]\n"
