"""Pictures to a folder, a part of them at a time: a PNG each, named after its id, and `index.csv`. Knows no model."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nolabel.cli import speech
from nolabel.cli.outputs import Places
from nolabel.cli.pictures import Pixels, write_png

Part = tuple[Sequence[str | int], Sequence[Pixels] | Pixels]  # ids, and as many pictures


def write_pictures(folder: Path, total: int, parts: Iterable[Part]) -> int:
    """Write all pictures of the parts, or none, with a count of them beside `total`; how many there were."""
    places = Places(folder, ".png", total)
    with places.all_or_none(), speech.counting("writing") as count:
        for ids, pictures in parts:
            for name, picture in zip(ids, pictures):
                write_png(places.of(name), picture)
            if count is not None:
                count(len(places.index), total)
        places.write_index()
    return len(places.index)


def rows_in_parts(total: int, most: int) -> Iterator[NDArray[np.int64]]:
    """Row numbers 0 to `total` − 1, at most so many at a time."""
    for start in range(0, total, most):
        yield np.arange(start, min(start + most, total))
