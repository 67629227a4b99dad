"""nolabel's command line as a process, timed, with its peak memory.

The parent must be small: a child starts with its peak.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """seconds: wall clock of the whole process.  peak_mb: the most memory it, or one it waited for, had resident."""

    seconds: float
    peak_mb: float
    output: str


def nolabel_command() -> list[str]:
    """The installed `nolabel` beside this interpreter, else the same from the checkout."""
    installed = Path(sys.executable).parent / "nolabel"
    if installed.is_file():
        return [str(installed)]
    return [sys.executable, "-c", "import sys; from nolabel.cli import main; sys.exit(main())"]


def timed(command: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Run a command to its end.

    Raises
    ------
    RuntimeError
        It failed; the message holds its output.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed ({process.returncode}):\n{output[-4000:]}")
    return Ended(seconds, usage.ru_maxrss / 1024, output)
