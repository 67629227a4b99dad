"""The page on clusters shows what its code prints; numbers may differ in the last digit from machine to machine."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "clusters.md"
_PARTS = re.compile(r"\d+(?:\.\d+)?")


def examples():
    """Code and what it prints, in the order of the page."""
    return re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def printed():
    """What the examples print, one after the other in one namespace."""
    names = {}
    for code, _ in examples():
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code, names)
        yield out.getvalue()


def test_the_examples_print_what_the_page_shows():
    assert len(examples()) == 2
    for (_, shown), got in zip(examples(), printed(), strict=True):
        assert _PARTS.sub("#", got) == _PARTS.sub("#", shown)
        for a, b in zip(_PARTS.findall(got), _PARTS.findall(shown), strict=True):
            assert float(a) == pytest.approx(float(b), rel=0.03, abs=0.03), f"{got}\nis not\n{shown}"
