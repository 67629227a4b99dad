"""nolabel trains on a folder of images, allowed so much memory and no more.

The limit is RLIMIT_DATA, set before anything is imported: it counts what a process can write and shares with nobody
(heaps, arenas, stacks, libraries' own data), which is what makes a machine run out of memory. Pages of a read-only
memory map are not counted: they belong to the page cache, and the system takes them back when it needs to.
"""

import gc
import os
import resource
import threading
import time

from harness.contender import Answer, answer, status


class Watch(threading.Thread):
    """The most anonymous memory (RssAnon, MB) that was resident, looked at fifty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.02):
            self.most = max(self.most, status("RssAnon"))


def work(given: Answer) -> Answer:
    """What was resident, and samples a second: of an epoch read from disk, and of one from the page cache."""
    if given["allowed_mb"]:
        resource.setrlimit(resource.RLIMIT_DATA, (given["allowed_mb"] * 2**20,) * 2)
    watch = Watch()
    watch.start()
    import torch

    import nolabel

    torch.set_num_threads(given["threads"])
    imported = status("RssAnon")
    start = time.perf_counter()
    data = nolabel.open(given["folder"], cache=given["cache"])
    opened = time.perf_counter() - start
    if given["samples"] < len(data):
        data = data.subset(torch.arange(given["samples"]).numpy())
    gc.collect()
    if not data.in_memory:
        _forget(given["cache"])
    hidden = (32,) if given["net"] == "mlp" else (8, 16, 32)
    model = nolabel.Autoencoder(net=given["net"], hidden=hidden, batch_size=256, epochs=2, random_state=0)
    model.fit(data)
    watch.stopped.set()
    first, second = model.history_
    return {
        "bytes": len(data) * data.spec.width,
        "samples": len(data),
        "in_memory": data.in_memory,
        "open_seconds": opened,
        "import_anonymous_mb": imported,
        "anonymous_mb": watch.most,
        "resident_mb": status("VmHWM"),
        "limit_counts_mb": status("VmData"),
        "cold": first["samples_per_second"],
        "warm": second["samples_per_second"],
        "cold_waiting": first["waiting"],
        "warm_waiting": second["waiting"],
        "loss": second["loss"],
    }


def _forget(folder: str) -> None:
    """Ask the system to drop the decoded pixels from the page cache, so that the first epoch reads them from disk."""
    for place, _, files in os.walk(folder):
        for name in files:
            file = os.open(os.path.join(place, name), os.O_RDONLY)  # noqa: PTH118
            try:
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


answer(work)
