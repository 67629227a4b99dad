"""Seconds that the first topic model of a process takes longer than the second: compiling, or loading what was."""

import time

import numpy as np

import nolabel
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Two tiny fits; NUMBA_CACHE_DIR says whether there is compiled code already."""
    counts = np.random.default_rng(0).poisson(0.3, size=(200, 100))
    seconds = []
    nolabel.open(counts, modality="text")
    lda = nolabel.LDA  # imported here, which is not what is measured
    for _ in range(2):
        start = time.perf_counter()
        lda(n_topics=5, epochs=1, random_state=0, inference=given["inference"]).fit(counts)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds[0] - seconds[1]}


answer(work)
