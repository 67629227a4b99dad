"""Everything nolabel raises on purpose.

    NolabelError
    ├── DataError(ValueError)            the data cannot be used as given
    │   ├── BrokenFilesError             some files could not be read; .problems lists them
    │   └── ModalityError                the data are of another kind than the model was fitted to
    ├── ArgumentError(ValueError)        a constructor or function argument is wrong
    │   └── UnknownArgumentError(TypeError)   there is no argument of that name
    ├── OutputError(OSError)             a file or folder could not be written, or is in the way
    ├── SavedModelError                  a saved model or checkpoint is damaged, foreign or too new
    ├── TrainingError(RuntimeError)      training cannot go on
    │   └── DivergedError                loss or gradient became NaN or infinite; .step says when
    ├── TrainingInterrupted(KeyboardInterrupt)   Ctrl-C or SIGTERM; the state so far was kept
    └── HealthWarning(UserWarning)       training ended, and what was learned is bad; warned of, not raised

Every message names the argument or file, what was expected, what came, and the fix. "Not fitted" is scikit-learn's
own `NotFittedError`, so that its tools recognise it. This file knows no other room.
"""

import difflib
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any


class NolabelError(Exception):
    """Base of every error that nolabel raises on purpose; its text is meant for a person."""


class DataError(NolabelError, ValueError):
    """The data cannot be used as given."""


@dataclass(frozen=True)
class Problem:
    """One file (or archive member, or row) that could not be read, and why."""

    where: str
    why: str


class BrokenFilesError(DataError):
    """Some files could not be read; `problems` lists every one of them."""

    def __init__(self, message: str, problems: Sequence[Problem]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[Problem, ...]]]:
        """All that it was made of, so that it can come out of a worker process."""
        return type(self), (str(self), self.problems)


class ModalityError(DataError):
    """The data are of another kind (images, a table, ...) than the model was fitted to."""


class ArgumentError(NolabelError, ValueError):
    """An argument is wrong."""


class UnknownArgumentError(ArgumentError, TypeError):
    """There is no argument of that name; a TypeError, too, as Python has it."""


class OutputError(NolabelError, OSError):
    """A file or folder could not be written, or is in the way."""


class SavedModelError(NolabelError):
    """A saved model or checkpoint is damaged, foreign, or written by a newer nolabel."""


class TrainingError(NolabelError, RuntimeError):
    """Training cannot go on."""


class DivergedError(TrainingError):
    """Loss or gradient became NaN or infinite at optimizer step `step` (counted from 1)."""

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step

    def __reduce__(self) -> tuple[type, tuple[str, int]]:
        """All that it was made of, so that it can come out of a worker process."""
        return type(self), (str(self), self.step)


class TrainingInterrupted(NolabelError, KeyboardInterrupt):
    """Ctrl-C or SIGTERM stopped training; `signum` is the signal's number, the state so far was kept."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.signum = signum

    def __reduce__(self) -> tuple[type, tuple[str, int]]:
        """All that it was made of, so that it can come out of a worker process."""
        return type(self), (str(self), self.signum)


class HealthWarning(NolabelError, UserWarning):
    """Training ended, but the model is in bad health; says what is wrong and which argument to turn."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """'; did you mean X?' for the choice spelled most like `word`, in any case, or '' when none is near."""
    spelled = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.5)
    return f"; did you mean {spelled[close[0]]!r}?" if close else ""


def not_a_choice(argument: str, value: object, choices: Iterable[str]) -> ArgumentError:
    """The one sentence for a value outside a list of choices."""
    options = list(choices)
    listed = ", ".join(repr(option) for option in options)
    return ArgumentError(f"{argument} must be one of {listed}; got {value!r}{nearest(str(value), options)}")


def is_whole(value: object) -> bool:
    """Whether it is a whole number, NumPy's too; a truth is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole(name: str, value: Any, least: int) -> int:
    """A whole number of at least `least`, as Python's own.

    Raises
    ------
    ArgumentError
        It is none. Names the argument, the bound, and what came.
    """
    if not is_whole(value) or value < least:
        raise ArgumentError(f"{name} must be a whole number of at least {least}; got {value!r}")
    return int(value)


def refuse_unknown(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownArgumentError for the first name in `given` that is not in `known`, with the nearest that is."""
    choices = list(known)
    for name in given:
        if name not in choices:
            listed = ", ".join(choices)
            close = nearest(name, choices) or "."
            raise UnknownArgumentError(f"{owner} has no argument {name!r}{close} It has: {listed}")


class SignatureOfInit:
    """As `__signature__` of a class: that of its `__init__`, though `__new__` takes anything to say what is wrong."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        whole = inspect.signature(owner.__init__, eval_str=True)  # type: ignore[misc]
        return whole.replace(parameters=list(whole.parameters.values())[1:])
