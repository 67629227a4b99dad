"""Pillow alone decodes the files of a folder in a pool of processes: open, RGB, array, drop. Listed beforehand."""

import os
import time
from multiprocessing import Pool

import numpy as np

from harness.contender import Answer, answer


def decode(path: str) -> int:
    """The image as an array, which is dropped."""
    from PIL import Image

    with Image.open(path) as picture:
        return int(np.asarray(picture.convert("RGB"))[0, 0, 0])


def work(given: Answer) -> Answer:
    """Seconds from the start of the pool to the last image."""
    paths = sorted(os.path.join(folder, file) for folder, _, files in os.walk(given["folder"]) for file in files)  # noqa: PTH118
    start = time.perf_counter()
    with Pool(given["threads"]) as pool:
        total = sum(pool.imap_unordered(decode, paths, chunksize=256))
    return {"seconds": time.perf_counter() - start, "samples": len(paths), "total": total}


answer(work)
