"""Augmentation adds spellings without accents, and takes nothing away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.augment import shifted, with_folded_spellings
from elman.records import Example
from elman.text.normalisation import fold_accents

some_examples = st.lists(
    st.builds(Example, st.text("aäâoøłß\u0301", min_size=1, max_size=3), st.sampled_from(["x", "y"]), st.integers(1, 2))
)


@given(some_examples)
def test_the_examples_stand_first_and_only_new_plain_spellings_follow(examples):
    result = with_folded_spellings(examples)
    added = result[len(examples) :]
    assert list(result[: len(examples)]) == examples
    assert len(set(added)) == len(added)
    for example in added:
        assert example.text == fold_accents(example.text) != ""
        assert (example.text, example.label) not in {(e.text, e.label) for e in examples}


@given(some_examples)
def test_every_accented_example_can_be_found_without_accents(examples):
    found = {(example.text, example.label) for example in with_folded_spellings(examples)}
    assert {(fold_accents(e.text), e.label) for e in examples if fold_accents(e.text)} <= found


def test_a_plain_spelling_keeps_its_label_and_count():
    assert with_folded_spellings([Example("müller", "German", 3)])[1:] == (Example("muller", "German", 3),)


def test_a_plain_spelling_that_is_there_already_is_not_added_again():
    examples = [Example("müller", "German"), Example("muller", "German"), Example("ito", "Japanese")]
    assert with_folded_spellings(examples) == tuple(examples)


def test_a_plain_spelling_under_another_label_does_not_count_as_there():
    added = with_folded_spellings([Example("müller", "German"), Example("muller", "English")])[2:]
    assert added == (Example("muller", "German"),)


def test_nothing_comes_of_nothing():
    assert with_folded_spellings([]) == ()
    assert with_folded_spellings([Example("\u0301", "x")]) == (Example("\u0301", "x"),)


# Images


def pictures(size, *, rows=5, columns=4):
    """Pictures whose pixels are all different and none is 0, (rows, B, columns)."""
    return np.arange(1, rows * size * columns + 1).reshape(rows, size, columns)


def offset_of(before, after):
    """How far one picture of distinct pixels was moved, down and to the right."""
    (down, right), (row, column) = np.argwhere(after)[0], np.argwhere(before == after[after > 0][0])[0]
    return down - row, right - column


@given(st.integers(0, 3), st.integers(1, 9), st.integers(0, 99))
def test_each_picture_is_moved_as_a_whole_and_zeros_come_in(most, size, seed):
    images = pictures(size)
    moved = shifted(images, most, np.random.default_rng(seed))
    for k in range(size):
        down, right = offset_of(images[:, k], moved[:, k])
        assert max(abs(down), abs(right)) <= most
        expected = np.zeros((5, 4), int)
        for row in range(5):
            for column in range(4):
                if 0 <= row - down < 5 and 0 <= column - right < 4:
                    expected[row, column] = images[row - down, k, column - right]
        assert np.array_equal(moved[:, k], expected)


def test_a_move_by_nothing_changes_nothing():
    images = pictures(3)
    assert np.array_equal(shifted(images, 0, np.random.default_rng(0)), images)


def test_what_does_not_leave_the_frame_is_all_kept():
    images = np.zeros((9, 50, 8), np.uint8)
    images[3:6, :, 2:5] = np.arange(1, 10).reshape(3, 1, 3)
    moved = shifted(images, 2, np.random.default_rng(0))
    assert np.array_equal(np.sort(moved, axis=None), np.sort(images, axis=None))
    assert (moved.sum((0, 2)) == 45).all()


def test_every_offset_occurs_about_equally_often():
    images = pictures(4500)
    moved = shifted(images, 1, np.random.default_rng(0))
    offsets = [offset_of(images[:, k], moved[:, k]) for k in range(4500)]
    counts = {offset: offsets.count(offset) for offset in set(offsets)}
    assert set(counts) == {(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
    assert all(400 < count < 600 for count in counts.values())  # 500 each, 4.7 deviations either way


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64])
def test_moving_keeps_the_kind_and_shape_and_leaves_the_source_alone(kind):
    images = pictures(2).astype(kind)
    before = images.copy()
    moved = shifted(images, 2, np.random.default_rng(0))
    assert (moved.dtype, moved.shape) == (images.dtype, images.shape)
    assert np.array_equal(images, before)
