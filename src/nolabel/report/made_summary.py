"""The words on top of the page for a model whose work is what it makes, not its codes.

Generators of samples, translators and restorers: of these neither neighbours nor clusters of codes say whether they are
any good. It knows models by their types, reads plain values, and neither measures nor draws.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nolabel.methods._generator import Generator
from nolabel.methods._restores import Restores
from nolabel.methods._translator import Translator
from nolabel.report.numbers import decimals_for, number

Record = Mapping[str, Any]


def makes(model: object) -> bool:
    """Whether what it makes is what it is for."""
    return isinstance(model, Generator | Translator | Restores)


def subject_of(model: object, named: str, what: str) -> str:
    """What was trained, for the verdict's first sentence; `what` as in "1,500 images"."""
    if isinstance(model, Generator):
        return f"The {named} makes new samples in the likeness of {what}"
    return f"The {named} {'mends damage' if isinstance(model, Restores) else 'translates'}, and learned from {what}"


def measures_of(history: Sequence[Record], judged: Record) -> list[tuple[str, str]]:
    """Name and value of what is known of its work, the most telling first; [] if nothing is."""
    last = {name.removeprefix("generator."): value for name, value in (history[-1] if history else {}).items()}
    found = [each for each in (_distance(judged), _decibels(last)) if each]
    shares = (("Diversity", "diversity"), ("Coverage", "coverage"))
    return found or [(name, f"{last[signal]:.0%}") for name, signal in shares if signal in last]


def _distance(judged: Record) -> tuple[str, str] | None:
    row = next((row for row in judged.get("rows", ()) if row["measure"] == "FID" and row["value"] is not None), None)
    if row is None:
        return None
    places = decimals_for([value for value in (row["value"], row["floor"]) if value is not None])
    other = "" if row["floor"] is None else f", of other data {number(row['floor'], places)}"
    return "FID", f"{number(row['value'], places)}{other} (how it was measured stands below)"


def _decibels(last: Record) -> tuple[str, str] | None:
    return ("PSNR in training", f"{last['psnr']:.1f} dB") if "psnr" in last else None
