"""Configuration of a training and of a run, as plain records that check themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from elman.checks import check_choice, check_number, check_share, check_whole
from elman.data.examples import MAX_CHARACTERS, ON_ERROR
from elman.errors import SettingError
from elman.model.config import Config, ModelConfig
from elman.model.kinds import KINDS
from elman.model.writing import WriterConfig
from elman.tables.formats import TextOptions
from elman.text.normalisation import Normalisation
from elman.text.targets import FORMS

OPTIMISERS = ("adamw", "adam", "sgd", "rmsprop")
SCHEDULES = ("one-cycle", "constant")
KEEPS = ("best", "last")
PRODUCTS = ("float32", "bfloat16")
BASELINES = ("none", "quick", "full")
DEVICES = ("auto", "cpu", "cuda", "mps")

PASSES, PASSES_EXAMPLES, LEAST_PASSES = 18, 20_000, 3
"""Passes over up to so many examples, and the fewest passes over many."""

LARGEST_RATE = 1e30
"""The largest learning rate; float32, and so torch, cannot hold much larger ones."""

LARGEST_DECAY = 1000.0
"""The largest weight decay: at the lowest useful rates it removes a weight in one step."""

MOST_THREADS = 1024
"""More threads than this end the process in some builds of torch."""

LARGEST_SEED = 2**32 - 1
"""The largest seed that scikit-learn takes."""

STRING_SPLIT, STREAM_SPLIT, SOURCE_SPLITS = "grouped", "hashed", {"images": "given", "features": "random"}
"""The default kinds of split: of strings, of strings that are streamed, and by task of other examples; see
`elman.data.splits`."""


@dataclass(frozen=True)
class TrainConfig(Config):
    """How a network is trained.

    Args:
        epochs: passes over the training part, at least 1. None: `passes_for` the number of examples.
        batch_size: sequences of one length in a step, at least 1.
        optimiser: ``adamw``, ``adam``, ``sgd`` or ``rmsprop``.
        learning_rate: the highest rate of the schedule, above 0.
        schedule: ``one-cycle`` rises and falls over all steps; ``constant``.
        weight_decay: of matrices, not biases, at least 0; decoupled in ``adamw``.
        clip: the largest gradient norm, above 0; None: no limit.
        label_smoothing: share of the target spread over all labels, 0 up to 1.
        class_weighting: the loss of an example counts 1 / (frequency of its label) to this power, 0 to 1: 0 has no
            effect, 1 makes all labels count alike.
        row_weighting: where the rows of the bag are chosen, an n-gram counts for each example 1 / (frequency of its
            label) to this power, 0 to 1: 0 gives rows to the most frequent n-grams, 1 as many to those of rare labels.
        copy_weighting: copies of a string count as their number to this power, 0 to 1: 0 as one, 1 as all of them.
        average: decay of the running average of the weights that is evaluated and kept, 0 up to 1; 0 uses none.
        path_weight: weight of the losses of the recurrent path and of the bag, each as if it answered alone, beside
            the loss of both together, at least 0. Paths that must answer alone leave less to each other. None: training
            chooses.
        draws: steps in an epoch, each of one example: a label drawn uniformly, then an example of it by its weight;
            batch_size must be 1. None: every example once.
        keep: ``best``, the weights of the epoch with the lowest validation loss; or ``last``.
        patience: stop after so many epochs without a better validation loss; None: never.
        seed: of weights, order and dropout.
        threads: for torch; None: torch's default.
        products: ``float32``, or ``bfloat16`` for the recurrent products of fused passes: faster on processors that
            multiply bfloat16 in hardware, slower on others, and a little less exact. On a GPU, all products.
        device: ``cpu``, ``cuda`` or ``mps``; ``auto``: a GPU that CUDA can use, or else the processor.
    """

    epochs: int | None = None
    batch_size: int = 128
    optimiser: str = "adamw"
    learning_rate: float = 4e-3
    schedule: str = "one-cycle"
    weight_decay: float = 0.01
    clip: float | None = 1.0
    label_smoothing: float = 0.0
    class_weighting: float = 0.0
    row_weighting: float = 0.0
    copy_weighting: float = 0.0
    average: float = 0.0
    path_weight: float | None = None
    draws: int | None = None
    keep: str = "best"
    patience: int | None = None
    seed: int = 0
    threads: int | None = None
    products: str = "float32"
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check every value."""
        check_choice("products", self.products, PRODUCTS)
        check_choice("device", self.device, DEVICES)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("keep", self.keep, KEEPS)
        check_whole("batch_size", self.batch_size, 1)
        check_whole("seed", self.seed, 0)
        for name, most in (("epochs", None), ("draws", None), ("patience", None), ("threads", MOST_THREADS)):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1, most=most)
        if self.draws is not None and self.batch_size != 1:
            raise SettingError(f"examples are drawn one by one: draws needs batch_size 1; got {self.batch_size}")
        check_number("learning_rate", self.learning_rate, above=0, most=LARGEST_RATE)
        if self.clip is not None:
            check_number("clip", self.clip, above=0)
        check_number("weight_decay", self.weight_decay, least=0, most=LARGEST_DECAY)
        for name in ("class_weighting", "row_weighting", "copy_weighting"):
            check_number(name, getattr(self, name), least=0, most=1)
        if self.path_weight is not None:
            check_number("path_weight", self.path_weight, least=0)
        for name in ("label_smoothing", "average"):
            check_share(name, getattr(self, name))

    def of_any_length(self) -> "TrainConfig":
        """Return the settings without those that say how long to train."""
        return replace(self, epochs=None, patience=None)

    @property
    def passes(self) -> int:
        """The number of epochs; `PASSES` if it was not chosen yet."""
        return self.epochs or PASSES


