"""`nolabel reconstruct RUN SOURCE --out FOLDER`: samples after a round trip through the code.

Images become a PNG each, named after their ids, with `index.csv` to tell which file is which id; tables become
`reconstructed.csv`. Samples are taken a part at a time, so a set larger than memory can be gone through.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nolabel.cli import opening, outputs, pictures, speech
from nolabel.cli.flags import Flag, place
from nolabel.cli.parsing import Grammar
from nolabel.cli.picture_folder import Part, rows_in_parts, write_pictures

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset
    from nolabel.methods._base import Reconstructor

TABLE = "reconstructed.csv"
_PART = 1024
_OUT = Flag("out", place, "folder for the files", "FOLDER", short="-o")
GRAMMAR = Grammar(
    "reconstruct",
    "Write every sample after a round trip through the code: a PNG for each image, named after its id, or one CSV.",
    {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
    {"output": [_OUT, outputs.OVERWRITE], "data": [opening.TEXT, opening.ENCODING, opening.ON_ERROR]},
    required={"out": "--out rebuilt"},
    notes="example:\n  nolabel reconstruct runs/digits digits --out rebuilt",
)


def run(words: list[str]) -> int:
    """Reconstruct."""
    values = GRAMMAR.parse(words)
    outputs.refuse_full(Path(values["out"]).expanduser(), overwrite="overwrite" in values, ways="--overwrite")
    model, data = opening.open_both(values, "Reconstructor")
    folder = outputs.new_folder(values["out"], overwrite="overwrite" in values)
    if data.spec.modality == "image":
        write_pictures(folder, len(data), _rebuilt(model, data))
        speech.say(f"{len(data):,} pictures in {folder}; {folder / 'index.csv'} says which is which")
    else:
        _write_table(model, data, folder)
        speech.say(f"{len(data):,} rows in {folder / TABLE}")
    return 0


def _write_table(model: "Reconstructor", data: "Dataset", folder: Path) -> None:
    import pandas as pd

    parts = (data.subset(rows) for rows in rows_in_parts(len(data), _PART))
    rebuilt = pd.concat([pd.DataFrame(model.reconstruct(part)) for part in parts])
    outputs.write_table(folder / TABLE, outputs.with_ids(data.ids, rebuilt))


def _rebuilt(model: "Reconstructor", data: "Dataset") -> Iterator[Part]:
    for rows in rows_in_parts(len(data), _PART):
        part = data.subset(rows)
        yield part.ids, pictures.pixels(np.asarray(model.reconstruct(part)), data.spec)
