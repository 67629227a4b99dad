"""The source that a run was trained on, from the command kept in its folder: it need not be typed again."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nolabel.cli import history, opening
from nolabel.errors import ArgumentError, BrokenFilesError, DataError, NolabelError

if TYPE_CHECKING:
    from nolabel.cli.parsing import Values
    from nolabel.data.dataset import Dataset
    from nolabel.types import DataSpec


def source_of(run: Path) -> "Values | None":
    """SOURCE and the flags of `nolabel fit` that say how it was opened, or None when they are not known."""
    from nolabel.cli.commands.fit import grammar

    try:
        words = json.loads((run / history.FILE).read_text(encoding="utf-8"))["words"]
        if words[0] != "fit":
            return None
        return grammar(words[1]).parse(words[2:])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, NolabelError, SystemExit):
        return None  # made by Python, by another version, or damaged


def open_source(values: "Values", spec: "DataSpec") -> "Dataset | None":
    """The data in SOURCE, or those that the model in RUN was trained on; None when nobody knows which those were.

    Raises
    ------
    ArgumentError
        They are known and cannot be opened any more; or a flag is wrong.
    DataError
        SOURCE cannot be used.
    """
    if "SOURCE" in values:
        return opening.open_source(values["SOURCE"], values, spec=spec)
    run = Path(values["RUN"]).expanduser()
    known = source_of(run)
    if known is None:
        return None
    wanted = {flag.key for flag in opening.AGAIN}
    flags: dict[str, Any] = {key: value for key, value in known.items() if key in wanted}
    flags |= {key: value for key, value in values.items() if key in wanted}
    try:
        return opening.open_source(known["SOURCE"], flags, spec=spec)
    except BrokenFilesError:
        raise
    except (ArgumentError, DataError) as error:
        raise ArgumentError(
            f"{run} was trained on {known['SOURCE']!r}, which cannot be opened from here ({error}); give SOURCE"
        ) from error
