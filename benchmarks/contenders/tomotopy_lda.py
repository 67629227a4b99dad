"""tomotopy's collapsed Gibbs sampler on the same words, first α 0.1, η 0.01; adding documents is not timed."""

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import tomotopy

from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Seconds of `train`."""
    folder, target = Path(given["folder"]), Path(given["target"])
    words = (folder / "vocabulary.txt").read_text().split("\n")
    with np.load(folder / "tokens.npz") as tokens:
        flat, starts = tokens["flat"], tokens["starts"]
    model = tomotopy.LDAModel(k=50, alpha=0.1, eta=0.01, seed=given["seed"])
    for start, end in pairwise(starts):
        if end > start:
            model.add_doc([words[place] for place in flat[start:end]])
    begun = time.perf_counter()
    model.train(given["iterations"], workers=given["threads"])
    seconds = time.perf_counter() - begun
    place = {word: column for column, word in enumerate(words)}
    phi = np.zeros((50, len(words)))
    columns = [place[word] for word in model.used_vocabs]
    for topic in range(50):
        phi[topic, columns] = model.get_topic_word_dist(topic)
    path = target / f"tomotopy-{given['seed']}-{given['iterations']}.npz"
    np.savez(path, phi=phi, alpha=model.alpha)
    return {"runs": [{"epochs": given["iterations"], "seconds": seconds, "topics": str(path)}]}


answer(work)
