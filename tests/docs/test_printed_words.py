"""Pages whose examples print words, shapes and truths only show what they print, to the letter."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["health.md", "non_contrastive.md"])
def test_the_example_prints_what_the_page_shows(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    ((code, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {})
    assert out.getvalue() == shown
