"""What the command line says: results to stdout; remarks, progress and errors to stderr.

With rich where a person looks on, plain where output goes to a file or another program: no colours, no boxes, nothing
cut. Of several processes only the first speaks. rich is imported when something is drawn, not before.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

_NARROW = 60  # columns of a terminal in which a table has no place: its rows are said one below the other
_WIDE = 120  # columns of a terminal in which a table can have what can be done without
Count = Callable[[int, int], None]


def speaks() -> bool:
    """Whether this process speaks: the only one, or the first of several."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str = "", style: str = "") -> None:
    """A line (or lines) of the result, on stdout."""
    if speaks():
        _write(sys.stdout, text, style)


def remark(text: str) -> None:
    """A line about what is being done, on stderr."""
    if speaks():
        _write(sys.stderr, text, "dim")


def complain(text: str) -> None:
    """An error, on stderr, from whichever process has it."""
    _write(sys.stderr, f"error: {text}", "bold red")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], spare: int = 0) -> None:
    """Rows under a header, on stdout; the last `spare` columns can be done without in a terminal that is not wide."""
    if not speaks():
        return
    if not sys.stdout.isatty():
        print("\n".join(_aligned([header, *rows])), flush=True)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if console.width < _NARROW:
        for row in rows:
            console.print(Text("\n".join(f"{name}: {cell}" for name, cell in zip(header, row) if cell) + "\n"))
        return
    shown = len(header) - (spare if console.width < _WIDE else 0)
    drawn = Table(*header[:shown], box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    drawn.columns[0].no_wrap = True  # names, which are typed
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row[:shown]))
    console.print(drawn)


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


def _write(stream: IO[str], text: str, style: str) -> None:
    if not style or not stream.isatty():
        print(text, file=stream, flush=True)  # results and remarks in the order in which they were said
        return
    from rich.console import Console
    from rich.text import Text

    first, newline, rest = text.partition("\n")
    Console(file=stream, highlight=False, soft_wrap=True).print(Text(first, style) + Text(newline + rest))


def watched() -> bool:
    """Whether a person looks on, so that a progress bar makes sense."""
    return speaks() and sys.stderr.isatty()


@contextmanager
def counting(what: str) -> Iterator[Count | None]:
    """A counter `(done, all)` that moves a bar on stderr; None when nobody looks on."""
    if not watched():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)

    def count(done: int, total: int) -> None:
        bar.start()  # does nothing the second time; a source that counts nothing shows nothing
        bar.update(task, completed=done, total=total)

    try:
        yield count
    finally:
        bar.stop()
