"""Numbers as a person reads them: enough digits and no more, the same number of decimals within a row.

Pure functions; they know nothing of what is being measured.
"""

import math
from collections.abc import Iterable

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give the largest of `values` three or four significant digits, and the smallest at least two.

    None when all are whole numbers; never more than six.
    """
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if all(size == round(size) for size in sizes):
        return 0
    most, least = (math.floor(math.log10(size)) + 1 for size in (max(sizes), min(sizes)))
    for_most = 4 - most if most > 1 else 3 - min(most, 0)
    return min(6, max(0, for_most, 2 - least))


def number(value: float | None, decimals: int | None = None) -> str:
    """`value` with thousands separated and a real minus sign; a dash for None, words for NaN and infinity."""
    if value is None:
        return MISSING
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite"
    if value != 0 and not 1e-6 <= abs(value) < 1e9:
        return f"{value:.2e}".replace("-", MINUS)
    places = decimals_for([value]) if decimals is None else decimals
    return f"{value:,.{places}f}".replace("-", MINUS)


def sentence_case(text: str) -> str:
    """`text` with a capital first letter, unless its first word is written with a small one on purpose (k-NN)."""
    return text[:1].upper() + text[1:] if text[1:2].islower() else text


def tick(value: float) -> str:
    """A number for an axis: as short as it can be said."""
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}".replace("-", MINUS)
    return f"{value:,.10g}".replace("-", MINUS)


def duration(seconds: float) -> str:
    """'0.8 s', '42 s', '3 min 5 s', '2 h 10 min'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
