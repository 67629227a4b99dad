"""`run`: words -> command -> exit code.

    0     done
    1     a defect of nolabel's own
    2     a user's error: one message on stderr that names the thing and the fix
    130   Ctrl-C        143   SIGTERM        141   whoever read our output went away

`--debug` anywhere before `--` shows the traceback.
"""

import contextlib
import errno
import importlib
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from nolabel._version import __version__
from nolabel.cli import speech
from nolabel.cli.commands import COMMANDS, EXAMPLES
from nolabel.cli.stopping import exit_code
from nolabel.errors import ArgumentError, BrokenFilesError, HealthWarning, NolabelError, nearest

BUG, USER_ERROR, READER_GONE = 1, 2, 128 + signal.SIGPIPE


def run(argv: Sequence[str] | None) -> int:
    """Run one command and return its exit code; `argv` None is what the program was started with."""
    words = list(sys.argv[1:] if argv is None else argv)
    ours, dashes, rest = _parted(words)
    debug = "--debug" in ours
    words = [*(word for word in ours if word != "--debug"), *dashes, *rest]
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_encode(stream)
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except BaseException as error:
        try:
            return _explained(error, debug)
        except OSError:  # nobody hears us
            return _unheard()


def _parted(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The words before `--`, behind which no word is a flag; it, if it is there; and those after it."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at : at + 1], words[at + 1 :]


def _run(words: list[str]) -> int:
    try:
        return _dispatch(words)
    except SystemExit as end:  # argparse's way to end after --help
        if end.code is not None and not isinstance(end.code, int):
            speech.complain(str(end.code))
            return BUG
        return end.code or 0


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        _overview()
        return 0
    if words[0] == "--version":
        speech.say(f"nolabel {__version__}")
        return 0
    if words[0] not in COMMANDS:
        raise ArgumentError(f"there is no command {words[0]!r}{nearest(words[0], COMMANDS) or '.'} See nolabel --help")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HealthWarning)  # commands that train say the verdicts themselves
        warnings.showwarning = _remarked
        code: int = importlib.import_module(f"nolabel.cli.commands.{words[0]}").run(words[1:])
    return code


def _remarked(message: Warning | str, *where: object, **more: object) -> None:
    """A warning without the line of code that gave it, which is not the user's."""
    speech.remark(f"warning: {message}")


def _overview() -> None:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {words}" for name, words in COMMANDS.items()]
    usage = "usage: nolabel COMMAND ...   (nolabel COMMAND --help for more)"
    speech.say("\n".join(["nolabel learns from data nobody has labelled.", "", usage, "", *lines, "", EXAMPLES]))


def _explained(error: BaseException, debug: bool) -> int:
    """Say what went wrong, once, and choose the exit code."""
    if isinstance(error, BrokenPipeError) or (isinstance(error, OSError) and error.errno == errno.EPIPE):
        return _unheard()
    if debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        return _say_stopped(error)
    if isinstance(error, NolabelError):
        _say_user_error(str(error) + _fix(error))
        return USER_ERROR
    if isinstance(error, OSError) or is_out_of_memory(error):
        _say_user_error(_of_the_system(error))
        return USER_ERROR
    _say_bug(error)
    return BUG


def _unheard() -> int:
    """Whoever read our output went away: what is left of it goes nowhere, or Python complains while it exits."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # it may be no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return READER_GONE


def _say_stopped(error: KeyboardInterrupt) -> int:
    code = exit_code(error)
    name = signal.Signals(code - 128).name
    if speech.speaks():
        sys.stderr.write("\n" if sys.stderr.isatty() else "")  # the terminal has just written ^C
        speech.remark(str(error) or f"stopped by {name}")
    return code


def _say_user_error(message: str) -> None:
    """Every process of a run meets the same error; one on each machine says it."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        speech.complain(message)


def _fix(error: NolabelError) -> str:
    return "\nTo leave them out, add --on-error skip" if isinstance(error, BrokenFilesError) else ""


def is_out_of_memory(error: BaseException) -> bool:
    """Python and NumPy say it by a MemoryError, PyTorch by a RuntimeError: `CUDA out of memory`, `DefaultCPUAllocator:
    can't allocate memory`.
    """
    said = str(error).lower()
    told = "out of memory" in said or "allocate memory" in said
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and told)


def _of_the_system(error: BaseException) -> str:
    if not isinstance(error, OSError):
        why = str(error).partition("\n")[0]
        return f"out of memory ({why}). A smaller --batch-size, net or --size, or fewer samples, may fit"
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _say_bug(error: BaseException) -> None:
    if "RANK" in os.environ:
        time.sleep(2)  # if another process broke, ours only noticed: the launcher stops it before it speaks
    speech.complain(
        f"{type(error).__name__}: {error}\nThis is a defect of nolabel {__version__}; please report it with what the "
        "same command says when --debug is added"
    )


def _open_closed_streams() -> None:
    """`>&-` closes a stream: the next file opened would take its place, and be written to by whoever speaks."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115 - for good
            setattr(sys, name, nowhere)


def _never_fail_to_encode(stream: TextIO) -> None:
    """A console that knows no "±" shows "?" instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
