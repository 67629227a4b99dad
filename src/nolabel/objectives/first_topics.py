"""First topics from clusters of documents: where expectation-maximisation begins decides which topics it can find.

From nearly equal random topics EM must break the symmetry by itself and stops at one of many poor maxima. Documents
that are about the same are easier to find than topics: k-means of their directions in the leading singular space of
TF-IDF [1]. Topic k begins as the words of cluster k, with a share of all words so that no word is ruled out. This file
knows no model and no training.

[1] Deerwester et al. 1990, "Indexing by latent semantic analysis", JASIS 41.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

DIRECTIONS = 50  # singular directions that documents are compared along
ROUNDS = 20  # of k-means: a start need not be settled
LEAST = 2  # documents with words for each cluster, on average; with fewer there is nothing to cluster
OWN = 0.7  # share of a topic's first words that are its cluster's; the rest are all documents'


def clustered_words(counts: csr_array, n_topics: int, seed: int) -> "NDArray[np.float64] | None":
    """Words of n_topics clusters of documents: counts (V, K), the words of all documents mixed in.

    Parameters
    ----------
    counts
        (N, V), how often each word occurs in each document.
    n_topics
        K.
    seed
        Of the singular vectors and of k-means.

    Returns
    -------
    (V, K), or None where documents or words are too few to cluster. The same bits for any number of threads.
    """
    counts = counts[np.diff(counts.indptr) > 0]
    if counts.shape[0] < LEAST * n_topics or counts.shape[1] < 2 or n_topics < 2:
        return None
    with threadpool_limits(1):  # sums of several threads would come in an order of their own
        cluster = _clusters(counts, n_topics, seed)
    documents = np.arange(len(cluster))
    belongs = csr_array((np.ones(len(cluster)), (cluster, documents)), shape=(n_topics, len(cluster)))
    words = np.asarray((belongs @ counts.astype(np.float64)).toarray().T)
    return np.asarray(OWN * words + (1 - OWN) * words.sum(1, keepdims=True) / n_topics)


def _clusters(counts: csr_array, n_topics: int, seed: int) -> "NDArray[np.int32]":
    weighed = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    directions = min(DIRECTIONS, counts.shape[1] - 1, counts.shape[0] - 1)
    left, singular, _ = randomized_svd(weighed, directions, n_iter=2, random_state=seed)
    means = KMeans(n_topics, n_init=1, max_iter=ROUNDS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # fewer different documents than topics: a start all the same
        return np.asarray(means.fit(normalize(left * singular)).labels_)
