"""Whoever takes part in a measurement: a script of its own in a process of its own, on the same cores and threads.

A contender's script calls `answer(work)`: `work` gets the arguments as a dict and returns a dict. What it prints does
not matter; the answer goes through a file. Interleaved runs go round: every repeat runs every contender once, each time
starting with another one, so that a slow spell of the machine hits all alike.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.places import BENCHMARKS, CONTENDERS, SOURCE, WORK, data_folder

Answer = dict[str, Any]
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)


@dataclass(frozen=True)
class Contender:
    """name: as printed.  script: in `contenders/`.  python: its interpreter; None for the one that runs nolabel."""

    name: str
    script: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    python: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def run(contender: Contender, threads: int, **more: Any) -> Answer:
    """Run it once.

    Raises
    ------
    RuntimeError
        It failed; the message holds what it wrote to stderr.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        target = Path(place) / "answer.json"
        given = json.dumps({"threads": threads, **contender.arguments, **more})
        command = [str(contender.python or sys.executable), str(CONTENDERS / contender.script), given, str(target)]
        ended = subprocess.run(
            command, env=environment(threads, contender), capture_output=True, text=True, cwd=BENCHMARKS
        )
        if ended.returncode or not target.is_file():
            raise RuntimeError(f"{contender.name} failed ({ended.returncode}):\n{ended.stderr[-4000:]}")
        return dict(json.loads(target.read_text()))


def interleaved(
    contenders: Sequence[Contender],
    repeats: int,
    threads: int,
    line: Callable[[Answer], str],
    *,
    seeded: bool = False,
) -> dict[str, list[Answer]]:
    """Every contender once a repeat, starting with another one each time.

    `line` says what to print of an answer; with `seeded`, repeat r gets seed r.
    """
    found: dict[str, list[Answer]] = {contender.name: [] for contender in contenders}
    for repeat in range(repeats):
        shift = repeat % len(contenders)
        for contender in (*contenders[shift:], *contenders[:shift]):
            start = time.perf_counter()
            answer = run(contender, threads, **({"seed": repeat} if seeded else {}))
            found[contender.name].append(answer)
            seconds = time.perf_counter() - start
            print(f"  {repeat + 1}/{repeats} {contender.name}: {line(answer)} ({seconds:.0f} s)", flush=True)
    return found


def environment(threads: int, contender: Contender | None = None) -> dict[str, str]:
    """Environment variables of a contender: threads for every library, no GPU, nolabel from this checkout."""
    foreign = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "PYTHONPATH")
    chosen = {name: value for name, value in os.environ.items() if name not in foreign}
    chosen.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    chosen.update(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="3")
    chosen["NOLABEL_CACHE"] = str(WORK / "cache")
    if folder := data_folder():
        chosen["NOLABEL_DATA"] = str(folder)
    ours = contender is None or contender.python is None
    chosen["PYTHONPATH"] = os.pathsep.join([str(BENCHMARKS), *([str(SOURCE)] if ours else [])])
    chosen.update(contender.environment if contender else {})
    return chosen


def pin(threads: int) -> None:
    """Keep this process, and those it starts, on as many cores as there are threads; which ones, its number says."""
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(cores)
        os.sched_setaffinity(0, (cores[first:] + cores[:first])[:threads])


# --- inside a contender ----------------------------------------------------------------------------------------------


def answer(work: Callable[[Answer], Answer]) -> None:
    """Do the work that the command line asks for and write the answer, with the most memory that was in use."""
    given, target = json.loads(sys.argv[1]), Path(sys.argv[2])
    found = work(given)
    target.write_text(json.dumps({"peak_mb": status("VmHWM"), **found}))


def status(name: str) -> float:
    """A field of this process's status in MB: VmHWM, the most resident memory so far; RssAnon, VmData, ..."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(name)
