"""`nolabel sample RUN -n 16 --out FOLDER|FILE`: new samples from a model that can draw them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nolabel.cli import opening, outputs, pictures, speech
from nolabel.cli.flags import Flag, place, whole
from nolabel.cli.parsing import Grammar

if TYPE_CHECKING:
    from nolabel.types import DataSpec

TABLE = "samples.csv"
_IMAGES, _TABLES = (".png", ".npy"), (".csv", ".parquet", ".npy")
_FLAGS = [
    Flag("count", whole, "how many", "N", short="-n"),
    Flag("random_state", whole, "seed; drawn when not given", "N"),
    Flag(
        "out",
        place,
        "a folder for a PNG each or one CSV; or a file: .png for one sheet of pictures, .csv or .parquet for a table, "
        ".npy for an array",
        "FOLDER|FILE",
        short="-o",
    ),
    outputs.OVERWRITE,
]
GRAMMAR = Grammar(
    "sample",
    "Draw new samples from a model that can.",
    {"RUN": opening.RUN},
    {"output": _FLAGS},
    required={"out": "--out new"},
    notes="example:\n  nolabel sample runs/vae -n 16 --out new.png",
)


def run(words: list[str]) -> int:
    """Sample."""
    values = GRAMMAR.parse(words)
    model = opening.open_able(values["RUN"], "Sampler")
    write = _writer(values["out"], model.spec_, overwrite="overwrite" in values)
    wishes = {"n": values["count"]} if "count" in values else {}
    drawn = model.sample(**wishes, random_state=values.get("random_state"))
    speech.say(f"{len(drawn):,} new samples in {write(drawn)}")
    return 0


def _writer(out: str, spec: "DataSpec", *, overwrite: bool) -> Callable[[Any], Path]:
    """How samples are written to `out`; raises before any is drawn when they cannot be."""
    if Path(out).suffix and not Path(out).is_dir():
        path = outputs.new_file(out, _IMAGES if spec.modality == "image" else _TABLES, overwrite=overwrite)
        return lambda drawn: _to_file(drawn, spec, path)
    folder = outputs.new_folder(out, overwrite=overwrite)
    return lambda drawn: _to_folder(drawn, spec, folder)


def _to_file(drawn: Any, spec: "DataSpec", path: Path) -> Path:
    if path.suffix.lower() == ".npy":
        with outputs.whole(path) as part:
            np.save(part, np.asarray(drawn), allow_pickle=False)
    elif spec.modality == "image":
        pictures.write_png(path, pictures.sheet(pictures.pixels(drawn, spec)))
    else:
        import pandas as pd

        outputs.write_table(path, pd.DataFrame(drawn))
    return path


def _to_folder(drawn: Any, spec: "DataSpec", folder: Path) -> Path:
    if spec.modality != "image":
        return _to_file(drawn, spec, folder / TABLE)
    places = outputs.Places(folder, ".png", len(drawn))
    with places.all_or_none():
        for number, picture in enumerate(pictures.pixels(drawn, spec)):
            pictures.write_png(places.of(number), picture)
    return folder
