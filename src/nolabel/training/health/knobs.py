"""Which argument to turn: the alternatives of a verdict, without those that a method has no argument for.

    "a lower {learning_rate}; a larger {gamma}; {+latent}{-gamma}another method in its place; more data"

Alternatives stand between semicolons. One that names an argument in braces is for methods that have it; `{+name}` says
so too and `{-name}` the opposite, without being read out. It knows no method and no rule.
"""

import re
from collections.abc import Collection

_MARK = re.compile(r"\{([+-]?)(\w+)\}")


def worded(pattern: str, arguments: Collection[str] | None = None) -> str:
    """The alternatives that fit, as words; all of them if the method's arguments are not known."""
    every = [part.strip() for part in pattern.split(";")]
    said = [_MARK.sub(_name, part) for part in every if arguments is None or _fits(part, arguments)]
    return " or ".join(said) if len(said) < 3 else f"{', '.join(said[:-1])}, or {said[-1]}"


def _fits(alternative: str, arguments: Collection[str]) -> bool:
    return all((name in arguments) != (sign == "-") for sign, name in _MARK.findall(alternative))


def _name(mark: re.Match[str]) -> str:
    return "" if mark[1] else mark[2]
