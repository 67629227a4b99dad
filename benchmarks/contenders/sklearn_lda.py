"""scikit-learn's variational Bayes, whole corpus at a time, with its own priors."""

import time
from pathlib import Path

import numpy as np
from scipy.sparse import load_npz
from sklearn.decomposition import LatentDirichletAllocation

from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Seconds of `fit`."""
    folder, target = Path(given["folder"]), Path(given["target"])
    train = load_npz(folder / "train.npz")
    model = LatentDirichletAllocation(
        n_components=50, learning_method="batch", max_iter=given["iterations"], random_state=given["seed"]
    )
    begun = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - begun
    path = target / f"sklearn-{given['seed']}-{given['iterations']}.npz"
    phi = model.components_ / model.components_.sum(1, keepdims=True)
    np.savez(path, phi=phi, alpha=np.full(50, model.doc_topic_prior_))
    return {"runs": [{"epochs": given["iterations"], "seconds": seconds, "topics": str(path)}]}


answer(work)
