"""Ctrl-C and SIGTERM while a command runs, and the exit codes that a shell expects of them (128 + signal).

While a model trains the engine catches both signals itself, between two steps; this file is for the rest of the time.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final


@final
class Stopped(KeyboardInterrupt):
    """SIGTERM came; a KeyboardInterrupt so that nothing on the way takes it for an error of its own."""


def exit_code(error: KeyboardInterrupt) -> int:
    """130 after Ctrl-C, 143 after SIGTERM."""
    signum = getattr(error, "signum", signal.SIGTERM if isinstance(error, Stopped) else signal.SIGINT)
    return 128 + int(signum)


def _stop(signum: int, frame: FrameType | None) -> None:
    raise Stopped


@contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Within the block SIGTERM raises `Stopped`, as SIGINT raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():  # Python allows handlers nowhere else
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
