"""The baseline of pairs: what it learns, and what it cannot."""

import random

from elman.evaluation.letterwise import LetterWriter


def spell(source, sounds):
    return tuple(symbol for letter in source for symbol in sounds[letter].split())


def test_chunks_of_none_one_and_two_symbols_are_found():
    draw, sounds = random.Random(0), {"a": "AH", "b": "B", "x": "K S", "e": ""}
    sources = ["".join(draw.choices("abxe", k=draw.randint(2, 6))) for _ in range(200)]
    writer = LetterWriter([(source, spell(source, sounds)) for source in sources if spell(source, sounds)])
    assert [writer.write(source) for source in ("axe", "bab", "exa", "xxba")] == [
        spell(source, sounds) for source in ("axe", "bab", "exa", "xxba")
    ]


def test_neighbours_tell_what_a_symbol_writes():
    pairs = [("cat", ("K", "AE", "T")), ("cit", ("S", "IH", "T")), ("tac", ("T", "AE", "K")), ("tic", ("T", "IH", "K"))]
    writer = LetterWriter(pairs * 3)
    assert writer.write("cit") == ("S", "IH", "T") and writer.write("cat") == ("K", "AE", "T")


def test_symbols_that_were_never_read_write_nothing():
    writer = LetterWriter([("ab", ("A", "B"))])
    assert writer.write("a?b") == ("A", "B") and writer.write("??") == ()


def test_pairs_whose_target_is_much_longer_are_left_out():
    writer = LetterWriter([("ab", ("A", "B")), ("c", ("C", "C", "C", "C"))])
    assert writer.write("cab") == ("A", "B")


def test_many_pairs_take_a_sample_that_the_seed_decides(monkeypatch):
    monkeypatch.setattr("elman.evaluation.letterwise.MOST_ALIGNED", 5)
    pairs = [(letter, (letter.upper(),)) for letter in "abcdefghij"]
    one, other = (LetterWriter(pairs, seed=3) for _ in range(2))
    known = [letter for letter in "abcdefghij" if one.write(letter)]
    assert len(known) == 5 and known == [letter for letter in "abcdefghij" if other.write(letter)]
