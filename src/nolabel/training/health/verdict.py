"""What a rule says: one finding on a training, in plain words, and the argument to turn.

It knows no rule and no method.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding. `level` says how bad, `knob` which argument to turn ('' when there is nothing to do)."""

    level: Literal["good", "warning", "bad"]
    name: str
    text: str
    knob: str = ""


Record = Mapping[str, float]
History = Sequence[Record]
_ORDER = {"bad": 0, "warning": 1, "good": 2}


def worst_first(found: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts by level, those of one level as they came."""
    return sorted(found, key=lambda verdict: _ORDER[verdict.level])
