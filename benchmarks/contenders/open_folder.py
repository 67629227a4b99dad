"""nolabel opens a folder of images, with the cache where it is told."""

import time

from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Seconds of `open`, and of what must be imported before it."""
    start = time.perf_counter()
    import nolabel

    opener = nolabel.open
    imported = time.perf_counter()
    data = opener(given["folder"], cache=given["cache"])
    opened = time.perf_counter()
    return {
        "seconds": opened - imported,
        "import_seconds": imported - start,
        "samples": len(data),
        "in_memory": data.in_memory,
        "checksum": int(data.rows(_some(len(data)))[0].sum()),
    }


def _some(count: int):
    import torch

    return torch.linspace(0, count - 1, min(count, 1000)).long()


answer(work)
