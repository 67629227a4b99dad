"""Who is told how training goes: `metrics.jsonl`, a progress bar or lines, TensorBoard.

The engine calls listeners and knows none of them. Listeners change nothing.
"""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nolabel.errors import ArgumentError, OutputError

Record = Mapping[str, Any]


class Listener(ABC):
    """Is told of the start, of steps (a few times a second), of epochs, of what goes wrong, and of the end of a run."""

    @abstractmethod
    def start(self, facts: Record) -> None:
        """`facts`: epochs, steps_per_epoch, samples, done (steps done before, when resumed)."""

    @abstractmethod
    def step(self, record: Record) -> None:
        """`record`: step, epoch, loss and its parts so far in the epoch, samples_per_second, waiting."""

    @abstractmethod
    def epoch(self, record: Record) -> None:
        """The record that goes into the history."""

    @abstractmethod
    def verdict(self, record: Record) -> None:
        """`record`: level ("warning" or "bad"), name, text and knob of what was found wrong, and the epoch it was.

        Each is told once, while there is time to do something about it; `end` has those of the whole run.
        """

    @abstractmethod
    def end(self, record: Record) -> None:
        """`record`: reason ("finished", "stopped early", "interrupted", "diverged", "failed") and the verdicts."""


def sentence(record: Record) -> str:
    """A verdict as it is said to a person: level, epoch, what was found, what to try."""
    knob = f" Try {record['knob']}." if record["knob"] else ""
    return f"{record['level']} after epoch {record['epoch']}: {record['text']}{knob}"


class JsonLines(Listener):
    """Appends one JSON object a line to a file: kind "run", "step", "epoch", "verdict" or "end".

    A full disk stops the run with a clear error, as it does for checkpoints.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _write(self, kind: str, record: Record, before: str = "") -> None:
        line = before + json.dumps({"kind": kind, "time": round(time.time(), 3), **record})
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error

    def start(self, facts: Record) -> None:
        """A line of kind "run", after the end of a line that a kill may have cut."""
        self._write("run", facts, before="\n" if self._is_cut() else "")

    def _is_cut(self) -> bool:
        return self.path.is_file() and self.path.read_bytes()[-1:] not in (b"", b"\n")

    def step(self, record: Record) -> None:
        """A line of kind "step"."""
        self._write("step", record)

    def epoch(self, record: Record) -> None:
        """A line of kind "epoch"."""
        self._write("epoch", record)

    def verdict(self, record: Record) -> None:
        """A line of kind "verdict"."""
        self._write("verdict", record)

    def end(self, record: Record) -> None:
        """A line of kind "end"."""
        self._write("end", record)


class Bar(Listener):
    """A live line in the terminal: rate, loss parts, time left, share of time spent waiting for data."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=False,
        )
        self._task = self._progress.add_task("epoch", total=None, words="")
        self._epochs = 0

    def start(self, facts: Record) -> None:
        """Show the bar."""
        self._epochs = facts["epochs"]
        self._progress.update(self._task, total=self._epochs * facts["steps_per_epoch"], completed=facts["done"])
        self._progress.start()

    def step(self, record: Record) -> None:
        """Move the bar."""
        timing = ("step", "epoch", "samples_per_second", "waiting")
        losses = "  ".join(f"{name} {value:.4g}" for name, value in record.items() if name not in timing)
        words = f"{losses}  {record['samples_per_second']:,.0f} samples/s  waiting {record['waiting']:.0%}"
        description = f"epoch {record['epoch']}/{self._epochs}"
        self._progress.update(self._task, completed=record["step"], description=description, words=words)

    def epoch(self, record: Record) -> None:
        """Steps say enough."""

    def verdict(self, record: Record) -> None:
        """A sentence above the bar, which goes on."""
        style = "bold red" if record["level"] == "bad" else "yellow"
        self._progress.console.print(sentence(record), style=style, markup=False, highlight=False, emoji=False)

    def end(self, record: Record) -> None:
        """Take the bar away."""
        self._progress.stop()


class Lines(Listener):
    """For where nobody watches: a line after an epoch, at most one in 10 s; the last too, once one has been said."""

    SECONDS = 10.0

    def __init__(self) -> None:
        self._epochs = 0
        self._spoken_at = time.monotonic()
        self._spoke = False

    def start(self, facts: Record) -> None:
        """Nothing: most runs are over soon."""
        self._epochs = facts["epochs"]

    def step(self, record: Record) -> None:
        """Epochs say enough."""

    def epoch(self, record: Record) -> None:
        """The line, when it is time."""
        due = time.monotonic() - self._spoken_at >= self.SECONDS
        if due or (self._spoke and record["epoch"] == self._epochs):
            self._spoken_at, self._spoke = time.monotonic(), True
            timing = ("epoch", "seconds", "samples_per_second", "waiting")
            losses = "  ".join(f"{name} {value:.4g}" for name, value in record.items() if name not in timing)
            words = f"{losses}  {record['samples_per_second']:,.0f} samples/s"
            sys.stderr.write(f"epoch {record['epoch']}/{self._epochs}  {words}\n")
            sys.stderr.flush()

    def verdict(self, record: Record) -> None:
        """The sentence, at once."""
        sys.stderr.write(f"{sentence(record)}\n")
        sys.stderr.flush()

    def end(self, record: Record) -> None:
        """Whoever started the run says how it ended."""


def watched() -> bool:
    """Whether somebody looks on, so that a bar makes sense."""
    from rich.console import Console

    console = Console(stderr=True)
    return console.is_terminal or console.is_jupyter


class TensorBoard(Listener):
    """Writes every number of every epoch for TensorBoard (`pip install 'nolabel[tensorboard]'`)."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ArgumentError("TensorBoard is not installed: pip install 'nolabel[tensorboard]'") from error
        self._writer = SummaryWriter(str(folder))

    def start(self, facts: Record) -> None:
        """Nothing to say yet."""

    def step(self, record: Record) -> None:
        """Epochs say enough."""

    def epoch(self, record: Record) -> None:
        """One point on every curve."""
        for name, value in record.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, record["epoch"])

    def verdict(self, record: Record) -> None:
        """A text beside the curves."""
        self._writer.add_text("health", sentence(record), record["epoch"])

    def end(self, record: Record) -> None:
        """Write out what is buffered."""
        self._writer.close()
