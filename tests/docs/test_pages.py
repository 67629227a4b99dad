"""The generated pages are those that the docstrings give, and links in hand-written pages lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _make():
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date():
    for name, text in _make().pages().items():
        assert (ROOT / "docs" / "methods" / name).read_text(encoding="utf-8") == text, f"{name} is stale: run make docs"


def test_no_page_is_left_of_a_method_that_is_gone():
    assert {file.name for file in (ROOT / "docs" / "methods").iterdir()} == set(_make().pages())


@pytest.mark.parametrize(
    "page", sorted(p.relative_to(ROOT) for p in [ROOT / "README.md", *ROOT.glob("docs/*.md")]), ids=str
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}, which is not there"
