"""What becomes of pictures, as the report shows it."""

import numpy as np
import pytest

from nolabel import CycleGAN, Pix2Pix, Restorer
from nolabel.report.content import Pictures
from nolabel.report.gather import gather
from nolabel.report.page import render

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 12, 14), dtype=np.uint8)
TARGETS = np.stack([255 - IMAGES] * 3, axis=-1)


def _shown(model: Pix2Pix | CycleGAN | Restorer) -> dict[str, np.ndarray]:
    content = gather(model, IMAGES)
    assert content.rebuilt_title == "Before and after"
    (group,) = content.rebuilt
    assert isinstance(group, Pictures)
    page = render(content)
    assert "<h2>Before and after</h2>" in page
    assert ", ".join(name for name, _ in group.versions) in page
    return dict(group.versions)


@pytest.mark.parametrize("method", [Pix2Pix, CycleGAN])
def test_a_translation_stands_under_what_it_is_made_of(method: type[Pix2Pix] | type[CycleGAN]) -> None:
    model = method.tiny().set_params(epochs=1).fit(IMAGES, TARGETS)
    shown = _shown(model)
    np.testing.assert_array_equal(shown["made of it"], model.translate(shown["given"]))
    assert shown["made of it"].shape == (12, 12, 14, 3)


@pytest.mark.parametrize("task", ["denoise", "inpaint", "super_resolve"])
def test_a_restoration_stands_under_its_damage(task: str) -> None:
    model = Restorer.tiny().set_params(task=task, epochs=1).fit(IMAGES)
    shown = _shown(model)
    assert list(shown) == ["original", "damaged", "restored"]
    assert (shown["original"] != shown["damaged"]).any()
    assert (shown["damaged"] != shown["restored"]).any()
