"""A method reaches the user: the command line trains it, and its report is one page that opens without a network."""

import re
from pathlib import Path
from typing import Any

import nolabel


def command_line_fits(arguments: list[str], run: Path, method: str) -> Any:
    """`nolabel fit` ends well and leaves a whole run folder, whose model can be loaded. Returns the model."""
    from nolabel.cli import main

    code = main(arguments)
    assert code in (0, None), f"nolabel {' '.join(arguments)} ended with exit code {code}"
    for name in ("model/model.json", "model/model.safetensors", "metrics.jsonl", "report.html"):
        assert (run / name).is_file(), f"nolabel fit {method} leaves no {name}"
    model = nolabel.load(run)
    assert type(model).__name__.lower() == method.replace("-", ""), (
        f"nolabel fit {method} made a {type(model).__name__}"
    )
    return model


LOADS = re.compile(
    r"""(?:<(?:script|img|iframe|link|source|video|audio|object|embed)\b[^>]*?\b(?:src|href|data|srcset)\s*=\s*["']?
        |url\(\s*["']?|@import\s+["']?|\bfetch\(\s*["']|\bimport\(\s*["'])
        (?P<address>(?!data:|\#|about:)[^"')\s>]+)""",
    re.VERBOSE | re.IGNORECASE,
)


def report_opens_offline(page: Path, megabytes: float = 6) -> None:
    """One HTML file that asks for nothing else."""
    text = page.read_text(encoding="utf-8")
    assert text.lstrip().lower().startswith("<!doctype html"), f"{page.name} is no HTML page"
    assert text.rstrip().lower().endswith("</html>"), f"{page.name} ends in the middle"
    asked = [found["address"][:80] for found in LOADS.finditer(text)]
    assert not asked, f"{page.name} needs what is not in it: {asked}"
    assert page.stat().st_size < megabytes * 1e6, f"{page.name} has {page.stat().st_size / 1e6:.1f} MB"
