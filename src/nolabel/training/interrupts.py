"""Ctrl-C and SIGTERM, noticed between steps. A second signal acts at once, as it always did."""

import signal
import threading
from types import FrameType, TracebackType


class Interrupts:
    """Within the block, the first SIGINT or SIGTERM only sets `signum`; the engine looks at it after every step."""

    signals = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signum = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
            self._before = {number: signal.signal(number, self._notice) for number in self.signals}
        return self

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self.signum = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            if handler is not None:  # None: it was not set from Python, and cannot be set back from here
                signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
