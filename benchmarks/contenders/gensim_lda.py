"""gensim's LdaModel, online variational Bayes with learned priors, one process."""

import time
from pathlib import Path

import numpy as np
from gensim.matutils import Sparse2Corpus
from gensim.models import LdaModel
from scipy.sparse import load_npz

from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Seconds of building the model, which trains it."""
    folder, target = Path(given["folder"]), Path(given["target"])
    train = load_npz(folder / "train.npz")
    words = dict(enumerate((folder / "vocabulary.txt").read_text().split("\n")))
    corpus = list(Sparse2Corpus(train, documents_columns=False))
    begun = time.perf_counter()
    model = LdaModel(
        corpus,
        num_topics=50,
        id2word=words,
        passes=given["iterations"],
        alpha="auto",
        eta="auto",
        eval_every=None,
        random_state=given["seed"],
    )
    seconds = time.perf_counter() - begun
    path = target / f"gensim-{given['seed']}-{given['iterations']}.npz"
    np.savez(path, phi=model.get_topics(), alpha=model.alpha)
    return {"runs": [{"epochs": given["iterations"], "seconds": seconds, "topics": str(path)}]}


answer(work)
