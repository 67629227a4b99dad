"""A classifier of MNIST's digits, in whose features samples are compared; trained once and kept."""

import nolabel
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Its accuracy on the test images."""
    train, test = nolabel.open("mnist:train"), nolabel.open("mnist:test")
    if given["few"]:
        train = train.subset(range(given["few"]))
    arguments = {"epochs": given["epochs"], "learning_rate": 0.003, "plan": {"precision": "bf16"}}
    model = nolabel.Classifier(**arguments, random_state=0).fit(train, "labels")
    model.save(given["model"])
    return {"accuracy": model.score(test, test.labels)}


answer(work)
