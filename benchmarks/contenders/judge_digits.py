"""Samples of digits judged by `nolabel.judge`: 10,000 against MNIST's test images, in a classifier's features."""

import numpy as np

import nolabel
from harness.budget import some
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Every measure with its floor and ceiling, the share of each digit, and the protocol."""
    samples, train = np.load(given["samples"]), nolabel.open("mnist:train")
    if given["images"]:
        train = some(train, given["images"], given["drawn_by"])
    found = nolabel.judge(
        samples, train, features=given["classifier"], n=given["n"], reference=nolabel.open("mnist:test"), random_state=0
    )
    rows = {row.measure: {"value": row.value, "floor": row.floor, "ceiling": row.ceiling} for row in found.rows}
    return {"rows": rows, "digits": [share.samples for share in found.classes], "protocol": str(found.protocol)}


answer(work)
