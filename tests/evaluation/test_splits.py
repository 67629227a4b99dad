import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nolabel.evaluation.splits import label_draws, some_rows, stratified_splits


@settings(deadline=None)
@given(st.lists(st.integers(2, 12), min_size=1, max_size=5), st.integers(0, 3), st.integers(0, 9))
def test_splits_part_the_labelled_samples_in_proportion(sizes, unknown, seed):
    y = np.random.default_rng(seed).permutation(np.repeat([*range(len(sizes)), -1], [*sizes, unknown]))
    for split in stratified_splits(y, 2, random_state=seed):
        assert sorted([*split.train, *split.test]) == np.flatnonzero(y >= 0).tolist()
        asked = np.bincount(y[split.test], minlength=len(sizes))
        np.testing.assert_array_equal(asked, [max(1, round(0.2 * size)) for size in sizes])


def test_splits_differ_and_repeat():
    y = np.arange(100) % 4
    one, two = stratified_splits(y, 2, random_state=0)
    again = stratified_splits(y, 2, random_state=0)[0]
    np.testing.assert_array_equal(one.test, again.test)
    assert not np.array_equal(one.test, two.test)
    assert not np.array_equal(one.test, stratified_splits(y, 1, random_state=1)[0].test)


def test_draws_are_nested_balanced_and_from_the_pool():
    y = np.arange(90) % 3
    y[:6] = -1
    pool = np.flatnonzero(y >= 0)[:60]
    draws = label_draws(y, pool, (1, 5, 500), 4, random_state=0)
    assert list(draws) == [1, 5]
    for few, more in zip(draws[1], draws[5]):
        assert set(few) <= set(more) <= set(pool)
        assert np.bincount(y[more]).tolist() == [5, 5, 5]
    assert len({tuple(rows) for rows in draws[5]}) == 4


def test_some_rows():
    np.testing.assert_array_equal(some_rows(5, 9, 0), np.arange(5))
    rows = some_rows(1000, 10, 3, 1)
    assert len(set(rows)) == 10
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, some_rows(1000, 10, 3, 1))
    assert not np.array_equal(rows, some_rows(1000, 10, 3, 2))


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    stratified_splits(np.arange(20) % 2, 3, random_state=0)
    some_rows(100, 10, 0)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_class_of_one_cannot_be_split():
    split = stratified_splits(np.array([0, 0, 1, 1]), 1, random_state=0)[0]
    assert len(split.train) == len(split.test) == 2
    with pytest.raises(ValueError, match="concatenate"):
        stratified_splits(np.array([-1, -1]), 1, random_state=0)
