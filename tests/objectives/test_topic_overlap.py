"""Diversity and stability against loops over their equations, known ends and SciPy."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from nolabel.errors import ArgumentError
from nolabel.objectives.topic_overlap import diversity, jaccard, jensen_shannon, match, stability, top_words


def drawn(topics, words, seed):
    return np.random.default_rng(seed).dirichlet(np.full(words, 0.3), topics)


def test_top_words_are_the_largest_and_ties_go_to_the_first():
    np.testing.assert_array_equal(
        top_words(np.array([[0.1, 0.4, 0.4, 0.1], [0, 0, 0, 1.0]]), 3), [[1, 2, 0], [3, 0, 1]]
    )
    assert top_words(np.ones((2, 3)), 9).shape == (2, 3)


def test_diversity_is_the_share_of_different_words():
    assert diversity(["abc", "def"], 3) == 1
    assert diversity(["abc", "abd"], 3) == pytest.approx(4 / 6)
    assert diversity(["abc", "abd"], 2) == pytest.approx(2 / 4)
    assert diversity(np.array([[1, 2], [1, 2], [1, 2]])) == pytest.approx(2 / 6)
    with pytest.raises(ArgumentError, match="n must be at least 1; got 0"):
        diversity(["abc"], 0)


def test_jensen_shannon_is_scipys():
    p, q = drawn(3, 20, 0), drawn(4, 20, 1)
    wanted = [[jensenshannon(a, b, base=2) ** 2 for b in q] for a in p]
    np.testing.assert_allclose(jensen_shannon(p, q), wanted, atol=1e-12)


def test_jensen_shannon_has_its_ends():
    apart = jensen_shannon(np.eye(2), np.eye(2))
    np.testing.assert_allclose(apart, 1 - np.eye(2), atol=1e-12)


def test_jaccard_is_of_sets():
    one, other = np.array([[0, 1, 2], [3, 4, 5]]), np.array([[2, 1, 9]])
    np.testing.assert_allclose(jaccard(one, other), [[2 / 4], [0]])


@pytest.mark.parametrize("by", ["jensen_shannon", "jaccard"])
@given(seed=st.integers(0, 1000))
def test_match_is_the_best_of_all_pairings(by, seed):
    one, other = drawn(4, 12, seed), drawn(4, 12, seed + 5000)
    rows, columns, similarity = match(one, other, by, n=4)
    table = jaccard(top_words(one, 4), top_words(other, 4)) if by == "jaccard" else 1 - jensen_shannon(one, other)
    best = max(sum(table[k, to[k]] for k in range(4)) for to in permutations(range(4)))
    assert similarity.sum() == pytest.approx(best)
    np.testing.assert_allclose(table[rows, columns], similarity)


@pytest.mark.parametrize("by", ["jensen_shannon", "jaccard"])
def test_the_same_topics_in_another_order_are_stable(by):
    topics = drawn(5, 40, 3)
    shuffled = topics[np.random.default_rng(0).permutation(5)]
    assert stability([topics, shuffled], by) == pytest.approx([1])
    np.testing.assert_array_equal(shuffled[match(topics, shuffled, by)[1]], topics)


def test_every_pair_of_runs_is_compared():
    same, other = drawn(3, 30, 0), drawn(3, 30, 1)
    first, second, third = stability([same, other, same])
    assert first == pytest.approx(third)
    assert second == pytest.approx(1)
    assert first < 0.9


def test_wrong_arguments_are_named():
    p = drawn(2, 5, 0)
    with pytest.raises(ArgumentError, match="by must be one of .* got 'jacard'; did you mean 'jaccard'"):
        match(p, p, "jacard")
    with pytest.raises(ArgumentError, match="got 5 and 6 words"):
        match(p, drawn(2, 6, 0))
    with pytest.raises(ArgumentError, match="at least two, to be compared; got 1"):
        stability([p])
