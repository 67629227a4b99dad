"""`Compression`: bits per pixel against PSNR and SSIM, as numbers, as text and as a frame.

It knows how to lay results out and to hold codes against JPEG, not how anything was coded.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import pandas as pd

from nolabel.errors import nearest

JPEG = "JPEG"


@final
@dataclass(frozen=True)
class Rate:
    """One way to write images down.

    Parameters
    ----------
    code
        Its name, unique in the table.
    bits_per_pixel
        Mean over the images; a pixel is a place, whatever its channels.
    file_bits_per_pixel
        The same of whole files with their headers; None for codes, which have none.
    ratio
        How many times smaller than eight bits for every channel of every pixel.
    psnr, ssim
        Of the decoded images against the originals, means over images; PSNR in dB.
    how
        What was coded how.
    """

    code: str
    bits_per_pixel: float
    file_bits_per_pixel: float | None
    ratio: float
    psnr: float
    ssim: float
    how: str


@final
@dataclass(frozen=True, repr=False)
class Compression:
    """What `nolabel.compression` found.

    Parameters
    ----------
    rows
        The model's codes, then JPEG from the lowest quality to the highest.
    notes
        What a reader must know: what is not counted, and what JPEG needs for as good a picture.
    protocol
        Which images, how many, how large.
    """

    rows: tuple[Rate, ...]
    notes: tuple[str, ...]
    protocol: str

    def __getitem__(self, code: str) -> Rate:
        """The row of a code, by its name."""
        found = {row.code: row for row in self.rows}
        if code not in found:
            raise KeyError(f"no code {code!r} in this table{nearest(code, found)}")
        return found[code]

    def __repr__(self) -> str:
        return self.table()

    def table(self) -> str:
        """The table as plain text, what it was taken on, then the notes."""
        head = ["", "bits/pixel", "with header", "smaller by", "PSNR", "SSIM", ""]
        lines = [head, *(_line(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        body = ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines]
        return "\n".join([*body, "", self.protocol, *(f"! {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: protocol, rows and notes; the ratio of a code of no bits is null."""
        rows = [{**asdict(row), "ratio": row.ratio if math.isfinite(row.ratio) else None} for row in self.rows]
        return {"protocol": self.protocol, "rows": rows, "notes": list(self.notes)}

    def to_frame(self) -> pd.DataFrame:
        """One line a code: code, bits_per_pixel, file_bits_per_pixel, ratio, psnr, ssim, how, protocol."""
        return pd.DataFrame([asdict(row) for row in self.rows]).assign(protocol=self.protocol)


def _line(row: Rate) -> list[str]:
    whole = "-" if row.file_bits_per_pixel is None else f"{row.file_bits_per_pixel:.3f}"
    psnr, ssim = f"{row.psnr:.2f} dB", f"{row.ssim:.4f}"
    return [row.code, f"{row.bits_per_pixel:.3f}", whole, f"{row.ratio:.1f} x", psnr, ssim, row.how]


def against_jpeg(codes: Sequence[Rate], jpegs: Sequence[Rate]) -> list[str]:
    """A sentence for each code: what JPEG, without headers, needs for at least its PSNR."""
    return [_against(code, jpegs) for code in codes]


def _against(code: Rate, jpegs: Sequence[Rate]) -> str:
    as_good = [one for one in jpegs if one.psnr >= code.psnr]
    own = f"{code.code}: {code.psnr:.2f} dB at {code.bits_per_pixel:.3f} bits per pixel"
    if not as_good:
        best = max(jpegs, key=lambda one: one.psnr)
        return f"{own}; no {JPEG} here is as good, the best ({best.code}) has {best.psnr:.2f} dB."
    cheapest = min(as_good, key=lambda one: one.bits_per_pixel)
    if cheapest.bits_per_pixel <= code.bits_per_pixel:
        return f"{own}; {cheapest.code} is as good at {cheapest.bits_per_pixel:.3f}: this code does not pay."
    times = f", {cheapest.bits_per_pixel / code.bits_per_pixel:.1f} times as many" if code.bits_per_pixel else ""
    return f"{own}; the least {JPEG} as good, {cheapest.code}, takes {cheapest.bits_per_pixel:.3f}{times}."
