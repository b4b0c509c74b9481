"""Recipes: settings with a name. The best found for each task, and those of the five tutorials that Elman grew out of.

A tutorial's recipe has the tutorial's own network, loss, optimiser and number of steps, so that its figures can be
reproduced; the data are split honestly where its author kept no test part. `elman compare --tutorials` runs them.
"""

from dataclasses import dataclass, replace

from elman.errors import SettingError
from elman.model.config import ModelConfig
from elman.text.normalisation import Normalisation
from elman.training.config import RunConfig, TrainConfig

ASCII = Normalisation(lower_case=False, accents=False)
"""How the tutorials prepare names: transliterated, accents dropped, case kept."""


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
"""torch.nn's own layers and start, one-hot symbols, one direction, nothing dropped: what every tutorial has."""


ONE_BY_ONE = TrainConfig(
    batch_size=1, optimiser="adam", learning_rate=1e-3, schedule="constant", weight_decay=0.0, clip=None, keep="last"
)
"""One example a step at a constant rate, and the last weights kept, as tutorials do."""


@dataclass(frozen=True)
class Recipe:
    """Settings with a name.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        config: the settings.
        reported: the accuracy that the tutorial's author reports, 0 to 1; None where there is none.
    """

    name: str
    about: str
    config: RunConfig
    reported: float | None = None


def _recipes() -> tuple[Recipe, ...]:
    names = RunConfig(name="", data="languages", normalisation=ASCII, validation_share=0.02)
    by_heart = RunConfig(name="", data="hello", task="tags", split="none", shared_alphabet=True, normalisation=AS_IT_IS)
    digits = RunConfig(name="", data="mnist", task="images", validation_share=0.02)
    from_scratch = replace(BARE, cell="elman", by_hand=True, head="concatenation")
    return (
        Recipe(
            "t1",
            "a linear network by hand, hidden 128; 100,000 names drawn label by label; SGD 0.005",
            replace(
                names,
                model=replace(from_scratch, activation="none", hidden_size=128),
                train=replace(
                    ONE_BY_ONE, epochs=20, draws=5_000, optimiser="sgd", learning_rate=5e-3, copy_weighting=1.0
                ),
            ),
        ),
        Recipe(
            "t2a",
            "a sigmoid network by hand, hidden 256, first state drawn; one name a step; Adam 0.001, clipped; 2 epochs",
            replace(
                names,
                split="stratified",
                model=replace(from_scratch, activation="sigmoid", hidden_size=256, first_state="drawn"),
                train=replace(ONE_BY_ONE, epochs=2, clip=1.0),
            ),
            reported=0.7225,
        ),
        Recipe(
            "t2b",
            "torch.nn's GRU, 2 layers of 256; one name a step; Adam 0.001; 2 epochs",
            replace(
                names,
                split="stratified",
                model=replace(BARE, cell="gru", layers=2, hidden_size=256),
                train=replace(ONE_BY_ONE, epochs=2),
            ),
            reported=0.8142,
        ),
        Recipe(
            "t3",
            "hello → ohlol: hidden 4, the state itself is the score; Adam 0.1; 20 epochs. --hand: the cell by hand",
            replace(
                by_heart,
                model=replace(
                    BARE, cell="rnn", hidden_size=4, readout="each", head="none", initialisation="refractory"
                ),
                train=replace(ONE_BY_ONE, epochs=20, learning_rate=0.1),
            ),
        ),
        Recipe(
            "t4",
            "digits row by row, 2 layers of 128; batches of 100; Adam 0.001, averaged; 2 epochs. --cell rnn, gru, lstm",
            replace(
                digits,
                model=replace(BARE, cell="lstm", layers=2, hidden_size=128, input_size=28, embedding_size=0),
                # The running average is not the tutorial's: it takes the chance out of the last of so few steps.
                train=replace(ONE_BY_ONE, epochs=2, batch_size=100, average=0.99),
            ),
            reported=0.97,
        ),
        Recipe(
            "t5",
            "torch.nn's RNN, hidden 128; one name a step; Adam 0.001; 2 epochs",
            replace(
                names,
                model=replace(BARE, cell="rnn", hidden_size=128),
                train=replace(ONE_BY_ONE, epochs=2, copy_weighting=1.0),
            ),
        ),
        Recipe(
            "t5-linear",
            "a linear regression on a table's columns: SGD 0.01 on all rows at once; 1,000 epochs",
            RunConfig(
                name="",
                data="",
                task="features",
                model=replace(BARE, cell="none"),
                train=replace(ONE_BY_ONE, epochs=1_000, optimiser="sgd", learning_rate=0.01, batch_size=1_000_000),
            ),
        ),
    )


RECIPES = {one.name: one for one in _recipes()}


OF_DATA = {"hello": "t3"}
"""Data sets that a tutorial's recipe suits best."""


def named_recipe(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        SettingError: there is none.
    """
    if name not in RECIPES:
        raise SettingError(f"no recipe is named {name!r}; the recipes are {', '.join(RECIPES)}")
    return RECIPES[name]


def best_settings(task: str, cell: str | None = None, *, by_hand: bool = False) -> RunConfig:
    """Return the best settings found for a task and a cell; `benchmarks/` measures them.

    Args:
        task: one of `elman.training.tasks.TASKS`.
        cell: one of `elman.model.config.CELLS`; the best for the task where None.
        by_hand: the cell that is written for reading.

    Raises:
        SettingError: the cell has no such name.
    """
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
        rate = 1e-3 if model.cell in ("elman", "rnn") else 4e-3  # the plain cell loses its way at higher ones
        return replace(plain, model=model, train=TrainConfig(epochs=14, learning_rate=rate), shift=2)
    model, train = recipe(cell or "gru", by_hand=by_hand)
    if task == "tags":
        model = replace(model, readout="each", bag_orders=(), dropout=0.1, input_dropout=0.1, ngram_dropout=0.1)
        return replace(plain, model=model, train=replace(train, epochs=30, batch_size=32), normalisation=AS_IT_IS)
    return replace(plain, model=model, train=train)


def recipe(cell: str, *, by_hand: bool = False) -> tuple[ModelConfig, TrainConfig]:
    """Return the best settings found for a cell; `benchmarks/accuracy.py` measures them.

    Raises:
        SettingError: the cell has no such name.
    """
    return ModelConfig(cell=cell, by_hand=by_hand), TrainConfig()
