"""nolabel's SimCLR on CIFAR-10: views trained on a second, and the share of that time spent on making them."""

import time
from typing import Any

import nolabel
from harness.cifar import cifar
from harness.contender import Answer, answer
from nolabel.views.roles import Pair


def work(given: Answer) -> Answer:
    """Views a second and share; the first epoch, which loads compiled code, is not counted."""
    made: list[float] = []
    make = Pair.__call__

    def timed(*arguments: Any) -> Any:
        start = time.perf_counter()
        views = make(*arguments)
        made.append(time.perf_counter() - start)
        return views

    Pair.__call__ = timed  # type: ignore[method-assign]
    train = cifar("train", given["samples"])
    model = nolabel.SimCLR(
        backbone="small", epochs=given["epochs"] + 1, batch_size=given["batch"], random_state=0,
        plan={"precision": given["precision"]},
    ).fit(train)  # fmt: skip
    seconds = sum(epoch["seconds"] for epoch in model.history_[1:])
    first = len(made) // len(model.history_)
    return {
        "per_second": 2 * given["samples"] * given["epochs"] / seconds,
        "share": sum(made[first:]) / seconds,
        "loss": model.history_[-1]["loss"],
        "parameters": sum(p.numel() for p in model.learner_.parameters()),
    }


answer(work)
