"""nolabel's LDA on counts: seconds of fitting for each number of epochs asked for, after one tiny fit that compiles."""

import time
from pathlib import Path

import numpy as np
from scipy.sparse import load_npz

import nolabel
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Topics go to files; the seconds are those of the whole of `fit`, from a scipy matrix."""
    folder, target = Path(given["folder"]), Path(given["target"])
    train, test = load_npz(folder / "train.npz"), load_npz(folder / "test.npz")
    start = time.perf_counter()
    nolabel.LDA(n_topics=50, epochs=1).fit(train[:100])
    found: Answer = {"first_seconds": time.perf_counter() - start, "runs": []}
    for epochs in given["epochs"]:
        start = time.perf_counter()
        model = nolabel.LDA(n_topics=50, epochs=epochs, random_state=given["seed"]).fit(train)
        seconds = time.perf_counter() - start
        path = target / f"nolabel-{given['seed']}-{epochs}.npz"
        np.savez(path, phi=model.topic_word_, alpha=model.alpha_)
        own = model.perplexity(test)
        found["runs"].append({"epochs": epochs, "seconds": seconds, "topics": str(path), "own_perplexity": own})
    return found


answer(work)
