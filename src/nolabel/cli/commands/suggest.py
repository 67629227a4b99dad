"""`nolabel suggest RUN [SOURCE] -n 50`: which samples to label first, as a table to fill in and a page to look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nolabel.cli import opening, outputs, speech, trained_on
from nolabel.cli.flags import Flag, place, whole
from nolabel.cli.parsing import Grammar, Values
from nolabel.errors import ArgumentError

if TYPE_CHECKING:
    from nolabel.evaluation.suggesting import Suggestions

FILE = "suggestions.csv"
_SHOWN = 20
# Arguments of `nolabel.suggest`; a test holds the two together.
SUGGESTING = [
    Flag("n", whole, "how many [50]", "N", short="-n"),
    Flag("max_samples", whole, "look at so many samples, drawn at random [20000]", "N"),
    Flag("random_state", whole, "seed of every draw and start [0]", "N"),
]
_OUT = [
    Flag("out", place, f"the table, columns id, label (to be filled in), rank, why: .csv [RUN/{FILE}]", "FILE", "-o"),
    Flag("page", place, "a page that shows the samples: .html", "FILE"),
    outputs.OVERWRITE,
]
_LABELLED = Flag("labelled", str, "what is labelled already: a .csv or .tsv with the columns id and label", "FILE")
GRAMMAR = Grammar(
    "suggest",
    "Say which samples to label first: each typical of many others, and unlike each other.\n"
    "Without SOURCE, the samples that the model was trained on. The report of RUN shows the table in RUN.",
    {"RUN": opening.RUN},
    {
        "suggesting": [*SUGGESTING, _LABELLED],
        "output": _OUT,
        "data": [opening.TEXT, opening.ENCODING, opening.ON_ERROR],
    },
    notes="example:\n  nolabel suggest runs/photos photographs/ -n 40 --page look.html\n\n"
    f"then fill in the column label of runs/photos/{FILE}, and\n"
    f"  nolabel finetune runs/photos photographs/ --labels runs/photos/{FILE} --out runs/classifier",
    optional={"SOURCE": opening.SOURCE},
)


def run(words: list[str]) -> int:
    """Suggest."""
    values = GRAMMAR.parse(words)
    overwrite = "overwrite" in values
    model = opening.open_able(values["RUN"], "Embedder")  # first: the table is to lie in RUN
    table = values.get("out", str(Path(values["RUN"]).expanduser() / FILE))
    path = outputs.new_file(table, (".csv",), overwrite=overwrite)
    page = outputs.new_file(values["page"], (".html",), overwrite=overwrite) if "page" in values else None
    with GRAMMAR.in_flags():
        found, data = _found(model, values)
    say(found)
    outputs.write_table(path, found.to_frame())
    speech.say(f"\ntable       {path}: fill in its column label")
    if page is not None:
        from nolabel.report.suggested import write_suggestions

        speech.say(f"page        {write_suggestions(found, data, page)}")
    return 0


def _found(model: Any, values: Values) -> "tuple[Suggestions, Any]":
    from nolabel.evaluation.suggesting import suggest

    data = trained_on.open_source(values, model.spec_)
    if data is None:
        raise ArgumentError(f"it is not known on what {values['RUN']} was trained; give SOURCE: {GRAMMAR.usage}")
    wishes = {flag.key: values[flag.key] for flag in SUGGESTING if flag.key in values}
    labelled = values.get("labelled")
    if labelled is not None and not labelled.lower().endswith(opening.FILES):
        raise ArgumentError(f"--labelled must be a .csv or .tsv with the columns id and label; got {labelled!r}")
    return suggest(model, data, labelled=labelled, **wishes), data


def say(found: "Suggestions") -> None:
    """The first of them."""
    rows = [
        [str(rank), outputs.text_of(name), why]
        for rank, (name, why) in enumerate(zip(found.ids[:_SHOWN], found.why()), start=1)
    ]
    speech.table(("rank", "id", "why"), rows)
    if len(found) > _SHOWN:
        speech.say(f"and {len(found) - _SHOWN} more")
