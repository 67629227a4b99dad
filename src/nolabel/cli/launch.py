"""Several processes from one command: `--processes 2` starts itself twice through torch.distributed.run.

Each process is the same command, told its place by environment variables, as `torchrun -m nolabel ...` and
`accelerate launch -m nolabel ...` do on one machine or several; so there is one way in. Signals are handed to all, and
the first process's exit code is ours.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from nolabel.cli import history, speech
from nolabel.errors import ArgumentError

_PATIENCE = "60"  # seconds that processes have to write a checkpoint once they are told to stop


def started_by_launcher() -> bool:
    """Whether this process is one of several already."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def refuse_bad_count(count: int) -> None:
    """Raise ArgumentError for a number of processes that cannot be started."""
    if count < 1:
        raise ArgumentError(f"--processes must be at least 1; got {count}")
    if count > _most() and not started_by_launcher():
        raise ArgumentError(f"--processes {count}: this machine has {_cores()} cores; give at most {_most()}")
    if started_by_launcher() and count not in (1, int(os.environ["WORLD_SIZE"])):
        raise ArgumentError(
            f"--processes {count}: this is one of {os.environ['WORLD_SIZE']} processes already; leave --processes out "
            "under torchrun or accelerate launch"
        )


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _most() -> int:
    """One process a core; and two anywhere, so that a command for many can be tried."""
    return max(2, _cores())


def run_in_processes(count: int, words: Sequence[str]) -> int:
    """Run `nolabel` with these words in `count` processes on this machine; their exit code."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    before = dict(os.environ)
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", _PATIENCE)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // count)))
    os.environ[history.PROGRAM] = history.program()
    debug = ["--debug"] if "--debug" in sys.argv else []
    if not debug:
        logging.disable(logging.CRITICAL)  # we say ourselves what went wrong
    launcher: Any = run  # has no types
    arguments = launcher.parse_args(["--standalone", f"--nproc-per-node={count}", "-m", "nolabel", *debug, *words])
    try:
        launcher.run(arguments)
    except ChildFailedError as error:
        return _code_of({rank: failure.exitcode for rank, failure in error.failures.items()})
    except SignalException as error:
        return 128 + int(error.sigval)
    finally:
        logging.disable(logging.NOTSET)
        os.environ.clear()
        os.environ.update(before)
    return 0


def _code_of(codes: dict[int, int]) -> int:
    """The exit code for a run in which some processes failed: that of the first, and 128 + signal if one was killed."""
    killed = {rank: -code for rank, code in codes.items() if code < 0}
    for rank, signum in killed.items():
        speech.complain(f"process {rank} was ended by {signal.Signals(signum).name}; is there enough memory?")
    if killed:
        return 128 + next(iter(killed.values()))
    return codes[min(codes)]
