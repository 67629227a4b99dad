"""`nolabel compress RUN [SOURCE]`: how small a model's codes make images, and how good they come back, beside JPEG."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nolabel.cli import opening, outputs, speech, trained_on
from nolabel.cli.flags import Flag, place, several, whole
from nolabel.cli.parsing import Grammar, Values
from nolabel.errors import ArgumentError

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset

# Arguments of `nolabel.compression`; a test holds the two together.
MEASURING = [
    Flag("n", whole, "draw so many images of a larger set", "N", short="-n"),
    Flag("qualities", several(whole), "of JPEG, 1 to 95", "N,N,...", many=True),
    Flag("random_state", whole, "seed of the draw", "N"),
]
_OUT = Flag("out", place, "where the table goes, too: .csv or .parquet", "FILE", short="-o")
GRAMMAR = Grammar(
    "compress",
    "Bits per pixel of a model's codes against PSNR and SSIM of the decoded images, with JPEG beside them.\n"
    "Without SOURCE, the images that the model was trained on; others give the fairer answer.",
    {"RUN": opening.RUN},
    {"measuring": MEASURING, "output": [_OUT, outputs.OVERWRITE], "data": [opening.ON_ERROR]},
    notes="example:\n  nolabel compress runs/vqvae mnist:test",
    optional={"SOURCE": opening.SOURCE},
)


def run(words: list[str]) -> int:
    """Compress."""
    values = GRAMMAR.parse(words)
    path = None
    if "out" in values:
        path = outputs.new_file(values["out"], (".csv", ".parquet"), overwrite="overwrite" in values)
    model = opening.open_able(values["RUN"], "Reconstructor")
    data = _data(model, values)
    from nolabel.evaluation.compression import compression

    with GRAMMAR.in_flags():
        found = compression(model, data, **{flag.key: values[flag.key] for flag in MEASURING if flag.key in values})
    speech.say(found.table())
    if path is not None:
        outputs.write_table(path, found.to_frame())
        speech.say(f"\ntable in {path}")
    return 0


def _data(model: Any, values: Values) -> "Dataset":
    data = trained_on.open_source(values, model.spec_)
    if data is None:
        run = Path(values["RUN"]).expanduser()
        raise ArgumentError(f"it is not known on what {run} was trained; give SOURCE: {GRAMMAR.usage}")
    return data
