"""`nolabel datasets`: the data sets known by name."""

from typing import TYPE_CHECKING

from nolabel.cli import speech
from nolabel.cli.parsing import Grammar

if TYPE_CHECKING:
    from nolabel.data.named import Named

GRAMMAR = Grammar("datasets", "List the data sets known by name.")


def run(words: list[str]) -> int:
    """List."""
    GRAMMAR.parse(words)
    from nolabel.data.named import NAMES

    speech.table(
        ("name", "kind", "samples", "shape", "classes", "origin", "licence"), [_row(one) for one in NAMES.values()]
    )
    speech.say("\na split is asked for as in mnist:test; files are looked for under NOLABEL_DATA, else downloaded once")
    return 0


def _row(one: "Named") -> tuple[str, ...]:
    samples = ", ".join(f"{count:,} {split}".removesuffix(" all") for split, count in one.samples.items())
    shape = " x ".join(map(str, one.shape)) or "words"
    return (one.name, one.modality, samples, shape, str(one.classes), one.origin, one.licence)
