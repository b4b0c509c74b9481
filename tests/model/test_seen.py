"""The filter of training strings: no string is missed, few others are taken for one, and none is in it."""

import random

import numpy as np
import pytest

from elman.errors import SettingError
from elman.model.seen import FALSE_POSITIVES, MOST_BYTES, Seen


def strings(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(count)]


def test_every_string_is_found_and_about_one_in_a_hundred_others():
    seen = Seen.from_texts(strings(5000, 1))
    assert all(text in seen for text in strings(5000, 1))
    wrong = sum(text in seen for text in strings(5000, 2)) / 5000
    assert wrong < 2 * FALSE_POSITIVES and seen.false_positives == pytest.approx(FALSE_POSITIVES, rel=0.2)


def test_the_size_is_ten_bits_a_string_up_to_a_bound(monkeypatch):
    assert 8 * Seen.from_texts(strings(5000, 1)).bits.nbytes == pytest.approx(10 * 5000, rel=0.1)
    monkeypatch.setattr("elman.model.seen.MOST_BYTES", 1024)
    small = Seen.from_texts(strings(5000, 1))
    assert small.bits.nbytes == 1024 < MOST_BYTES and all(text in small for text in strings(5000, 1))
    assert small.false_positives > 0.1  # and says so


def test_copies_and_order_change_nothing():
    one, other = Seen.from_texts(["a", "b", "a"]), Seen.from_texts(["b", "a"])
    assert one.hashes == other.hashes and np.array_equal(one.bits, other.bits)


def test_the_empty_filter_has_seen_nothing():
    assert "a" not in Seen.from_texts([])


@pytest.mark.parametrize(("bits", "hashes"), [(np.zeros(0, np.int64), 3), (np.zeros(2, np.int64), 0)])
def test_a_filter_without_bits_or_hashes_is_refused(bits, hashes):
    with pytest.raises(SettingError):
        Seen(bits, hashes)
