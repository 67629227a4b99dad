"""One ruler for all topics: completion perplexity of test posts with 10 words or more, c_npmi on training posts.

θ of a post is inferred from half of its words by 100 EM steps under α = 0.1 or under the α that was learned, whichever
is better for those topics; the other half is scored. c_npmi: 10 words a topic, windows of 10 words, mean over topics.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import load_npz

from harness.contender import Answer, answer
from nolabel.data.sparse import from_scipy
from nolabel.objectives import coherence, completion, topics
from nolabel.objectives.topic_overlap import top_words


def work(given: Answer) -> Answer:
    """Of every file in `topics`."""
    folder = Path(given["folder"])
    test = load_npz(folder / "test.npz").tocsr()
    test = test[np.flatnonzero(np.asarray(test.sum(axis=1)).ravel() >= 10)]
    x = from_scipy(test.astype(np.float32)).gather(torch.arange(test.shape[0]))
    seen, rest = completion.halves(x, np.random.default_rng(0))
    with np.load(folder / "tokens.npz") as tokens:
        flat, starts = tokens["flat"], tokens["starts"]  # each asking reads the file anew
    posts = [flat[a:b] for a, b in pairwise(starts)]
    return {"judged": [_judged(np.load(path), seen, rest, posts) for path in given["topics"]]}


def _judged(found: "np.lib.npyio.NpzFile", seen: torch.Tensor, rest: torch.Tensor, posts: list[np.ndarray]) -> Answer:
    phi = topics.topic_words(torch.from_numpy(found["phi"].T.astype(np.float32)), 1e-9)
    perplexities = []
    for alpha in (torch.full((phi.shape[1],), 0.1), torch.from_numpy(found["alpha"].astype(np.float32))):
        theta = topics.infer(seen, phi, alpha.clamp_min(1e-6), steps=100, tolerance=0.0, statistics=False).weights
        total = completion.log_likelihood(rest, theta, phi).sum()
        perplexities.append(float(torch.exp(-total / rest.values().double().sum())))
    npmi = coherence.coherence(top_words(found["phi"], 10), posts, "c_npmi", n=10)
    return {"perplexity": min(perplexities), "c_npmi": float(np.nanmean(npmi))}


answer(work)
