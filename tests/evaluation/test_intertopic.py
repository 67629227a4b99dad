"""Each formula against a slow version of it; relevance and plane as LDAvis (pyLDAvis's `_prepare.py`) has them."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform
from scipy.stats import entropy

from nolabel.evaluation.intertopic import (
    distances,
    log_lift,
    marginal,
    principal_coordinates,
    relevance,
    saliency,
)

Floats = NDArray[np.float64]


def topics(count: int = 6, words: int = 40, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(words, 0.3), count), rng.dirichlet(np.ones(count))


def their_jensen_shannon(p: Floats, q: Floats) -> float:
    m = 0.5 * (p + q)
    return float(0.5 * (entropy(p, m) + entropy(q, m)))


def their_plane(apart: Floats) -> NDArray[Any]:
    """pyLDAvis's `_pcoa`, by loops: double centring entry by entry, then the two largest eigenvalues."""
    n = len(apart)
    squares = [[apart[i, j] ** 2 for j in range(n)] for i in range(n)]
    rows = [sum(squares[i]) / n for i in range(n)]
    mean = sum(rows) / n
    b = np.array([[-(squares[i][j] - rows[i] - rows[j] + mean) / 2 for j in range(n)] for i in range(n)])
    values, vectors = np.linalg.eig(b)
    order = values.real.argsort()[::-1][:2]
    kept = [0.0 if math.isclose(value, 0, abs_tol=1e-8) or value < 0 else value for value in values.real[order]]
    return np.sqrt(kept) * vectors.real[:, order]


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.6, 1.0])
def test_relevance_is_that_of_ldavis(weight: float) -> None:
    phi, shares = topics()
    p = [sum(shares[k] * phi[k, w] for k in range(6)) for w in range(40)]
    expected = [
        [weight * math.log(phi[k, w]) + (1 - weight) * math.log(phi[k, w] / p[w]) for w in range(40)] for k in range(6)
    ]
    np.testing.assert_allclose(relevance(phi, marginal(phi, shares), weight), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_a_word_that_a_topic_has_not_comes_last(weight: float) -> None:
    phi = np.array([[0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.5, 0.0]])  # and one word that no topic has
    found = relevance(phi, marginal(phi, np.array([0.5, 0.5])), weight)
    assert np.isneginf(found[0, 2:]).all()
    assert np.isneginf(found[1, 3])
    assert np.isfinite(found[phi > 0]).all()


def test_lift_is_how_much_more_common_a_word_is() -> None:
    phi = np.array([[0.8, 0.2], [0.4, 0.6]])
    np.testing.assert_allclose(
        np.exp(log_lift(phi, marginal(phi, np.array([0.5, 0.5])))), [[0.8 / 0.6, 0.2 / 0.4], [0.4 / 0.6, 0.6 / 0.4]]
    )


def test_saliency_is_its_sum() -> None:
    phi, shares = topics()
    p = marginal(phi, shares)
    given = [[shares[k] * phi[k, w] / p[w] for w in range(40)] for k in range(6)]
    expected = [p[w] * sum(given[k][w] * math.log(given[k][w] / shares[k]) for k in range(6)) for w in range(40)]
    np.testing.assert_allclose(saliency(phi, shares), expected, rtol=0, atol=1e-10)


def test_a_word_as_common_in_every_topic_tells_nothing() -> None:
    phi = np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]])
    found = saliency(phi, np.array([0.5, 0.5]))
    assert found[0] == pytest.approx(0, abs=1e-15)
    assert found[1] == pytest.approx(0.25 * math.log(2))


def test_distances_are_jensen_shannon_divergences() -> None:
    phi, _ = topics()
    phi[0, :7] = 0
    phi[0] /= phi[0].sum()
    expected = squareform(pdist(phi, metric=their_jensen_shannon))
    np.testing.assert_allclose(distances(phi), expected, rtol=0, atol=1e-10)


def test_topics_without_a_common_word_are_log_2_apart() -> None:
    np.testing.assert_allclose(distances(np.eye(3)), math.log(2) * (1 - np.eye(3)), atol=1e-15)


@pytest.mark.parametrize("seed", range(4))
def test_the_plane_is_that_of_ldavis_up_to_the_sign_of_an_axis(seed: int) -> None:
    apart = distances(topics(9, 50, seed)[0])
    ours, theirs = principal_coordinates(apart), their_plane(apart)
    signs = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours, theirs * signs, rtol=0, atol=1e-10)


def test_points_of_a_plane_keep_their_distances() -> None:
    points = np.random.default_rng(0).normal(size=(7, 2))
    apart = squareform(pdist(points))
    np.testing.assert_allclose(squareform(pdist(principal_coordinates(apart))), apart, atol=1e-10)


def test_few_or_equal_topics_have_a_place_too() -> None:
    assert principal_coordinates(np.zeros((1, 1))).tolist() == [[0.0, 0.0]]
    assert principal_coordinates(np.zeros((3, 3))).tolist() == [[0.0, 0.0]] * 3
    two = principal_coordinates(np.array([[0.0, 2.0], [2.0, 0.0]]))
    np.testing.assert_allclose(np.abs(two), [[1.0, 0.0], [1.0, 0.0]], atol=1e-12)


def test_the_sign_of_an_axis_is_settled() -> None:
    plane = principal_coordinates(distances(topics()[0]))
    assert (plane[np.abs(plane).argmax(axis=0), [0, 1]] > 0).all()
