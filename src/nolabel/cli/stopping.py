"""Ctrl-C and SIGTERM while a command runs, and the exit codes that a shell expects of them (128 + signal).

Raised in the middle of an import, a signal leaves half a module behind: torch aborts, or the signal is taken for an
error of somebody else's, or is lost. So within an import it is only noted, and comes again a moment later, until it
meets the program outside: us, or whoever has taken signals over by then. A second signal ends the process at once.
While a model trains the engine catches both signals itself, between two steps; this file is for the rest of the time,
and imports next to nothing.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 0.02  # seconds until a signal that met an import comes again


@final
class Stopped(KeyboardInterrupt):
    """A signal came; a KeyboardInterrupt so that nothing on the way takes it for an error of its own."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.signum = signum


def exit_code(error: KeyboardInterrupt) -> int:
    """130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + int(getattr(error, "signum", signal.SIGINT))


@final
class _Heed:
    """The handler of both signals: raises `Stopped` as soon as no import is in the way."""

    def __init__(self) -> None:
        self.raised = False
        self.pending = 0  # the signal that waits for the end of an import
        self.timer: tuple[float, float] | None = None  # as it was before we used it

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self.raised or self.pending:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
        elif _importing(frame):
            self.pending = signum
            signal.signal(signal.SIGALRM, self._again)
            before = signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            self.timer = self.timer or before
        else:
            self.raised = True
            raise Stopped(signum)

    def _again(self, alarm: int, frame: FrameType | None) -> None:
        signum, self.pending = self.pending, 0
        os.kill(os.getpid(), signum)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def heeding_signals() -> Iterator[None]:
    """Within the block SIGINT and SIGTERM raise `Stopped`; one that the process was told to ignore stays ignored."""
    if threading.current_thread() is not threading.main_thread():  # Python allows handlers nowhere else
        yield
        return
    heed = _Heed()
    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)}
    for number in SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, heed)
    try:
        yield
    finally:
        if heed.timer is not None:
            signal.setitimer(signal.ITIMER_REAL, *heed.timer)
        for number, handler in before.items():
            if handler is not None:  # None: it was not set from Python, and cannot be set back from here
                signal.signal(number, handler)
        if heed.pending:
            raise Stopped(heed.pending)
