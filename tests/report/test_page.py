import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from nolabel.report.content import Content, Map, Summary
from nolabel.report.page import render


class Page(HTMLParser):
    """What a browser would see: tags with attributes, ids of sections, text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.text += data

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def sections(self) -> list[str | None]:
        return [each["id"] for each in self.every("section") if "id" in each]

    @property
    def values(self) -> Any:
        return json.loads(self.scripts[0])


ALL = ["verdict", "map", "rebuilt", "samples", "traversal", "curves", "health", "evidence", "labels", "data", "again"]


def bare() -> Content:
    return Content(title="t", method="m", method_line="l", summary=Summary("One.", "Two.", "good"))


def test_every_section_is_there_and_linked(images: Content) -> None:
    page = Page(render(images))
    assert page.sections == ALL
    assert [each["href"] for each in page.every("a") if (each["href"] or "").startswith("#")][2:] == [
        f"#{name}" for name in ALL[1:]
    ]


def test_a_section_without_content_is_absent() -> None:
    page = Page(render(bare()))
    assert page.sections == ["verdict"]
    assert not page.every("table")
    assert not page.every("canvas")
    assert "Evidence" not in page.text


def test_what_was_made_is_one_section_with_all_its_parts(with_generated: Content) -> None:
    text = render(with_generated)
    page = Page(text)
    assert page.sections == ALL
    parts = {each["id"] for each in page.every("h3") if "id" in each} - {"legend-title"}
    assert parts == {"film", "nearest", "between", "directions", "judged"}
    assert text.count("<use class") == 8
    assert '21.50<span class="sd"> ± 0.5' in text
    assert "Classes among the samples" in page.text
    assert "window.hacked" in page.text, "as text"
    assert len(page.scripts) == 2
    assert all("alt" in each for each in page.every("img"))
    assert all(each.get("scope") for each in page.every("th"))


def test_a_judgement_without_numbers_says_why(with_generated: Content) -> None:
    assert with_generated.generated is not None
    alone = replace(with_generated.generated, judged={"notes": ["Not judged: no good."]}, film=None, nearest=None)
    page = Page(render(replace(with_generated, generated=alone, samples=None)))
    assert "Not judged: no good." in page.text
    assert "floor" not in page.text
    assert "Are they copies?" not in page.text


def test_what_the_user_wrote_is_text_and_never_markup(images: Content, rows: Content) -> None:
    for content in (images, rows):
        page = Page(render(content))
        assert len(page.scripts) == 2
        assert not [each for _, each in page.tags for name in each if name.startswith("on")]
        assert {each.get("src", "data:")[:5] for each in page.every("img")} <= {"data:"}  # type: ignore[index]
    assert "Autoencoder on <toys>" in Page(render(images)).text
    assert "broken<1>.png" in Page(render(images)).text


def test_the_script_gets_the_user_s_words_unchanged(images: Content) -> None:
    shown = Page(render(images)).values["map"]
    assert images.map is not None
    assert shown["ids"] == list(images.map.ids)
    assert shown["groups"]["label"][0]["name"] == images.map.classes[0]


def test_only_our_own_script_may_run(images: Content) -> None:
    page = Page(render(images))
    policy = next(each for each in page.every("meta") if each.get("http-equiv") == "Content-Security-Policy")["content"]
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_nothing_is_asked_of_the_network(images: Content, rows: Content) -> None:
    for content in (images, rows):
        text = render(content)
        page = Page(text)
        links = [each.get(name) for _, each in page.tags for name in ("src", "href") if each.get(name)]
        assert all((link or "").startswith(("data:", "#")) for link in links)
        assert not re.search(r"url\((?!data:)|@import|fetch\(|XMLHttpRequest|WebSocket|import\(", text)


def test_the_marks_of_the_evidence(images: Content) -> None:
    text = render(images)
    assert "<strong>0.972</strong>" in text
    assert "0.961<span" in text
    assert "How k-NN accuracy was taken" in text


def test_changed_settings_are_marked(images: Content) -> None:
    text = render(images)
    changed = re.findall(r'<div class="changed"><dt>(\w+)</dt>', text)
    assert changed == ["latent"]
    assert "default 32" in text


def test_the_command_is_text_that_can_be_copied(images: Content) -> None:
    assert "toys --latent 9 &amp;&amp; true</pre>" in render(images)


def test_the_knob_is_shown_for_what_is_not_well(images: Content) -> None:
    text = Page(render(images)).text
    assert "Try a smaller latent width" in text
    assert "not shown" not in text


def test_every_picture_has_an_alternative_and_every_table_scopes(images: Content, rows: Content) -> None:
    for content in (images, rows):
        page = Page(render(content))
        assert all("alt" in each for each in page.every("img"))
        assert all(each.get("scope") for each in page.every("th"))
        assert all(each.get("aria-label") or each.get("aria-hidden") for each in page.every("svg"))
        headings = [name for name, _ in page.tags if name in {"h1", "h2", "h3"}]
        assert headings.count("h1") == 1
        assert headings[0] == "h1"


def test_ids_of_elements_are_unique(images: Content) -> None:
    ids = [each["id"] for _, each in Page(render(images)).tags if "id" in each]
    assert len(ids) == len(set(ids))


def test_a_value_that_is_not_finite_does_not_break_the_page() -> None:
    history = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": float("nan")}, {"epoch": 3, "loss": float("inf")}]
    page = Page(render(replace(bare(), history=history)))
    assert page.values["charts"]["curve-0"]["lines"][0]["ys"] == [1.0, None, None]


def test_the_same_content_gives_the_same_page(images: Content) -> None:
    assert render(images) == render(images)


@pytest.mark.parametrize("shape", [(28, 28), (64, 64, 3)])
def test_three_thousand_thumbnails_stay_under_six_megabytes(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    count = 3000
    shown = Map(
        coords=rng.normal(size=(count, 2)),
        clusters=rng.integers(0, 10, count),
        ids=[f"a/rather/long/path/to/an/image/{i:08d}.jpeg" for i in range(count)],
        how="",
        total=count,
        thumbnails=rng.integers(0, 256, (count, *shape), dtype=np.uint8),  # noise: nothing compresses worse
        neighbours=rng.integers(0, count, (count, 6)),
    )
    assert len(render(replace(bare(), map=shown))) < 6_000_000
