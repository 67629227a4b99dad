"""nolabel's SupervisedAutoencoder with few labels, beside the same encoder and classifier on the labelled alone.

The baseline begins with the same kind of first weights, has the same optimizer, learning rate and number of steps, and
may use batches as large as it likes of the labelled images alone. Its accuracy is taken at the end, and, generously, at
the best of ten looks on the way, chosen by the test set itself.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import nolabel
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Test accuracies of both."""
    folder, seed = Path(given["folder"]), given["seed"]
    images, labels = np.load(folder / "train.npy"), np.load(folder / "train-labels.npy")
    test, truth = np.load(folder / "test.npy"), np.load(folder / "test-labels.npy")
    chosen = stratified(labels, given["labels"], seed)
    known = np.full_like(labels, -1)
    known[chosen] = labels[chosen]
    model = nolabel.SupervisedAutoencoder(
        weight=given["weight"],
        net=given["net"],
        batch_size=given["batch_size"],
        epochs=given["epochs"],
        random_state=seed,
    )
    model.fit(nolabel.open(images), known)
    ours = float((model.predict(test) == model.classes_[truth]).mean())
    steps = given["epochs"] * -(-len(images) // given["batch_size"])
    curve = _alone(model.untrained(), images[chosen], labels[chosen], test, truth, steps, seed)
    fit_seconds = sum(record["seconds"] for record in model.history_)
    return {"ours": ours, "alone": curve[-1], "alone_best": max(curve), "steps": steps, "fit_seconds": fit_seconds}


def stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Row numbers of `count` samples, as many of each class."""
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    each = count // len(classes)
    return np.concatenate([rng.choice(np.flatnonzero(labels == one), each, replace=False) for one in classes])


def _alone(
    model: nolabel.SupervisedAutoencoder,
    images: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    truth: np.ndarray,
    steps: int,
    seed: int,
) -> list[float]:
    """Test accuracy of encoder and classifier at ten looks, the last of them at the end."""
    learner = model.learner_.train()
    x, y = _pixels(images), torch.from_numpy(labels)
    optimizer = torch.optim.Adam([*learner.encoder.parameters(), *learner.classifier.parameters()], lr=1e-3, fused=True)
    generator = torch.Generator().manual_seed(seed)
    curve, order = [], torch.empty(0, dtype=torch.int64)
    for step in range(1, steps + 1):
        if len(order) < 100:
            order = torch.randperm(len(x), generator=generator)
        batch, order = order[:100], order[100:]
        optimizer.zero_grad()
        F.cross_entropy(learner.logits(learner.encode(x[batch])), y[batch]).backward()
        optimizer.step()
        if step % max(1, steps // 10) == 0 or step == steps:
            curve.append(_accuracy(learner, test, truth))
    return curve


@torch.no_grad()
def _accuracy(learner: torch.nn.Module, test: np.ndarray, truth: np.ndarray) -> float:
    guesses = [learner.logits(learner.encode(part)).argmax(1) for part in _pixels(test).split(1000)]
    return float((torch.cat(guesses).numpy() == truth).mean())


def _pixels(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images[:, None].astype(np.float32) / 255)


answer(work)
