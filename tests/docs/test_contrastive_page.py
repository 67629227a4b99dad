"""The page on contrastive methods shows what its code prints; numbers may differ a little from machine to machine."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "contrastive.md"
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_CODE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_examples_print_what_the_page_shows() -> None:
    examples = _CODE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) == 2
    names: dict[str, Any] = {}
    for code, shown in examples:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code, names)
        assert _NUMBERS.sub("#", out.getvalue()) == _NUMBERS.sub("#", shown)
        for found, wanted in zip(_NUMBERS.findall(out.getvalue()), _NUMBERS.findall(shown), strict=True):
            assert float(found) == pytest.approx(float(wanted), abs=0.1), f"{out.getvalue()}\nis not\n{shown}"