def passes_for(examples: int) -> int:
    """Return how many passes over a training part are enough: the fewer, the more examples there are.

    >>> [passes_for(examples) for examples in (200, 20_000, 100_000, 1_000_000)]
    [18, 18, 11, 6]
    """
    share: float = (PASSES_EXAMPLES / examples) ** 0.28
    return min(PASSES, max(LEAST_PASSES, round(PASSES * share)))


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes.

    Args:
        name: what the model will be called; a name is chosen if it is empty.
        data: where the examples come from, as the user gave it; of a query only the kind of its database.
        model: the shape of the network, if it answers.
        train: how it is trained.
        task: ``label``, ``tags`` or ``number`` of strings; ``images``; ``features`` for a linear regression;
            ``generate`` or ``pairs`` for a network that writes strings.
        split: of strings ``grouped``, ``stratified``, ``hashed`` or ``none``; of images ``given``; of features
            ``random`` or ``none``. Empty: the first of these; ``hashed`` if the data are streamed.
        split_seed: of the shuffle before the split.
        test_share: share of the examples that is kept for the test.
        validation_share: share that chooses the epoch and the temperature.
        normalisation: how strings are prepared.
        symbol_min_count: rarer symbols are unknown ones.
        shared_alphabet: of ``tags``: every symbol that is read is a tag, too.
        shift: of ``images``: training moves them at random by up to so many pixels in any direction.
        text_column: of a table.
        label_column: of a table; for ``number`` and ``features`` the column of the number.
        feature_columns: of a table, for ``features``.
        max_characters: longer strings are dropped.
        data_folder: the folder of a named set.
        header: whether the first line of a text table names its columns; see `elman.tables.formats.TextOptions`.
        delimiter: the character between its cells; recognised if None.
        encoding: the encoding of text; UTF-8, or what a byte order mark says, if None.
        on_error: ``skip`` drops and counts rows that cannot be read, ``stop`` stops at the first; None: what is usual
            for the task.
        baseline: what the model is compared with, besides one constant answer: ``none``; ``quick``, whose fit is
            bounded; or ``full``, see `elman.evaluation.baseline`. ``tags`` and ``features`` have one baseline, which is
            always quick.
        init: the model that the training starts from, a name or a path; see `elman.training.tuning`.
        stream: the examples are in shards on the disk, one of which is in memory; see `elman.data.streaming`. Of
            ``label`` alone.
        levels: a table of the labels and their groups at each level above; see `elman.tables.small.read_levels`.
        writer: the shape of the network, if it writes; None otherwise.
        target_symbols: what is written: ``characters``, or tokens between ``blanks``.
        source_column: of a table of ``pairs``, the column of what is read; see
            `elman.data.pairs.read_transcriptions`, also for the next two.
        target_column: the column of what is written.
        count_column: the column that says how often a pair occurs.
        swap: of ``pairs``: read the targets, and write the sources.
    """

    name: str = ""
    data: str = ""
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    task: str = "label"
    split: str = ""
    split_seed: int = 0
    test_share: float = 0.1
    validation_share: float = 0.05
    normalisation: Normalisation = field(default_factory=Normalisation)
    symbol_min_count: int = 1
    shared_alphabet: bool = False
    shift: int = 0
    text_column: str = "name"
    label_column: str = "label"
    feature_columns: tuple[str, ...] = ()
    max_characters: int = MAX_CHARACTERS
    data_folder: str | None = None
    header: bool | None = None
    delimiter: str | None = None
    encoding: str | None = None
    on_error: str | None = None
    baseline: str = "quick"
    init: str | None = None
    stream: bool = False
    levels: str | None = None
    writer: WriterConfig | None = None
    target_symbols: str = "characters"
    source_column: str | None = None
    target_column: str | None = None
    count_column: str | None = None
    swap: bool = False

    def __post_init__(self) -> None:
        """Check what no other config checks, and choose the kind of split if it is empty."""
        for name in ("test_share", "validation_share"):
            check_number(name, getattr(self, name), above=0)
            check_share(name, getattr(self, name))
        check_whole("seed", self.split_seed, 0, most=LARGEST_SEED)
        check_whole("shift", self.shift, 0, unit="pixels")
        if self.on_error is not None:
            check_choice("on_error", self.on_error, ON_ERROR)
        check_choice("baseline", self.baseline, BASELINES)
        check_choice("target_symbols", self.target_symbols, FORMS)
        if self.swap and self.task != "pairs":
            raise SettingError(f"only pairs can be swapped, and the task is {self.task}; leave swap out")
        if self.task in KINDS and KINDS[self.task].writes != (self.writer is not None):
            what = "needs a network that writes" if self.writer is None else "has no network that writes"
            raise SettingError(f"the task {self.task!r} {what}: its settings are those of writer")
        if self.baseline != "quick" and self.task in ("tags", "features"):
            raise SettingError(f"{self.task} have one baseline, which takes no time; leave baseline out")
        self.text_options()
        usual = STREAM_SPLIT if self.stream else SOURCE_SPLITS.get(self.task, STRING_SPLIT)
        object.__setattr__(self, "split", self.split or usual)
        if self.stream:
            self._check_stream()

    def _check_stream(self) -> None:
        """Check that examples in shards can be trained on.

        Raises:
            SettingError: they cannot.
        """
        if self.task != "label":
            raise SettingError(
                f"only strings with labels are streamed, and the task is {self.task}; leave --stream out"
            )
        if self.split != STREAM_SPLIT:
            raise SettingError(
                f"data that are streamed are split by a hash of the string ({STREAM_SPLIT}); got {self.split}: leave "
                "--split or --stream out"
            )
        if self.train.draws is not None:
            raise SettingError("examples in shards cannot be drawn label by label; leave draws or --stream out")

    def of_any_length(self) -> "RunConfig":
        """Return the settings without those that say how long to train."""
        return replace(self, train=self.train.of_any_length())

    def text_options(self) -> TextOptions:
        """Return how text files are read.

        Raises:
            SettingError: the delimiter is not one character, or the encoding is unknown.
        """
        return TextOptions(self.delimiter, self.encoding, self.header)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunConfig":
        """Build a config from plain values, as ``config.json`` holds them."""
        plain = dict(values)
        if plain.get("task") in SOURCE_SPLITS and plain.get("split") == STRING_SPLIT:
            plain["split"] = ""  # older runs say grouped of images and features, too
        return cls(
            model=ModelConfig.from_dict(plain.pop("model")),
            train=TrainConfig.from_dict(plain.pop("train")),
            normalisation=Normalisation(**plain.pop("normalisation")),
            feature_columns=tuple(plain.pop("feature_columns", ())),
            writer=None if (writer := plain.pop("writer", None)) is None else WriterConfig.from_dict(writer),
            **plain,
        )
