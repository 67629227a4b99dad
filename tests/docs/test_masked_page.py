"""The page on hiding and replacing shows what its code prints; numbers may differ a little from machine to machine."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "masked.md"
_NUMBER = re.compile(r"\d+\.\d+")


def test_the_example_prints_what_the_page_shows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    ((code, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {})
    got = out.getvalue()
    assert _NUMBER.sub("#", got) == _NUMBER.sub("#", shown)
    for found, wanted in zip(_NUMBER.findall(got), _NUMBER.findall(shown), strict=True):
        assert float(found) == pytest.approx(float(wanted), abs=0.06), f"{got}\nis not\n{shown}"
