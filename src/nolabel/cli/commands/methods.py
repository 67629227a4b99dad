"""`nolabel methods`: what there is to fit."""

from nolabel.cli import catalog, speech
from nolabel.cli.parsing import Grammar

GRAMMAR = Grammar("methods", "List the methods.")


def run(words: list[str]) -> int:
    """List."""
    GRAMMAR.parse(words)
    rows = [(entry.name, entry.line, ", ".join(entry.modalities), entry.paper) for entry in catalog.entries()]
    speech.table(("method", "what it does", "data", "paper"), rows)
    speech.say("\nflags of one: nolabel fit METHOD --help")
    return 0
