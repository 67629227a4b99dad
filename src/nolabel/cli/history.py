"""The command that made a run: in words that a shell takes, kept as RUN/command.json, shown in the report."""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from nolabel._version import __version__

FILE = "command.json"
PROGRAM = "NOLABEL_PROGRAM"  # the variable in which a launcher tells its processes how it was called
_ONCE = ("--resume", "--overwrite")  # how a run was started, not what it is


def program() -> str:
    """How this program was called, launchers apart."""
    if PROGRAM in os.environ:
        return os.environ[PROGRAM]
    return "python -m nolabel" if Path(sys.argv[0]).parts[-2:] == ("nolabel", "__main__.py") else "nolabel"


def as_typed(words: Sequence[str]) -> str:
    """A command as a person would type it."""
    launched = "RANK" in os.environ and PROGRAM not in os.environ  # by torchrun or the like, not by --processes
    called = f"{_launcher()} -m nolabel" if launched and words[0] == "fit" else program()
    return f"{called} {shlex.join(words)}"


def _launcher() -> str:
    """A launcher of as many processes; which one it was cannot be told from inside."""
    here, everywhere = os.environ.get("LOCAL_WORLD_SIZE"), os.environ.get("WORLD_SIZE")
    return f"torchrun --nproc-per-node {here}" if here == everywhere else "torchrun ..."


def to_resume(words: Sequence[str]) -> str:
    """The command that goes on with the run that `words` started."""
    return as_typed([*(word for word in words if word not in _ONCE), "--resume"])


def keep(run: Path, words: Sequence[str]) -> None:
    """Write the command into the run's folder."""
    from nolabel.training.checkpoint import write_whole  # torch comes with it

    lasting = [word for word in words if word not in _ONCE]
    facts = {"command": as_typed(lasting), "words": lasting, "nolabel": __version__}
    write_whole(run / FILE, json.dumps(facts, indent=1, ensure_ascii=False).encode(errors="replace"))


def recall(run: Path) -> str | None:
    """The command that made a run, or None when it is not known."""
    try:
        return str(json.loads((run / FILE).read_text(encoding="utf-8"))["command"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
