"""`nolabel topics RUN [SOURCE]`: what a topic model has found: words and shares, and which documents are about what."""

from typing import TYPE_CHECKING, Any

from nolabel.cli import opening, outputs, speech, trained_on
from nolabel.cli.flags import Flag, place, whole
from nolabel.cli.parsing import Grammar
from nolabel.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from nolabel.data.dataset import Dataset

SUFFIXES = (".parquet", ".csv")
WORDS, DOCUMENTS = 10, 3
_WIDEST = 70  # characters of a document's first line
_SHOWING = [
    Flag("n", whole, f"words of each topic [{WORDS}]", "N", short="-n"),
    Flag("documents", whole, f"documents of each topic, when SOURCE is given [{DOCUMENTS}]", "N"),
]
_OUT = Flag("out", place, "topic and mixture of every document: .parquet or .csv", "FILE", short="-o")
GRAMMAR = Grammar(
    "topics",
    "Show the topics of a topic model, the largest first; with SOURCE, the documents that are most about each.\n"
    "-o without SOURCE takes the documents that the model was trained on.",
    {"RUN": opening.RUN},
    {"showing": _SHOWING, "output": [_OUT, outputs.OVERWRITE], "data": opening.AGAIN},
    notes="example:\n  nolabel topics runs/news 20news:test -n 8 -o topics.parquet",
    optional={"SOURCE": "documents: folder or archive of texts, table with a column of texts, or the name of a set"},
)


def run(words: list[str]) -> int:
    """Show."""
    values = GRAMMAR.parse(words)
    _refuse_none(values)
    path = None
    if "out" in values:
        path = outputs.new_file(values["out"], SUFFIXES, overwrite="overwrite" in values)
    model = opening.open_able(values["RUN"], "TopicModel")
    data = None
    if path is not None or "SOURCE" in values:
        data = trained_on.open_source(values, model.spec_)
        if data is None:
            raise ArgumentError(f"it is not known on what {values['RUN']} was trained; give SOURCE: {GRAMMAR.usage}")
    mixtures = None if data is None else model.transform(data)
    _say_topics(model.topics(values.get("n", WORDS)), mixtures)
    if data is not None and mixtures is not None:
        _say_documents(data, mixtures, values.get("documents", DOCUMENTS))
        if path is not None:
            outputs.write_table(path, outputs.with_ids(data.ids, _frame(mixtures)))
            speech.say(f"\ntopics of {len(data):,} documents in {path}")
    return 0


def _refuse_none(values: dict[str, Any]) -> None:
    for key, name in (("n", "-n"), ("documents", "--documents")):
        if values.get(key, 1) < 1:
            raise ArgumentError(f"{name} must be at least 1; got {values[key]}")


def _say_topics(topics: list[Any], mixtures: "NDArray[np.floating[Any]] | None") -> None:
    order = sorted(range(len(topics)), key=lambda topic: -topics[topic].share)
    header = ["topic", "share", "label", "words"]
    rows = [
        [str(topic), f"{topics[topic].share:.1%}", topics[topic].label, ", ".join(topics[topic].words)]
        for topic in order
    ]
    if mixtures is not None:
        likeliest = mixtures.argmax(axis=1)
        header.insert(2, "documents")
        for row, topic in zip(rows, order):
            row.insert(2, f"{int((likeliest == topic).sum()):,}")
    speech.table(header, rows)


def _say_documents(data: "Dataset", mixtures: "NDArray[np.floating[Any]]", many: int) -> None:
    import numpy as np

    speech.say()
    rows = []
    for topic in range(mixtures.shape[1]):
        best = np.argsort(-mixtures[:, topic], kind="stable")[:many]
        rows += [[str(topic), f"{mixtures[row, topic]:.2f}", *_named(data, int(row))] for row in best]
    speech.table(("topic", "weight", "document", "begins"), rows)


def _named(data: "Dataset", row: int) -> tuple[str, str]:
    text = data.texts[row] if data.texts is not None else ""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    plain = "".join(letter if letter.isprintable() else " " for letter in first)
    return outputs.text_of(data.ids[row]), plain if len(plain) <= _WIDEST else f"{plain[: _WIDEST - 3]}..."


def _frame(mixtures: "NDArray[np.floating[Any]]") -> "pd.DataFrame":
    import pandas as pd

    likeliest = mixtures.argmax(axis=1)
    frame = pd.DataFrame(mixtures, columns=[f"topic{topic}" for topic in range(mixtures.shape[1])])
    frame.insert(0, "topic", likeliest)
    frame.insert(1, "weight", mixtures.max(axis=1))
    return frame
