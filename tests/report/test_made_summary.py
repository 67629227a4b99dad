"""The words on top of the page of a model whose work is what it makes."""

from typing import Any

import numpy as np
import pytest

from nolabel import R3GAN, Autoencoder, Pix2Pix, Restorer, evaluate
from nolabel.report.gather import gather
from nolabel.report.made_summary import measures_of
from nolabel.report.page import render

DATA = np.random.default_rng(0).integers(0, 256, (64, 8, 8), dtype=np.uint8)


def _judged(value: float | None, floor: float | None) -> dict[str, Any]:
    rows = [{"measure": "KID", "value": 0.5, "floor": 0.1}, {"measure": "FID", "value": value, "floor": floor}]
    return {"rows": rows}


@pytest.mark.parametrize(
    ("history", "judged", "said"),
    [
        ([{"generator.diversity": 0.5}], _judged(0.0523, 0.0311), ["0.0523, of other data 0.0311"]),
        ([], _judged(0.5, None), ["0.500 (how"]),
        ([{"generator.diversity": 0.5, "generator.coverage": 0.25}], _judged(None, None), ["50%", "25%"]),
        ([{"generator.psnr": 17.04, "generator.diversity": 1.0}], {}, ["17.0 dB"]),
        ([{"psnr": 17.04}], {}, ["17.0 dB"]),
        ([{"loss": 1.0}], {}, []),
        ([], {}, []),
    ],
)
def test_the_most_telling_that_is_known(history: Any, judged: Any, said: list[str]) -> None:
    found = [value for _, value in measures_of(history, judged)]
    assert len(found) == len(said)
    assert all(part in value for part, value in zip(said, found, strict=True)), found


@pytest.mark.parametrize(
    ("model", "y", "words", "section"),
    [
        (R3GAN.tiny(), None, "The R3GAN makes new samples in the likeness of 64 images", "samples"),
        (Pix2Pix.tiny(), 255 - DATA, "translates, and learned from 64 images", "rebuilt"),
        (Restorer.tiny(), None, "mends damage, and learned from 64 images", "rebuilt"),
    ],
)
def test_what_is_made_comes_first_and_codes_do_not_judge_it(model: Any, y: Any, words: str, section: str) -> None:
    model.set_params(epochs=1).fit(DATA, y)
    content = gather(model, DATA, evidence=evaluate(model, DATA))
    assert words in content.summary.first
    assert not content.headlines
    assert not any(word in content.summary.first for word in ("baseline", "k-means", "accuracy", "worse", "better"))
    page = render(content)
    assert page.index(f'id="{section}"') < page.index('id="map"')
    assert page.index(f'href="#{section}"') < page.index('href="#map"')


def test_of_a_code_its_map_comes_first() -> None:
    content = gather(model := Autoencoder.tiny().fit(DATA), DATA, evidence=evaluate(model, DATA))
    page = render(content)
    assert content.headlines
    assert page.index('id="map"') < page.index('id="rebuilt"')
