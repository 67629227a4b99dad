"""The page on few labels shows what its code prints; numbers may differ a little from machine to machine."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "few_labels.md"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def test_the_examples_print_what_the_page_shows():
    examples = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    names = {}
    for code, shown in examples:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code, names)
        got = out.getvalue()
        assert re.sub(r" *#", "#", _NUMBER.sub("#", got)) == re.sub(r" *#", "#", _NUMBER.sub("#", shown))


def test_few_labels_go_far():
    """What the page says in words."""
    import nolabel

    digits = nolabel.open("digits")
    model = nolabel.Autoencoder(epochs=15, random_state=0).fit(digits)
    rows = nolabel.suggest(model, digits, n=30).rows
    probe = nolabel.probe(model, digits, {int(row): int(digits.labels[row]) for row in rows})
    assert probe.score(digits, digits.labels) > 0.7
    assert len({int(digits.labels[row]) for row in rows}) >= 9


@pytest.mark.parametrize("verb", ["suggest", "probe", "finetune", "label_budget"])
def test_every_verb_is_there(verb):
    import nolabel

    assert verb in dir(nolabel)
    assert f"nolabel.{verb}" in PAGE.read_text(encoding="utf-8")
