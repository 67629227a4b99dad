"""First topics: planted clusters are found, the same for any number of threads; too little to cluster is said."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from nolabel.objectives.first_topics import OWN, clustered_words


def planted(n: int = 120, topics: int = 4, words: int = 40) -> tuple[csr_array, np.ndarray]:
    """Documents about one topic each, of which every topic has words of its own; every fifth has none at all."""
    generator = np.random.default_rng(0)
    of = np.arange(n) % topics
    chances = np.full((topics, words), 0.2 / words)
    for topic in range(topics):
        chances[topic, topic::topics] += 0.8 * topics / words
    counts = np.stack([generator.multinomial(30, chances[topic] / chances[topic].sum()) for topic in of])
    counts[::5] = 0
    return csr_array(counts.astype(np.float32)), of


def test_planted_clusters_are_found() -> None:
    counts, _ = planted()
    words = clustered_words(counts, 4, seed=0)
    assert words is not None
    assert words.shape == (40, 4)
    heads = {frozenset((np.argsort(-words[:, k])[:10] % 4).tolist()) for k in range(4)}
    assert heads == {frozenset({topic}) for topic in range(4)}


def test_every_word_is_counted_once_and_none_is_ruled_out() -> None:
    counts, _ = planted()
    words = clustered_words(counts, 4, seed=0)
    assert words is not None
    np.testing.assert_allclose(words.sum(1), counts.sum(0))
    occurring = counts.sum(0) > 0
    assert (words[occurring] > 0).all()
    share = words / words.sum(1, keepdims=True)
    assert share[occurring].min() >= (1 - OWN) / 4 - 1e-12


def test_same_bits_for_any_number_of_threads() -> None:
    counts, _ = planted(n=400)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(clustered_words(counts, 4, seed=3))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("counts", "topics"),
    [
        (planted(n=9)[0], 4),  # seven with words
        (csr_array(np.zeros((50, 6), dtype=np.float32)), 2),
        (csr_array(np.ones((50, 1), dtype=np.float32)), 2),
        (planted()[0], 1),
    ],
)
def test_too_little_to_cluster(counts: csr_array, topics: int) -> None:
    assert clustered_words(counts, topics, seed=0) is None


def test_equal_documents_are_no_trouble() -> None:
    words = clustered_words(csr_array(np.tile([3.0, 1.0, 0.0], (30, 1))), 3, seed=0)
    assert words is not None
    assert np.isfinite(words).all()
