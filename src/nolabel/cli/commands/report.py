"""`nolabel report RUN SOURCE`: RUN/report.html, with the evidence there is, measured anew when it does not fit."""

from pathlib import Path

from nolabel.cli import measures, opening, results, speech
from nolabel.cli.parsing import Grammar

GRAMMAR = Grammar(
    "report",
    "Write RUN/report.html: one file that opens without a network.\n"
    "RUN/evidence.json is used if it is of this model and these data; else they are measured first.",
    {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
    {"data": opening.AGAIN},
    notes="example:\n  nolabel report runs/digits digits",
)


def run(words: list[str]) -> int:
    """Report."""
    values = GRAMMAR.parse(words)
    model = opening.open_run(values["RUN"])
    data = opening.open_source(values["SOURCE"], values, spec=model.spec_)
    from nolabel.methods._base import Embedder

    folder = Path(values["RUN"]).expanduser()
    evidence = None
    if isinstance(model, Embedder) and not measures.still_fits(model, data, folder):
        evidence = measures.measure(model, data, folder)
    speech.say(f"report      {results.write_report(model, data, folder, evidence)}")
    return 0
