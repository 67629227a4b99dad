"""Numbers as a person reads them: enough digits and no more, the same number of decimals within a row.

Pure functions; they know nothing of what is being measured.
"""

import math
from collections.abc import Iterable

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give the largest of `values` three or four significant digits."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if not sizes:
        return 0
    whole_digits = math.floor(math.log10(max(sizes))) + 1
    places = 4 - whole_digits if whole_digits > 1 else 3 - min(whole_digits, 0)
    return min(6, max(0, places))


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


def with_spread(mean: float | None, sd: float | None, decimals: int) -> str:
    """'0.972 ± 0.004', or the mean alone where no spread is known."""
    if mean is None or sd is None or not math.isfinite(mean) or not math.isfinite(sd):
        return number(mean, decimals)
    return f"{number(mean, decimals)} ± {number(sd, decimals)}"


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
