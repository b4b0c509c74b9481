"""Recipes: settings with a name. The best ones found for each task, and those of the five tutorials.

A tutorial's recipe has the tutorial's network, loss, optimiser and number of steps, so that its figures can be
reproduced. The split has a test part even if the author kept none. `elman compare --tutorials` runs the recipes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from elman.errors import SettingError
from elman.model.config import ModelConfig
from elman.model.writing import WriterConfig
from elman.text.normalisation import Normalisation
from elman.training.config import RunConfig, TrainConfig

ASCII = Normalisation(lower_case=False, accents=False)
"""How the tutorials prepare names: transliterated, without accents, in their own case."""

AS_IT_IS = Normalisation(lower_case=False, transliterate=False)
"""How pairs are read: a tag belongs to a symbol, so no symbol may be lost or changed."""

BARE = ModelConfig(
    fused=False,
    directions=1,
    embedding_size=0,
    initialisation="uniform",
    ngram_orders=(),
    bag_orders=(),
    dropout=0.0,
    input_dropout=0.0,
    symbol_dropout=0.0,
)
"""What every tutorial has: torch.nn's layers and initialisation, one-hot symbols, one direction, no dropout."""

ONE_BY_ONE = TrainConfig(
    batch_size=1, optimiser="adam", learning_rate=1e-3, schedule="constant", weight_decay=0.0, clip=None, keep="last"
)
"""How the tutorials train: one example in each step, a constant rate, and the last weights are kept."""

OF_DATA = {"hello": "t3"}
"""Named sets that a tutorial's recipe suits best."""


@dataclass(frozen=True)
class Recipe:
    """Settings with a name.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        config: the settings.
        reported: the accuracy that the author of the tutorial reports, 0 to 1, if any.
    """

    name: str
    about: str
    config: RunConfig
    reported: float | None = None


