"""The page on generators: its examples run and print the words it shows, from fewer epochs than the page's numbers."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "generators.md"
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
_CODE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
_EPOCHS = "epochs=60"


def test_the_examples_print_what_the_page_shows() -> None:
    examples = _CODE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) == 2
    names: dict[str, Any] = {}
    assert _EPOCHS in examples[0][0]
    for code, shown in examples:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code.replace(_EPOCHS, "epochs=2"), names)
        assert _NUMBERS.sub("#", out.getvalue()) == _NUMBERS.sub("#", shown)
    shown = examples[1][1]
    for row in names["judged"].rows:  # what does not depend on the model
        if f"{row.measure}: " in shown:
            assert (
                f"real digits {row.floor:.2f}, noise {row.ceiling:.2f}"
                in shown.partition(row.measure)[2].split("\n")[0]
            )


def test_every_signal_that_it_explains_is_logged_or_measured() -> None:
    """The table of signals names what a game logs; the names are looked for where they are made."""
    table = PAGE.read_text(encoding="utf-8").partition("## What to watch")[2].partition("\n\nDiversity")[0]
    explained = re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)
    sources = [*(PAGE.parents[1] / "src" / "nolabel").glob("**/*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    for signal in explained:
        name = signal.split("`")[0].rpartition(".")[2]
        assert f'"{name}"' in text or f'"{signal}"' in text, signal
