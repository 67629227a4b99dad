"""`nolabel topics RUN [SOURCE]`: what a topic model has found: words and shares, and which documents are about what."""

from typing import TYPE_CHECKING, Any, NamedTuple

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
_OUT = Flag("out", place, "topic (-1: no known word) and mixture of each text: .parquet or .csv", "FILE", short="-o")
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
    topics = model.topics(values.get("n", WORDS))
    if data is None:
        _say_topics(topics)
        return 0
    found = _found(model, data)
    _say_topics(topics, found)
    _say_documents(data, found, values.get("documents", DOCUMENTS))
    if path is not None:
        outputs.write_table(path, outputs.with_ids(data.ids, _frame(found)))
        speech.say(f"\ntopics of {len(data):,} documents in {path}")
    return 0


class Found(NamedTuple):
    """Of N documents: shares of the topics (N, K), known words (N,), and the largest topic (N,), -1 for no word."""

    mixtures: "NDArray[np.floating[Any]]"
    words: "NDArray[np.float64]"
    leading: "NDArray[np.int64]"


def _found(model: Any, data: "Dataset") -> Found:
    from nolabel.methods._topics import known_words, leading

    mixtures, words = model.transform(data), known_words(data)
    return Found(mixtures, words, leading(mixtures, words))


def _refuse_none(values: dict[str, Any]) -> None:
    for key, name in (("n", "-n"), ("documents", "--documents")):
        if values.get(key, 1) < 1:
            raise ArgumentError(f"{name} must be at least 1; got {values[key]}")


def _say_topics(topics: list[Any], found: Found | None = None) -> None:
    order = sorted(range(len(topics)), key=lambda topic: -topics[topic].share)
    header = ["topic", "share" if found is None else "share in training", "label", "words"]
    rows = [
        [str(topic), f"{topics[topic].share:.1%}", topics[topic].label, ", ".join(topics[topic].words)]
        for topic in order
    ]
    if found is not None:
        header.insert(2, "documents")
        for row, topic in zip(rows, order):
            row.insert(2, f"{int((found.leading == topic).sum()):,}")
    speech.table(header, rows)
    without = 0 if found is None else int((found.leading < 0).sum())
    if without:
        speech.say(f"\n{without:,} document{'s hold' if without > 1 else ' holds'} no known word")


def _say_documents(data: "Dataset", found: Found, many: int) -> None:
    from nolabel.methods._topics import most_about

    speech.say()
    rows = []
    for topic in range(found.mixtures.shape[1]):
        best = most_about(topic, found.mixtures, found.words, many)
        rows += [[str(topic), f"{found.mixtures[row, topic]:.2f}", *_named(data, row)] for row in best]
    speech.table(("topic", "weight", "document", "begins"), rows)


def _named(data: "Dataset", row: int) -> tuple[str, str]:
    text = data.texts[row] if data.texts is not None else ""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    plain = "".join(letter if letter.isprintable() else " " for letter in first)
    return outputs.text_of(data.ids[row]), plain if len(plain) <= _WIDEST else f"{plain[: _WIDEST - 3]}..."


def _frame(found: Found) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(found.mixtures, columns=[f"topic{topic}" for topic in range(found.mixtures.shape[1])])
    frame.insert(0, "topic", found.leading)
    frame.insert(1, "weight", found.mixtures.max(axis=1))
    frame.insert(2, "words", found.words.astype(int))
    return frame
