"""How far topics overlap: within one model (diversity) and between two (stability).

    diversity   unique words among the n first of all topics / words                                     [1]
    stability   mean over topics k of 1 − JS(φ_k, φ'_π(k)), or of the Jaccard index of their n first words,
                π the pairing of topics that makes the sum largest (Hungarian algorithm)                  [2]

JS is the Jensen-Shannon divergence with base 2, in [0, 1]. Pure functions of topic-word weights; they know no model.

[1] Dieng, Ruiz and Blei 2020, TACL.  [2] Greene, O'Callaghan and Cunningham 2014, ECML (with Jaccard).
"""

from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from nolabel.errors import ArgumentError, not_a_choice


def top_words(topic_word: Float[np.ndarray, "K V"], n: int) -> Int[np.ndarray, "K n"]:
    """Columns of the n largest weights of each topic, largest first; of equal weights the first column first."""
    return np.argsort(-topic_word, axis=1, kind="stable")[:, :n]


def diversity(topics: Any, n: int = 25) -> float:
    """Share of different words among the `n` first of all topics: 1 when no two topics share one.

    topics: K sequences of words, best first, as (K, n) column numbers or lists of tokens.
    """
    if n < 1:
        raise ArgumentError(f"n must be at least 1; got {n}")
    words = list(chain.from_iterable(np.asarray(topic).tolist()[:n] for topic in topics))
    return len(set(words)) / len(words)


def jensen_shannon(p: Float[np.ndarray, "K V"], q: Float[np.ndarray, "M V"]) -> Float[np.ndarray, "K M"]:
    """JS(p_k, q_m) = H((p_k + q_m) / 2) − (H(p_k) + H(q_m)) / 2 in bits, of every pair; rows sum to 1."""
    p, q = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    entropies = (_entropy(p)[:, None] + _entropy(q)[None, :]) / 2
    mixed = np.stack([_entropy((row + q) / 2) for row in p])
    return np.asarray(np.clip(mixed - entropies, 0, 1))


def _entropy(p: np.ndarray) -> np.ndarray:
    logs = np.log2(p, out=np.zeros_like(p), where=p > 0)
    return np.asarray(-np.einsum("kv,kv->k", p, logs))


def jaccard(one: Int[np.ndarray, "K n"], other: Int[np.ndarray, "M n"]) -> Float[np.ndarray, "K M"]:
    """|A_k ∩ B_m| / |A_k ∪ B_m| of every pair of sets of words; the words of a row differ."""
    width = int(max(one.max(), other.max())) + 1
    a, b = np.zeros((len(one), width)), np.zeros((len(other), width))
    np.put_along_axis(a, one, 1, axis=1)
    np.put_along_axis(b, other, 1, axis=1)
    shared = a @ b.T
    return np.asarray(shared / (a.sum(1)[:, None] + b.sum(1)[None, :] - shared))


def match(
    one: Float[np.ndarray, "K V"], other: Float[np.ndarray, "M U"], by: str = "jensen_shannon", n: int = 10
) -> tuple[Int[np.ndarray, "k"], Int[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """The pairing of the topics of two models that makes their summed similarity largest.

    Parameters
    ----------
    one, other
        Topic-word distributions over one vocabulary; rows sum to 1.
    by
        "jensen_shannon" for 1 − JS of the distributions, "jaccard" for the overlap of their `n` first words.
    n
        Words of a topic for "jaccard".

    Returns
    -------
    rows, columns, similarity
        Topic `rows[i]` of `one` goes with `columns[i]` of `other`; k = min(K, M) pairs, similarity in [0, 1].
    """
    if by not in ("jensen_shannon", "jaccard"):
        raise not_a_choice("by", by, ("jensen_shannon", "jaccard"))
    if one.shape[1] != other.shape[1]:
        raise ArgumentError(
            f"topics must be over one vocabulary to be matched; got {one.shape[1]} and {other.shape[1]} words"
        )
    by_words = by == "jaccard"
    similarity = jaccard(top_words(one, n), top_words(other, n)) if by_words else 1 - jensen_shannon(one, other)
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    return rows, columns, similarity[rows, columns]


def stability(runs: Sequence[np.ndarray], by: str = "jensen_shannon", n: int = 10) -> list[float]:
    """Mean similarity of matched topics, for every pair of runs in order; 1 when they found the same topics.

    runs: topic-word distributions (K, V) of at least two runs, over one vocabulary. `by`, `n`: see `match`.
    """
    if len(runs) < 2:
        raise ArgumentError(f"runs must be at least two, to be compared; got {len(runs)}")
    return [float(match(one, other, by, n)[2].mean()) for one, other in combinations(runs, 2)]
