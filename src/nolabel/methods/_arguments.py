"""Constructor arguments against their annotations: one check of types for every method, in one sentence.

Bounds that a type does not say (at least 0, below 1) are a method's own and stand in its `build`. No method is named
here.
"""

import inspect
import math
from collections.abc import Sequence
from numbers import Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
from torch import nn

from nolabel.errors import ArgumentError, is_whole, not_a_choice

_WORDS = {
    NoneType: "None",
    bool: "True or False",
    int: "a whole number",
    float: "a finite number",
    str: "text",
    nn.Module: "a torch.nn.Module",
    Sequence[str]: "a sequence of words",
    Sequence[int]: "a sequence of whole numbers such as (128, 64, 32)",
    Sequence[float]: "a sequence of finite numbers such as (1.0, 0.1)",
}


def check_arguments(model: object) -> None:
    """Refuse an argument whose value is not of the kind that the constructor's annotation says.

    Raises
    ------
    ArgumentError
        Names the first such argument, what it must be, and what came.
    """
    signature = inspect.signature(type(model).__init__)
    for name, parameter in list(signature.parameters.items())[1:]:
        _check(name, getattr(model, name), parameter.annotation)


def at_least(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Refuse a number outside [low, high].

    Raises
    ------
    ArgumentError
        Names the argument, the bounds, and what came.
    """
    if not low <= value <= high:
        bounds = f"at least {low:g}" + (f" and at most {high:g}" if high < math.inf else "")
        raise ArgumentError(f"{name} must be {bounds}; got {value!r}")


def truth(name: str, value: Any) -> bool:
    """True or False, NumPy's too, as Python's own.

    Raises
    ------
    ArgumentError
        It is neither. Names the argument and what came.
    """
    if not isinstance(value, bool | np.bool_):
        raise ArgumentError(f"{name} must be True or False; got {value!r}")
    return bool(value)


def above(name: str, value: float, low: float) -> None:
    """Refuse a number that is not above `low`.

    Raises
    ------
    ArgumentError
        Names the argument, the bound, and what came.
    """
    if not value > low:
        raise ArgumentError(f"{name} must be above {low:g}; got {value!r}")


def widths(name: str, value: Sequence[int], *, least: int = 1) -> tuple[int, ...]:
    """The widths of a head's layers as a tuple of plain numbers.

    Raises
    ------
    ArgumentError
        One is below 1, or there are fewer than `least`. Names the argument, shows an example, and what came.
    """
    if len(value) < least or any(width < 1 for width in value):
        none = "" if least else ", or be () for none"
        raise ArgumentError(f"{name} must hold widths of at least 1, such as (512, 128){none}; got {value!r}")
    return tuple(int(width) for width in value)


def needs_others(batch_size: int | None, what: str) -> None:
    """Refuse batches of one sample for a method that learns from how the samples of a batch differ.

    Raises
    ------
    ArgumentError
        Says why, and what to give instead.
    """
    if batch_size is not None and batch_size < 2:
        raise ArgumentError(
            f"batch_size must be at least 2, for {what} learns from how the samples of a batch differ; "
            f"got {batch_size!r}. Give 64 or more, or None to choose"
        )


def _check(name: str, value: Any, annotation: Any) -> None:
    either = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    if any(_is(value, kind) for kind in either):
        return
    if get_origin(annotation) is Literal:
        raise not_a_choice(name, value, get_args(annotation))
    words = " or ".join(_in_words(kind) for kind in either)
    raise ArgumentError(f"{name} must be {words}; got {value!r}")


def _in_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    return _WORDS.get(kind, str(kind))


def _is(value: Any, kind: Any) -> bool:
    if kind is NoneType:
        return value is None
    if kind is bool:
        return isinstance(value, bool)
    if kind is str:
        return isinstance(value, str)
    if kind is nn.Module:
        return isinstance(value, nn.Module)
    if kind is int:
        return is_whole(value)
    if kind is float:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)  # type: ignore[unreachable]
    if get_origin(kind) is Literal:
        return any(value is choice or (isinstance(value, str) and value == choice) for choice in get_args(kind))
    if get_origin(kind) is Sequence:
        (item,) = get_args(kind)
        listed = isinstance(value, Sequence) and not isinstance(value, str)
        array = item is float and isinstance(value, np.ndarray) and value.ndim == 1
        return (listed or array) and all(_is(one, item) for one in value)
    return True  # Any, Plan: looked at where they are used
