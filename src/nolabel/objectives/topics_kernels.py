"""Loops over the non-zero counts of documents, compiled by numba: the arithmetic of topic models on a CPU.

A document's loop writes only to that document's rows and a word's loop only to that word's, each in the order of the
counts, so the numbers are the same to the last bit for any number of threads. Tables of words have a row of K topics
for each word, padded to whole SIMD registers. This file knows no model: what is iterated, and why, stands in
`topics.py` and `variational_topics.py`, which alone import it, when they are first used.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from nolabel.compiled import PARTS, compiled, on_threads


@compiled(fastmath=True)
def map_documents(
    starts: Any, words: Any, counts: Any, table: Any, alpha: Any, steps: int, tolerance: float, first: int, last: int,
    theta: Any, ratio: Any, log_likelihood: Any,
) -> None:  # fmt: skip
    """EM for θ of documents [first, last): fills theta (N, K), ratio n / p(w | d) (nnz,) and log_likelihood (N,).

    Starts at the topics that the words alone suggest.
    """
    K = table.shape[1]
    one = table.dtype.type(1)
    t, gathered = np.empty(K, table.dtype), np.empty(K, table.dtype)
    for d in range(first, last):
        total = table.dtype.type(0)
        for k in range(K):
            t[k] = alpha[k]
            total += alpha[k]
        for j in range(starts[d], starts[d + 1]):
            row = table[words[j]]
            p = table.dtype.type(0)
            for k in range(K):
                p += row[k]
            share = counts[j] / p
            total += counts[j]
            for k in range(K):
                t[k] += share * row[k]
        for k in range(K):
            t[k] *= one / total
        for _ in range(steps):
            for k in range(K):
                gathered[k] = 0
            for j in range(starts[d], starts[d + 1]):
                row = table[words[j]]
                p = table.dtype.type(0)
                for k in range(K):
                    p += row[k] * t[k]
                share = counts[j] / p
                for k in range(K):
                    gathered[k] += share * row[k]
            moved = table.dtype.type(0)
            for k in range(K):
                new = (alpha[k] + t[k] * gathered[k]) / total
                moved += abs(new - t[k])
                t[k] = new
            if moved < tolerance:
                break
        likelihood = 0.0
        for j in range(starts[d], starts[d + 1]):
            row = table[words[j]]
            p = table.dtype.type(0)
            for k in range(K):
                p += row[k] * t[k]
            ratio[j] = counts[j] / p
            likelihood += counts[j] * math.log(p)
        log_likelihood[d] = likelihood
        for k in range(K):
            theta[d, k] = t[k]


@compiled()
def digamma(x: float) -> float:
    """ψ(x) of x > 0, to rounding: the recurrence up to 8, then the asymptotic series (DLMF 5.11.2)."""
    shift = 0.0
    while x < 8.0:
        shift -= 1.0 / x
        x += 1.0
    r = 1.0 / (x * x)
    series = 1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * (691 / 32760 - r / 12)))))
    return shift + math.log(x) - 0.5 / x - r * series


@compiled()
def exp_expected_log(gamma: Any, out: Any) -> None:
    """Exp E[log θ] of Dirichlet parameters γ (K,): exp(ψ(γ_k) - ψ(Σ γ))."""
    total = digamma(gamma.sum())
    for k in range(len(gamma)):
        out[k] = math.exp(digamma(gamma[k]) - total)


@compiled()
def variational_documents(
    starts: Any, words: Any, counts: Any, table: Any, alpha: Any, steps: int, tolerance: float, tiny: float,
    first: int, last: int, gamma: Any, theta: Any, ratio: Any,
) -> None:  # fmt: skip
    """The variational γ of documents [first, last), from what `gamma` (N, K) holds; exp E[log θ] goes to `theta`."""
    K = table.shape[1]
    before = np.empty(K)
    for d in range(first, last):
        g, t = gamma[d], theta[d]
        exp_expected_log(g, t)
        for _ in range(steps):
            before[:] = g
            g[:] = 0
            for j in range(starts[d], starts[d + 1]):
                row = table[words[j]]
                p = tiny
                for k in range(K):
                    p += row[k] * t[k]
                share = counts[j] / p
                for k in range(K):
                    g[k] += share * row[k]
            moved = 0.0
            for k in range(K):
                g[k] = alpha[k] + t[k] * g[k]
                moved += abs(g[k] - before[k])
            exp_expected_log(g, t)
            if moved / K < tolerance:
                break
        for j in range(starts[d], starts[d + 1]):
            row = table[words[j]]
            p = tiny
            for k in range(K):
                p += row[k] * t[k]
            ratio[j] = counts[j] / p


@compiled()
def by_word(starts: Any, words: Any, width: int) -> tuple[Any, Any, Any]:
    """Where each word's counts begin (V + 1,), their documents (nnz,) and their places (nnz,): a counting sort."""
    begins = np.zeros(width + 1, np.int64)
    for word in words:
        begins[word + 1] += 1
    for v in range(width):
        begins[v + 1] += begins[v]
    free = begins[:-1].copy()
    documents, places = np.empty(len(words), np.int32), np.empty(len(words), np.int32)
    for d in range(len(starts) - 1):
        for j in range(starts[d], starts[d + 1]):
            place = free[words[j]]
            documents[place], places[place] = d, j
            free[words[j]] = place + 1
    return begins, documents, places


@compiled(fastmath=True)
def word_statistics(
    begins: Any, documents: Any, places: Any, ratio: Any, table: Any, theta: Any, first: int, last: int, out: Any
) -> None:
    """Σ_d n_dw r_dwk of words [first, last) into `out` (V, K), which may be narrower than the table."""
    K = table.shape[1]
    gathered = np.empty(K, table.dtype)
    for v in range(first, last):
        for k in range(K):
            gathered[k] = 0
        for j in range(begins[v], begins[v + 1]):
            share, t = ratio[places[j]], theta[documents[j]]
            for k in range(K):
                gathered[k] += share * t[k]
        for k in range(out.shape[1]):
            out[v, k] = gathered[k] * table[v, k]


def in_parts(loop: Callable[[int, int], None], begins: Any) -> None:
    """Run `loop(first, last)` over parts of the rows that hold about as many counts each, on torch's threads.

    begins: (rows + 1,), where each row's counts begin.
    """
    threads, rows = torch.get_num_threads(), len(begins) - 1
    if threads == 1 or begins[-1] < 2**12:
        return loop(0, rows)
    wanted = np.linspace(0, int(begins[-1]), threads * PARTS + 1)[1:-1]
    cuts = np.unique([0, *np.searchsorted(begins, wanted).clip(0, rows).tolist(), rows]).tolist()
    return on_threads(loop, cuts)
