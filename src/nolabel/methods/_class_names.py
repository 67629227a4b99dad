"""Which classes a user means: names of classes to their codes. Knows no method."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nolabel.errors import ArgumentError, nearest

SHOWN = 20  # names of classes in an error


def class_codes(labels: Any, classes: Any, count: int) -> Tensor:
    """Codes (count,) int64 of the classes that `labels` names.

    Parameters
    ----------
    labels : name of a class, or array of `count` names
        One name is for all. Names and numbers are compared as text, so that `3` and `"3"` are the same class.
    classes : array (K,)
        The classes, in the order of their codes.
    count : int
        How many samples are meant.

    Raises
    ------
    ArgumentError
        There is no such class, with the nearest that there is; or they are not one name, and not `count`.
    """
    given = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels, dtype=object)
    if given.ndim > 1 or (given.ndim == 1 and len(given) != count):
        raise ArgumentError(
            f"labels must be one name for all, or one for each of the {count} samples; got the shape {given.shape}"
        )
    code_of = {_text(name): code for code, name in enumerate(classes)}
    codes = [_code(name, code_of) for name in given.reshape(-1).tolist()]
    return torch.tensor(codes).expand(count)


def _code(name: Any, code_of: dict[str, int]) -> int:
    code = code_of.get(_text(name))
    if code is None:
        raise ArgumentError(
            f"labels must be names of classes that the model has learned: {_listed(list(code_of))}; "
            f"got {name!r:.80}{nearest(str(name), code_of)}"
        )
    return code


def _text(name: Any) -> str:
    """Numbers that are whole as such: `3.0` is `3`."""
    whole = isinstance(name, float | np.floating) and float(name).is_integer()
    return str(int(name)) if whole else str(name)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more
