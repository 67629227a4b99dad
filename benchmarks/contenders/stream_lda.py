"""LDA over more posts than may be held: `partial_fit` of parts that are made as they are needed; memory after each.

A part repeats random training posts, of each of which a tenth of the words is exchanged for others drawn by frequency.
With `allowed_mb` the process may not ask for more data (RLIMIT_DATA) than that beyond what it has after its imports.
"""

import resource
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, load_npz

import nolabel
from harness.contender import Answer, answer, status

NOISE = 0.1
PART = 8192


def work(given: Answer) -> Answer:
    """Perplexity of the test posts, bytes streamed and memory after every part; or of one `fit` in memory."""
    folder = Path(given["folder"])
    train, test = load_npz(folder / "train.npz").tocsr(), load_npz(folder / "test.npz")
    model = nolabel.LDA(n_topics=50, random_state=0, epochs=given["epochs"])
    if not given["parts"]:
        return {"perplexity": model.fit(train).perplexity(test)}
    nolabel.LDA(n_topics=50, epochs=1).fit(train[:100])  # imports and compiles what there is
    before = status("VmData")
    if given["allowed_mb"]:
        allowed = int((before + given["allowed_mb"]) * 2**20)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    draws, memory, streamed = np.random.default_rng(0), [], 0
    for _ in range(given["parts"]):
        part = _part(train, draws)
        streamed += part.data.nbytes + part.indices.nbytes + part.indptr.nbytes
        model.partial_fit(part)
        memory.append(status("VmData") - before)
    perplexity = model.perplexity(test)
    return {"perplexity": perplexity, "streamed_mb": streamed / 2**20, "memory_mb": memory}


def _part(train: csr_matrix, draws: np.random.Generator) -> csr_matrix:
    chosen = train[draws.integers(train.shape[0], size=PART)].tocoo()
    rows, words = (np.repeat(axis, chosen.data) for axis in (chosen.row, chosen.col))
    noisy = draws.random(len(words)) < NOISE
    words[noisy] = draws.choice(train.indices, size=int(noisy.sum()))
    return csr_matrix((np.ones(len(words), np.int32), (rows, words)), shape=(PART, train.shape[1]))


answer(work)
