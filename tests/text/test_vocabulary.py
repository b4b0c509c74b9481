"""Each symbol and label has an id; unknown symbols have id 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import DataError
from elman.records import UNKNOWN
from elman.text.normalisation import fold_accents
from elman.text.vocabulary import LONGEST_LABEL, MOST_LABELS, Labels, Vocabulary, has_controls

ANY_TEXT = st.text(st.characters(), max_size=20)


@given(st.lists(ANY_TEXT, max_size=5))
def test_texts_of_a_vocabulary_are_encoded_and_decoded_without_loss(texts):
    vocabulary = Vocabulary.from_texts(texts)
    assert [vocabulary.decode(vocabulary.encode(text)) for text in texts] == texts


@given(known=ANY_TEXT, text=ANY_TEXT)
def test_a_symbol_is_looked_up_as_itself_or_as_its_letter_without_accents(known, text):
    vocabulary = Vocabulary.from_texts([known])
    for symbol, symbol_id in zip(text, vocabulary.encode(text).tolist(), strict=True):
        bare = symbol if symbol in known else fold_accents(symbol)
        assert symbol_id == (vocabulary.symbols.index(bare) + 1 if bare in vocabulary.symbols else UNKNOWN)


def test_an_accented_letter_that_is_read_without_its_accent_is_reported_as_unknown():
    vocabulary = Vocabulary(tuple("enüz"))
    assert vocabulary.encode("ễüẓ水").tolist() == [1, 3, 4, UNKNOWN]
    assert vocabulary.unknown_in("ễüẓ水") == ("ễ", "ẓ", "水")


@given(known=ANY_TEXT, text=ANY_TEXT)
def test_unknown_symbols_are_listed_once_in_their_order(known, text):
    unknown = Vocabulary.from_texts([known]).unknown_in(text)
    assert unknown == tuple(dict.fromkeys(symbol for symbol in text if symbol not in known))


def test_an_unknown_symbol_is_neither_the_first_nor_the_last_known_one():
    vocabulary = Vocabulary(("a", "b", "c"))
    assert vocabulary.encode("a?c").tolist() == [1, 0, 3]
    assert vocabulary.decode([1, 0, 3]) == "a\N{REPLACEMENT CHARACTER}c"
    assert vocabulary.decode([1, 0, 3], unknown="?") == "a?c"


def test_ids_are_64_bit_integers_even_of_an_empty_text():
    for text in ("", "ab", "??"):
        ids = Vocabulary(("a", "b")).encode(text)
        assert (ids.dtype, ids.shape) == (np.int64, (len(text),))


def test_the_length_includes_the_unknown_id():
    assert len(Vocabulary(())) == 1
    assert len(Vocabulary(("a", "b"))) == 3


def test_symbols_are_in_code_point_order_for_any_order_of_texts():
    assert Vocabulary.from_texts(["cab", "é-"]) == Vocabulary.from_texts(["é-", "bca"])
    assert Vocabulary.from_texts(["cab", "é-"]).symbols == ("-", "a", "b", "c", "é")


def test_symbols_rarer_than_min_count_are_left_out():
    assert Vocabulary.from_texts(["aab", "abc"], min_count=2).symbols == ("a", "b")


@pytest.mark.parametrize("symbols", [("a", "a"), ("ab",), ("",), ("a", "e\u0301")])
def test_symbols_that_are_not_distinct_single_characters_are_refused(symbols):
    with pytest.raises(DataError, match="distinct single characters"):
        Vocabulary(symbols)


def test_labels_are_in_alphabetical_order_and_found_by_their_ids():
    labels = Labels.from_names(["Greek", "Dutch", "Greek", "Arabic"])
    assert (labels.names, len(labels)) == (("Arabic", "Dutch", "Greek"), 3)
    ids = labels.encode(["Greek", "Arabic"])
    assert (ids.dtype, [labels.names[k] for k in ids]) == (np.int64, ["Greek", "Arabic"])


def test_no_names_have_no_label_ids():
    assert Labels(("a", "b")).encode([]).shape == (0,)


def test_an_unknown_label_is_named_in_the_error():
    with pytest.raises(DataError, match="'Klingon' is not among the model's 2 labels"):
        Labels(("Dutch", "Greek")).encode(["Dutch", "Klingon"])


@pytest.mark.parametrize("names", [(), ("Dutch", "Dutch"), ("Dutch", "Greek", "Dutch")])
def test_no_labels_or_equal_labels_are_refused(names):
    with pytest.raises(DataError, match="distinct, and at least one"):
        Labels(names)


@pytest.mark.parametrize("names", [(), ("Dutch",), ("Dutch", "Dutch")])
def test_a_classifier_of_fewer_than_two_distinct_labels_is_refused(names):
    with pytest.raises(DataError, match="at least two distinct labels"):
        Labels.from_names(names)


@given(st.lists(st.text(st.characters(codec=None), min_size=1), max_size=8))
def test_texts_are_encoded_together_as_one_by_one(texts):
    vocabulary = Vocabulary(("a", "é", "中", "😀", "\ud800"))
    encoded = vocabulary.encode_all(texts)
    assert [ids.tolist() for ids in encoded.split()] == [vocabulary.encode(text).tolist() for text in texts]


def test_a_vocabulary_without_symbols_encodes_all_as_unknown():
    assert Vocabulary(()).encode_all(["ab", "c"]).ids.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([str(k) for k in range(MOST_LABELS + 1)], "at most 10,000 labels; got 10,001"),
        (["a", "b" * (LONGEST_LABEL + 1)], "at most 1000 characters"),
        (["a", "b\n"], r"no control characters; got b\\n$"),
        (["a", "b\ud800"], r"no control characters; got b\\ud800$"),
        (["a"] * 5000, "distinct, and at least one; got a, a"),
    ],
)
def test_labels_that_no_table_could_show_are_refused_in_a_short_line(names, message):
    with pytest.raises(DataError, match=message) as refused:
        Labels(tuple(names))
    assert len(str(refused.value)) < 200


def test_many_long_labels_in_any_script_are_allowed():
    names = tuple(f"{k} ж\u200b\xa0" for k in range(MOST_LABELS - 1)) + ("b" * LONGEST_LABEL,)
    assert len(Labels(names)) == MOST_LABELS
    with pytest.raises(DataError, match=r"'\\x1b\[31m' is not among"):
        Labels(names).encode(["\x1b[31m"])


def test_controls_and_surrogates_are_found():
    assert [has_controls(text) for text in ("\x00", "a\x85", "\ud800")] == [True] * 3
    assert not any(map(has_controls, ("", "a b", "\u200b\u2028\xa0", "\ue000")))
