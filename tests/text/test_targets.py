"""Targets: symbols that are written have ids, and the mark is none of them."""

import pytest

from elman.errors import DataError, SettingError
from elman.text.targets import MARK, Targets


def test_characters_are_collected_in_order_and_written_back():
    targets = Targets.from_texts(["ba c", "a"])
    assert targets.symbols == (" ", "a", "b", "c") and len(targets) == 5
    assert targets.decode(targets.encode("ba c")) == "ba c"


def test_tokens_between_blanks_are_symbols():
    targets = Targets.from_texts(["N W IH1 N", " N  IH1"], form="blanks")
    assert targets.symbols == ("IH1", "N", "W")
    assert targets.decode(targets.encode("N IH1  N")) == "N IH1 N"


def test_a_rare_symbol_has_no_id():
    targets = Targets.from_texts(["aab"], min_count=2)
    assert (targets.symbols, targets.find("b"), targets.unknown_in("abcb")) == (("a",), None, ("b", "c"))
    with pytest.raises(DataError, match=r"the symbol 'b' is not among the 1 symbol that the model writes"):
        targets.encode("ab")


def test_the_mark_ends_a_text():
    assert Targets(("a", "b")).decode([1, 2, MARK, 1]) == "ab"


@pytest.mark.parametrize(
    ("symbols", "form"),
    [((), "characters"), (("a", "a"), "characters"), (("ab",), "characters"), (("\n",), "characters")]
    + [(("a b",), "blanks"), (("",), "blanks"), (("a" * 101,), "blanks"), (("a\0",), "blanks")],
)
def test_symbols_that_do_not_fit_are_refused(symbols, form):
    with pytest.raises(DataError):
        Targets(symbols, form)


def test_another_form_is_refused():
    with pytest.raises(SettingError, match="target_symbols must be one of characters, blanks; got 'words'"):
        Targets(("a",), "words")


@pytest.mark.parametrize("wrong", [-1, 3])
def test_an_id_that_does_not_exist_is_refused(wrong):
    with pytest.raises(DataError, match=f"ids must be from 0 to 2; got {wrong}"):
        Targets(("a", "b")).decode([wrong])
