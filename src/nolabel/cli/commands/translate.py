"""`nolabel translate RUN SOURCE --out FOLDER [--back]`: what a translator makes of images.

A PNG for each, named after its id, with `index.csv` to tell which file is which id. Images are taken a part at a time,
so a set larger than memory can be gone through.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nolabel.cli import opening, outputs, pictures, speech
from nolabel.cli.flags import Flag, place
from nolabel.cli.parsing import Grammar
from nolabel.cli.picture_folder import Part, rows_in_parts, write_pictures
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
    write_pictures(folder, len(data), _translated(model, data, made, way))
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


def _translated(model: Any, data: "Dataset", made: "DataSpec", way: dict[str, Any]) -> Iterator[Part]:
    for rows in rows_in_parts(len(data), _PART):
        part = data.subset(rows)
        yield part.ids, pictures.pixels(model.translate(part, **way), made)
