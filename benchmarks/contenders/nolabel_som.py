"""nolabel's SOM: seconds of `fit`, and both errors of the map on the samples that it is asked about."""

import time

import nolabel
from harness.contender import Answer, answer
from harness.samples import samples


def work(given: Answer) -> Answer:
    """Seconds of the whole of `fit`, opening of the array not included; errors on the test samples if there are any."""
    train, test = samples(given)
    data = nolabel.open(train, scaling="none") if train.ndim == 2 else nolabel.open(train)
    model = nolabel.SOM(
        shape=given["shape"], radius=given["radius"], epochs=given["epochs"], random_state=given.get("seed", 0)
    )
    start = time.perf_counter()
    model.fit(data)
    found: Answer = {"fit_seconds": time.perf_counter() - start, "samples_seen": len(train) * given["epochs"]}
    if test is not None:
        asked = nolabel.open(test, spec=model.spec_)
        found |= {"quantization": model.quantization_error(asked), "topographic": model.topographic_error(asked)}
    return found


answer(work)
