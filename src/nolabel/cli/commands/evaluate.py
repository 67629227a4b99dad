"""`nolabel evaluate RUN SOURCE`: the evidence table, printed and kept as RUN/evidence.json."""

from pathlib import Path

from nolabel.cli import measures, opening, speech
from nolabel.cli.flags import Flag, whole
from nolabel.cli.parsing import Grammar

# Arguments of `nolabel.evaluate`; a test holds the two together.
MEASURING = [
    Flag("seeds", whole, "repeats of every measure; the spread is over them", "N"),
    Flag("max_samples", whole, "draw so many samples of larger data", "N"),
    Flag("k", whole, "neighbours that vote", "N"),
    Flag("random_state", whole, "seed of every split, draw and start", "N"),
]
GRAMMAR = Grammar(
    "evaluate",
    "Measure a model beside raw values, PCA of the same width and the untrained network.\n"
    "Writes RUN/evidence.json, too. Data that the model was not fitted to give the fairer answer.",
    {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
    {"measuring": MEASURING, "data": opening.AGAIN},
    notes="example:\n  nolabel evaluate runs/mnist mnist:test",
)


def run(words: list[str]) -> int:
    """Evaluate."""
    values = GRAMMAR.parse(words)
    model, data = opening.open_both(values, "Embedder")
    wishes = {flag.key: values[flag.key] for flag in MEASURING if flag.key in values}
    evidence = measures.measure(model, data, Path(values["RUN"]).expanduser(), **wishes)
    speech.say(evidence.table())
    return 0
