"""`nolabel embed RUN SOURCE -o FILE`: the vector of every sample, with its id."""

from nolabel.cli import opening, outputs, speech
from nolabel.cli.flags import Flag, place
from nolabel.cli.parsing import Grammar

SUFFIXES = (".parquet", ".csv", ".npy")
_OUT = Flag("out", place, "where to: .parquet, .csv, or .npy with the ids beside it in .ids.csv", "FILE", short="-o")
GRAMMAR = Grammar(
    "embed",
    "Turn samples into vectors with a trained model: columns id, z0, z1, ...",
    {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
    {"output": [_OUT, outputs.OVERWRITE], "data": [opening.TEXT, opening.ENCODING, opening.ON_ERROR]},
    required={"out": "-o codes.parquet"},
    notes="example:\n  nolabel embed runs/digits digits -o codes.parquet",
)


def run(words: list[str]) -> int:
    """Embed."""
    values = GRAMMAR.parse(words)
    overwrite = "overwrite" in values
    path = outputs.new_file(values["out"], SUFFIXES, overwrite=overwrite)
    if path.suffix.lower() == ".npy":
        outputs.new_file(str(outputs.ids_beside(path)), (".csv",), overwrite=overwrite)
    model, data = opening.open_both(values, "Embedder")
    codes = model.transform(data)
    beside = outputs.write_codes(path, data.ids, codes)
    ids = f", ids in {beside}" if beside != path else ""
    speech.say(f"{codes.shape[0]:,} vectors of {codes.shape[1]:,} numbers in {path}{ids}")
    return 0
