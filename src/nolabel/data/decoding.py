"""Many encoded images to one file of pixels, on all cores.

Rows are cut into chunks, and whoever is free takes the next one: threads for a small set, which must not pay for the
start of processes, and processes for a large one, because small images spend their time in Python. A chunk is decoded
to memory and written to its place in the file with one call; pixels are never sent from process to process, and a full
disk is an error like any other (a memory map would end the process instead).
No torch here: decoding processes import this file.
"""

import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nolabel.data.encoded import EncodedImages
from nolabel.data.pictures import Facts, Misfit, Plan, decode, is_animated, why_unreadable
from nolabel.errors import DataError

PROCESS_IMAGES = 2_000  # from here on, the start of a process (0.2 s) is small beside its work
_CHUNK_BYTES = 2**24
_THREAD_CHUNK = 16  # small, so that Ctrl-C need not wait for many large photographs
_PROCESS_CHUNK = 128

Progress = Callable[[int, int], None]


@final
@dataclass(frozen=True)
class Chunk:
    """Some images, and where their pixels belong: row `first` and following of the file `target`."""

    images: EncodedImages
    first: int
    plan: Plan
    target: str


@final
@dataclass
class Report:
    """What became of a chunk, or of all: (row, why) of each broken image; a picture that contradicts the plan; how many
    are animated.
    """

    broken: list[tuple[int, str]] = field(default_factory=list)
    misfit: Facts | None = None
    animated: int = 0


def pixel_shape(count: int, plan: Plan) -> tuple[int, int, int, int]:
    """Shape (N, C, H, W) of the pixels of `count` images."""
    return (count, plan.channels, plan.height, plan.width)


def decode_all(images: EncodedImages, plan: Plan, target: Path, progress: Progress | None = None) -> Report:
    """Decodes all images into a new file.

    Parameters
    ----------
    images
        What to decode.
    plan
        What every image becomes.
    target
        The file; uint8, (N, C, H, W). Rows of broken images are zero.
    progress
        Called with images done and images in all, from time to time, from any thread.

    Returns
    -------
    Report
        With a misfit, the file is not complete and the plan must be revised.

    Raises
    ------
    OSError
        The file cannot be written.
    DataError
        A decoding process died.
    """
    target.write_bytes(b"")  # it grows as chunks are written
    with ExitStack() as stack:
        decoders, size = _decoders(images, stack)
        size = max(1, min(size, _CHUNK_BYTES // (plan.channels * plan.height * plan.width)))
        work = _Work(images, plan, target, size, progress)
        return work.done_by(decoders)


def decode_chunk(chunk: Chunk) -> Report:
    """Decodes the images of a chunk and writes their pixels; stops at a misfit."""
    report = Report()
    block = np.zeros(pixel_shape(len(chunk.images), chunk.plan), np.uint8)
    for row in range(len(chunk.images)):
        try:
            encoded = chunk.images.read(row)
            pixels = decode(encoded, chunk.plan)
            report.animated += is_animated(encoded)
            block[row] = pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        except Misfit as misfit:
            return Report(misfit=misfit.facts)
        except Exception as error:  # decoders meet damaged data with errors of any type
            report.broken.append((chunk.first + row, why_unreadable(error)))
    _write(chunk, block)
    return report


@contextmanager
def pillow_is_quiet() -> Iterator[None]:
    """Pillow's warnings are off inside the block: what matters among them is reported as a problem of its file."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every platform
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _write(chunk: Chunk, block: NDArray[np.uint8]) -> None:
    with open(chunk.target, "r+b", buffering=0) as file:
        file.seek(chunk.first * block[0].nbytes)
        left = block.reshape(-1).data
        while left:
            left = left[file.write(left) :]


Decoder = Callable[[Chunk], Report]


def _decoders(images: EncodedImages, stack: ExitStack) -> tuple[Sequence[Decoder], int]:
    """Who decodes, and how many images at a time; whatever they need is closed with `stack`."""
    if images.workers == "processes" and len(images) >= PROCESS_IMAGES and cores() > 1 and _can_start_python():
        return [stack.enter_context(_process()) for _ in range(cores())], _PROCESS_CHUNK
    stack.enter_context(pillow_is_quiet())
    return [decode_chunk] * (1 if images.workers == "none" else cores()), _THREAD_CHUNK


def _can_start_python() -> bool:
    """Whether `sys.executable` is Python; in a frozen application it is the application."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


@final
class _Work:
    """Chunks that wait to be decoded, and what has been reported of those that were."""

    def __init__(self, images: EncodedImages, plan: Plan, target: Path, size: int, progress: Progress | None) -> None:
        self._images, self._plan, self._target, self._size, self._progress = images, plan, target, size, progress
        self._report, self._done = Report(), 0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for start in range(0, len(images), size):
            self._waiting.put(start)

    def done_by(self, decoders: Sequence[Decoder]) -> Report:
        """Shares the chunks out until none is left, and returns the report on all of them."""
        with ThreadPoolExecutor(len(decoders)) as pool:
            try:
                for running in [pool.submit(self._drain, decoder) for decoder in decoders]:
                    running.result()
            except BaseException:
                self._stop.set()
                raise
        self._report.broken.sort()
        return self._report

    def _drain(self, decoder: Decoder) -> None:
        try:
            while not self._stop.is_set():
                start = self._waiting.get_nowait()
                stop = min(start + self._size, len(self._images))
                self._note(
                    decoder(Chunk(self._images.part(start, stop), start, self._plan, str(self._target))), stop - start
                )
        except queue.Empty:
            return
        except BaseException:
            self._stop.set()
            raise

    def _note(self, report: Report, count: int) -> None:
        with self._lock:
            self._report.broken += report.broken
            self._report.animated += report.animated
            self._done += count
            if report.misfit is not None:
                self._report.misfit = report.misfit
                self._stop.set()
            elif self._progress is not None:
                self._progress(self._done, len(self._images))


@contextmanager
def _process() -> Iterator[Decoder]:
    """A decoder in a process of its own, which runs `nolabel.data.worker` and never imports the user's script.

    That is why it is not a `multiprocessing` one: a script without `if __name__ == "__main__"` must work.
    """
    command = [sys.executable, "-W", "ignore", "-m", "nolabel.data.worker"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment)
        try:
            yield lambda chunk: _ask(process, chunk, log)
        finally:
            _end(process)


def _ask(process: "subprocess.Popen[bytes]", chunk: Chunk, log: IO[bytes]) -> Report:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump(chunk, process.stdin)
        process.stdin.flush()
        answer = pickle.load(process.stdout)
    except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
        code = process.wait()  # its last words share their place in the file with us: only now may it be moved
        log.seek(0)
        raise DataError(_died(code, chunk, log.read().decode(errors="replace"))) from error
    if isinstance(answer, Exception):
        raise answer
    return answer  # type: ignore[no-any-return]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()  # it holds nothing that could be lost
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # a half-written question to a process that is gone
                pipe.close()


def _died(code: int, chunk: Chunk, log: str) -> str:
    names = chunk.images.names
    told = f": {log.strip().splitlines()[-1]}" if log.strip() else ""
    return (
        f"a decoding process ended with code {code} between '{names[0]}' and '{names[-1]}'{told}. "
        "One of these files may crash its decoder: open halves of them to find it"
    )
