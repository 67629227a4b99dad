from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nolabel.evaluation import clusters
from nolabel.evaluation.scaling import evenly


def planted(k=3, each=40, width=4, spread=0.15, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(k), each)
    centres = 2 * np.eye(k, width) if k <= width else rng.normal(size=(k, width)) * 3
    return (centres[y] + spread * rng.normal(size=(k * each, width))).astype(np.float32), y


def brute_force_accuracy(labels, found):
    size = max(labels.max(), found.max()) + 1
    return max(
        np.mean([names[cluster] == label for cluster, label in zip(found, labels)])
        for names in permutations(range(size))
    )


codes_of_ten = st.lists(st.integers(0, 3), min_size=10, max_size=10).map(np.array)


@settings(deadline=None)
@given(codes_of_ten, codes_of_ten)
def test_hungarian_accuracy_equals_brute_force(labels, found):
    assert clusters.hungarian_accuracy(labels, found) == pytest.approx(brute_force_accuracy(labels, found))


def test_clusters_in_excess_and_noise_are_wrong():
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert clusters.hungarian_accuracy(labels, np.array([0, 0, 5, 1, 1, 1])) == pytest.approx(5 / 6)
    assert clusters.hungarian_accuracy(labels, np.array([0, 0, -1, 1, 1, -1])) == pytest.approx(4 / 6)
    assert clusters.hungarian_accuracy(labels, np.full(6, -1)) == 0


@settings(deadline=None)
@given(codes_of_ten, codes_of_ten, st.permutations(range(4)), st.permutations(range(4)))
def test_names_do_not_matter(labels, found, one, other):
    renamed, regrouped = np.array(one)[labels], np.array(other)[found]
    for measure in (clusters.nmi, clusters.ari, clusters.hungarian_accuracy):
        assert measure(renamed, regrouped) == pytest.approx(measure(labels, found), abs=1e-12)


@pytest.mark.parametrize("method", [clusters.k_means, clusters.gaussian_mixture])
def test_planted_clusters_come_back(method):
    codes, y = planted()
    assert clusters.ari(y, method(evenly(codes), 3, 0)) == 1


def test_hdbscan_finds_planted_clusters_and_calls_the_rest_noise():
    codes, y = planted()
    scattered = np.random.default_rng(1).uniform(-9, 9, size=(10, 4)).astype(np.float32)
    found = clusters.hdbscan(np.concatenate([codes, scattered]), 10)
    assert clusters.noise_share(found) == pytest.approx(10 / 130, abs=0.03)
    assert clusters.hungarian_accuracy(y, found[:120]) > 0.95


def test_clusters_do_not_depend_on_the_scale_of_the_code():
    codes, _ = planted(spread=0.8)
    for method in (clusters.k_means, clusters.gaussian_mixture):
        assert clusters.ari(method(evenly(codes), 3, 0), method(evenly(codes * 1000 + 3), 3, 0)) > 0.98


def test_stability_is_one_for_equal_runs_and_counts_pairs():
    run = np.array([0, 0, 1, 1])
    assert clusters.stability([run, 1 - run, run]) == [1, 1, 1]
    assert clusters.stability([run]) == []


def test_silhouette():
    codes, y = planted()
    assert clusters.silhouette(codes, y, 0) > 0.8
    assert np.isnan(clusters.silhouette(codes, np.zeros_like(y), 0))
    assert np.isnan(clusters.silhouette(codes[:3], np.arange(3), 0))


@pytest.mark.parametrize("k", [2, 4])
def test_the_planted_number_of_clusters_is_chosen(k):
    assert clusters.choose_k(planted(k)[0], 0) == k


def test_cluster_codes_for_display():
    codes, y = planted(4)
    chosen = clusters.cluster_codes(codes)
    assert chosen.shape == (160,)
    assert chosen.dtype == np.int64
    assert clusters.ari(y, chosen) == 1
    assert len(np.unique(clusters.cluster_codes(codes, 2))) == 2
    np.testing.assert_array_equal(chosen, clusters.cluster_codes(codes))


@pytest.mark.parametrize("codes", [np.ones((20, 3)), np.zeros((1, 3)), np.arange(4.0).reshape(2, 2)])
@pytest.mark.parametrize("k", [None, 5])
def test_cluster_codes_where_there_is_nothing_to_find(codes, k):
    found = clusters.cluster_codes(codes.astype(np.float32), k)
    assert found.shape == (len(codes),)
    assert len(np.unique(found)) <= len(np.unique(codes, axis=0))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100))
def test_same_seed_same_clusters(seed):
    codes, _ = planted(spread=1.5)
    np.testing.assert_array_equal(clusters.k_means(codes, 5, seed), clusters.k_means(codes, 5, seed))
