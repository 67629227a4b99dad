"""`nolabel translate RUN SOURCE --out FOLDER [--back]`: what a translator makes of images.

A PNG for each, named after its id, with `index.csv` to tell which file is which id. Images are taken a part at a time,
so a set larger than memory can be gone through.
"""

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nolabel.cli import opening, outputs, pictures, speech
from nolabel.cli.flags import Flag, place
from nolabel.cli.parsing import Grammar
from nolabel.errors import ArgumentError

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset
    from nolabel.types import DataSpec

_PART = 1024
_OUT = Flag("out", place, "folder for the files", "FOLDER", short="-o")
_BACK = Flag("back", None, "the other way: SOURCE holds images as the targets were, and what was given comes back")
GRAMMAR = Grammar(
    "translate",
    "Write what a model that translates makes of every image: a PNG, named after its id.",
    {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
    {"translation": [_BACK], "output": [_OUT, outputs.OVERWRITE], "data": [opening.ON_ERROR]},
    required={"out": "--out translated"},
    notes="examples:\n"
    "  nolabel fit pix2pix drawings/ --target photographs/ --out runs/colours\n"
    "  nolabel translate runs/colours new_drawings/ --out coloured",
)


def run(words: list[str]) -> int:
    """Translate."""
    values = GRAMMAR.parse(words)
    outputs.refuse_full(Path(values["out"]).expanduser(), overwrite="overwrite" in values, ways="--overwrite")
    model = opening.open_able(values["RUN"], "Translator")
    given, made, way = _sides(model, back="back" in values)
    data = opening.open_source(values["SOURCE"], values, spec=given)
    folder = outputs.new_folder(values["out"], overwrite="overwrite" in values)
    _write(model, data, folder, made, way)
    speech.say(f"{len(data):,} pictures in {folder}; {folder / 'index.csv'} says which is which")
    return 0


def _sides(model: Any, *, back: bool) -> "tuple[DataSpec, DataSpec, dict[str, Any]]":
    """Specs of what is read and of what is written, and the arguments of `translate` that make it so."""
    from nolabel.data.pairs import target_spec

    target = target_spec(model.spec_)
    if not back:
        return model.spec_, target, {}
    if "back" not in inspect.signature(type(model).translate).parameters:
        raise ArgumentError(
            f"{type(model).__name__} has learned one way only; leave --back out, or train cycle-gan, which learns both"
        )
    return target, model.spec_, {"back": True}


def _write(model: Any, data: "Dataset", folder: Path, made: "DataSpec", way: dict[str, Any]) -> None:
    places = outputs.Places(folder, ".png", len(data))
    with places.all_or_none(), speech.counting("writing") as count:
        for start in range(0, len(data), _PART):
            part = data.subset(np.arange(start, min(start + _PART, len(data))))
            for name, picture in zip(part.ids, pictures.pixels(model.translate(part, **way), made)):
                pictures.write_png(places.of(name), picture)
            if count is not None:
                count(len(places.index), len(data))
        places.write_index()