class _Recipes(Mapping[str, Recipe]):
    """The tutorials' recipes by name; each is built when it is looked up."""

    def __getitem__(self, name: str) -> Recipe:
        return _BUILDERS[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(_BUILDERS)

    def __len__(self) -> int:
        return len(_BUILDERS)


RECIPES = _Recipes()


def named_recipe(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        SettingError: there is no such recipe.
    """
    if name not in RECIPES:
        raise SettingError(f"no recipe is named {name!r}; the recipes are {', '.join(RECIPES)}")
    return RECIPES[name]


def best_settings(task: str, cell: str | None = None, *, by_hand: bool = False) -> RunConfig:
    """Return the best settings found for a task and a cell; `benchmarks/` measures them.

    Args:
        task: one of `elman.training.tasks.registry.TASKS`.
        cell: one of `elman.model.config.CELLS`; the best one for the task if None.
        by_hand: use the cell that is written for reading.

    Raises:
        SettingError: the cell has no such name.
    """
    if task == "generate":
        return _settings_of_strings(cell or "gru", by_hand=by_hand)
    if task == "pairs":
        return _settings_of_pairs(cell or "gru", by_hand=by_hand)
    plain = RunConfig(name="", data="", task=task)
    if task == "features":
        linear = replace(BARE, cell=cell or "none")
        steps = replace(ONE_BY_ONE, optimiser="sgd", learning_rate=0.05, schedule="one-cycle", batch_size=32)
        return replace(plain, model=linear, train=replace(steps, epochs=200))
    if task == "images":
        model = ModelConfig(
            cell=cell or "lstm",
            by_hand=by_hand,
            layers=2,
            directions=1,
            input_size=28,
            ngram_orders=(),
            bag_orders=(),
            dropout=0.2,
            input_dropout=0.0,
            layer_dropout=0.2,
        )
        rate = 1e-3 if model.cell in ("elman", "rnn") else 4e-3  # the Elman cell diverges at higher rates
        return replace(plain, model=model, train=TrainConfig(epochs=14, learning_rate=rate), shift=2)
    model, train = recipe(cell or "gru", by_hand=by_hand)
    if task == "tags":
        model = replace(model, readout="each", bag_orders=(), dropout=0.1, input_dropout=0.1, ngram_dropout=0.1)
        return replace(plain, model=model, train=replace(train, epochs=30, batch_size=32), normalisation=AS_IT_IS)
    return replace(plain, model=model, train=train)


def _settings_of_strings(cell: str, *, by_hand: bool) -> RunConfig:
    """Return the best settings found for writing new strings, which have the case and the script that they are in.

    `benchmarks/generation.py` measures them.
    """
    shape = WriterConfig(cell=cell, by_hand=by_hand, hidden_size=224, embedding_size=32)
    train = TrainConfig(learning_rate=5e-3, average=0.99, weight_decay=0.05)
    return RunConfig(task="generate", writer=shape, train=train, normalisation=AS_IT_IS)


def _settings_of_pairs(cell: str, *, by_hand: bool) -> RunConfig:
    """Return the best settings found for pairs; sources keep their script."""
    shape = WriterConfig(
        cell=cell,
        by_hand=by_hand,
        hidden_size=384,
        embedding_size=128,
        label_size=None,
        encoder_cell=cell,
        encoder_size=256,
        encoder_layers=2,
        source_size=128,
        attention="additive",
        attention_size=192,
        mix_size=384,
    )
    train = TrainConfig(learning_rate=2e-3, label_smoothing=0.1, average=0.999)
    return RunConfig(task="pairs", writer=shape, train=train, normalisation=Normalisation(transliterate=False))


def recipe(cell: str, *, by_hand: bool = False) -> tuple[ModelConfig, TrainConfig]:
    """Return the best settings found for a cell; `benchmarks/accuracy.py` measures them.

    Raises:
        SettingError: the cell has no such name.
    """
    return ModelConfig(cell=cell, by_hand=by_hand), TrainConfig()


def _name_config(model: ModelConfig, train: TrainConfig, *, split: str = "grouped") -> RunConfig:
    """Return a tutorial's settings on the names of 18 languages."""
    return RunConfig(
        name="",
        data="languages",
        model=model,
        train=train,
        split=split,
        normalisation=ASCII,
        validation_share=0.02,
    )


def _build_t1() -> Recipe:
    model = replace(BARE, cell="elman", by_hand=True, head="concatenation", activation="none", hidden_size=128)
    train = replace(ONE_BY_ONE, epochs=20, draws=5_000, optimiser="sgd", learning_rate=5e-3, copy_weighting=1.0)
    about = "a linear network by hand, hidden 128; 100,000 names drawn label by label; SGD 0.005"
    return Recipe("t1", about, _name_config(model, train))


def _build_t2a() -> Recipe:
    by_hand = replace(BARE, cell="elman", by_hand=True, head="concatenation", activation="sigmoid", hidden_size=256)
    model, train = replace(by_hand, first_state="drawn"), replace(ONE_BY_ONE, epochs=2, clip=1.0)
    about = "a sigmoid network by hand, hidden 256, first state drawn; one name a step; Adam 0.001, clipped; 2 epochs"
    return Recipe("t2a", about, _name_config(model, train, split="stratified"), reported=0.7225)


def _build_t2b() -> Recipe:
    model, train = replace(BARE, cell="gru", layers=2, hidden_size=256), replace(ONE_BY_ONE, epochs=2)
    about = "torch.nn's GRU, 2 layers of 256; one name a step; Adam 0.001; 2 epochs"
    return Recipe("t2b", about, _name_config(model, train, split="stratified"), reported=0.8142)


def _build_t3() -> Recipe:
    model = replace(BARE, cell="rnn", hidden_size=4, readout="each", head="none", initialisation="refractory")
    train = replace(ONE_BY_ONE, epochs=20, learning_rate=0.1)
    plain = RunConfig(name="", data="hello", task="tags", split="none", shared_alphabet=True, normalisation=AS_IT_IS)
    about = "hello → ohlol: hidden 4, the state itself is the score; Adam 0.1; 20 epochs. --hand: the cell by hand"
    return Recipe("t3", about, replace(plain, model=model, train=train))


def _build_t4() -> Recipe:
    model = replace(BARE, cell="lstm", layers=2, hidden_size=128, input_size=28, embedding_size=0)
    # The running average is not the tutorial's: the last of so few steps alone depends too much on chance.
    train = replace(ONE_BY_ONE, epochs=2, batch_size=100, average=0.99)
    config = RunConfig(name="", data="mnist", task="images", model=model, train=train, validation_share=0.02)
    about = "digits row by row, 2 layers of 128; batches of 100; Adam 0.001, averaged; 2 epochs. --cell rnn, gru, lstm"
    return Recipe("t4", about, config, reported=0.97)


def _build_t5() -> Recipe:
    model = replace(BARE, cell="rnn", hidden_size=128)
    train = replace(ONE_BY_ONE, epochs=2, copy_weighting=1.0)
    about = "torch.nn's RNN, hidden 128; one name a step; Adam 0.001; 2 epochs"
    return Recipe("t5", about, _name_config(model, train))


def _build_t5_linear() -> Recipe:
    steps = replace(ONE_BY_ONE, epochs=1_000, optimiser="sgd", learning_rate=0.01, batch_size=1_000_000)
    config = RunConfig(name="", data="", task="features", model=replace(BARE, cell="none"), train=steps)
    about = "a linear regression on a table's columns: SGD 0.01 on all rows at once; 1,000 epochs"
    return Recipe("t5-linear", about, config)


_BUILDERS = {
    "t1": _build_t1,
    "t2a": _build_t2a,
    "t2b": _build_t2b,
    "t3": _build_t3,
    "t4": _build_t4,
    "t5": _build_t5,
    "t5-linear": _build_t5_linear,
}
