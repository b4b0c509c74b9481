"""Augmentation adds spellings without accents, and moves images; it removes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.augment import add_folded_spellings, shift_images
from elman.records import Example
from elman.text.normalisation import fold_accents

some_examples = st.lists(
    st.builds(Example, st.text("aäâoøłß\u0301", min_size=1, max_size=3), st.sampled_from(["x", "y"]), st.integers(1, 2))
)


@given(some_examples)
def test_the_examples_come_first_and_only_new_plain_spellings_follow(examples):
    result = add_folded_spellings(examples)
    added = result[len(examples) :]
    assert list(result[: len(examples)]) == examples
    assert len(set(added)) == len(added)
    for example in added:
        assert example.text == fold_accents(example.text) != ""
        assert (example.text, example.label) not in {(e.text, e.label) for e in examples}


@given(some_examples)
def test_every_accented_example_has_a_spelling_without_accents(examples):
    found = {(example.text, example.label) for example in add_folded_spellings(examples)}
    assert {(fold_accents(e.text), e.label) for e in examples if fold_accents(e.text)} <= found


def test_a_plain_spelling_keeps_its_label_and_count():
    assert add_folded_spellings([Example("müller", "German", 3)])[1:] == (Example("muller", "German", 3),)


def test_a_plain_spelling_that_exists_is_not_added_again():
    examples = [Example("müller", "German"), Example("muller", "German"), Example("ito", "Japanese")]
    assert add_folded_spellings(examples) == tuple(examples)


def test_a_plain_spelling_that_has_another_label_is_added():
    added = add_folded_spellings([Example("müller", "German"), Example("muller", "English")])[2:]
    assert added == (Example("muller", "German"),)


def test_known_folds_are_not_computed_again():
    added = add_folded_spellings([Example("müller", "German")], folds={"müller": "known"})
    assert [example.text for example in added] == ["müller", "known"]


def test_no_examples_give_none_and_a_lone_accent_has_no_plain_spelling():
    assert add_folded_spellings([]) == ()
    assert add_folded_spellings([Example("\u0301", "x")]) == (Example("\u0301", "x"),)


# Images


def make_images(size, *, rows=5, columns=4):
    """Return images whose pixels are all different and not 0, (rows, B, columns)."""
    return np.arange(1, rows * size * columns + 1).reshape(rows, size, columns)


def offset_of(before, after):
    """Return how far an image of different pixels was moved, down and to the right."""
    (down, right), (row, column) = np.argwhere(after)[0], np.argwhere(before == after[after > 0][0])[0]
    return down - row, right - column


@given(st.integers(0, 3), st.integers(1, 9), st.integers(0, 99))
def test_each_image_is_moved_as_a_whole_and_new_pixels_are_0(most, size, seed):
    images = make_images(size)
    moved = shift_images(images, most, np.random.default_rng(seed))
    for k in range(size):
        down, right = offset_of(images[:, k], moved[:, k])
        assert max(abs(down), abs(right)) <= most
        expected = np.zeros((5, 4), int)
        for row in range(5):
            for column in range(4):
                if 0 <= row - down < 5 and 0 <= column - right < 4:
                    expected[row, column] = images[row - down, k, column - right]
        assert np.array_equal(moved[:, k], expected)


def test_a_shift_of_0_changes_nothing():
    images = make_images(3)
    assert np.array_equal(shift_images(images, 0, np.random.default_rng(0)), images)


def test_pixels_that_stay_inside_are_all_kept():
    images = np.zeros((9, 50, 8), np.uint8)
    images[3:6, :, 2:5] = np.arange(1, 10).reshape(3, 1, 3)
    moved = shift_images(images, 2, np.random.default_rng(0))
    assert np.array_equal(np.sort(moved, axis=None), np.sort(images, axis=None))
    assert (moved.sum((0, 2)) == 45).all()


def test_every_offset_occurs_about_equally_often():
    images = make_images(4500)
    moved = shift_images(images, 1, np.random.default_rng(0))
    offsets = [offset_of(images[:, k], moved[:, k]) for k in range(4500)]
    counts = {offset: offsets.count(offset) for offset in set(offsets)}
    assert set(counts) == {(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
    assert all(400 < count < 600 for count in counts.values())  # 500 each, 4.7 deviations either way


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
def test_moving_keeps_the_type_and_shape_and_does_not_change_the_source(dtype):
    images = make_images(2).astype(dtype)
    before = images.copy()
    moved = shift_images(images, 2, np.random.default_rng(0))
    assert (moved.dtype, moved.shape) == (images.dtype, images.shape)
    assert np.array_equal(images, before)
