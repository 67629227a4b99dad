"""scikit-learn's ConvergenceWarnings, counted instead of printed, so that they can be told in the notes.

Only that one class of warning is caught; any other is passed on as it came.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sklearn.exceptions import ConvergenceWarning


@dataclass
class _Count:
    fits: int = 0
    warned: int = 0
    first: str = ""

    def add(self, fits: int, messages: list[str]) -> None:
        self.fits += fits
        self.warned += len(messages)
        self.first = self.first or (messages[0] if messages else "")


def _first_sentence(message: str) -> str:
    return message.strip().splitlines()[0].split(". ")[0].rstrip(".:")


@dataclass
class Tally:
    """Counts of the fits that were watched and of those that warned, by method and representation."""

    counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    @contextmanager
    def watch(self, method: str, representation: str, fits: int = 1) -> Iterator[None]:
        """Run `fits` fits of `method` inside the block; their ConvergenceWarnings are counted, not shown."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        messages = []
        for warning in caught:
            if issubclass(warning.category, ConvergenceWarning):
                messages.append(_first_sentence(str(warning.message)))
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        self.counts.setdefault((method, representation), _Count()).add(fits, messages)

    def notes(self) -> list[str]:
        """One sentence for every method and representation that warned."""
        return [
            f"{method} on {representation}: {count.warned} warning{'s' if count.warned > 1 else ''} "
            f"in {count.fits} fits, the first: {count.first}."
            for (method, representation), count in self.counts.items()
            if count.warned
        ]
