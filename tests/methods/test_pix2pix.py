"""Pix2Pix: its losses from its own nets, one patch and one value after the other; and that it learns from pairs."""

import math

import numpy as np
import pytest
import torch

import nolabel
from nolabel import Pix2Pix
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.methods.pix2pix import Pix2PixLearner
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec

TARGET = {"modality": "image", "shape": [3, 9, 11], "values": "unit", "recipe": {"layout": "HWC", "dtype": "uint8"}}
SPEC = DataSpec("image", (1, 9, 11), "unit", {"source": "array", "layout": "HW", "dtype": "uint8", "target": TARGET})
STEP = Step(0, 0.0, Draws(0))


def learner_of(**arguments: object) -> Pix2PixLearner:
    with seeded(0):
        return Pix2Pix(channels=4, **arguments).build(SPEC)


def softplus(t: float) -> float:
    return max(t, 0) + math.log1p(math.exp(-abs(t)))


def test_both_pay_as_the_paper_says() -> None:
    game = learner_of(l1=7.0)
    x, y = torch.rand(3, 1, 9, 11), torch.rand(3, 3, 9, 11)
    batch = Batch(torch.cat([x, y], 1), torch.arange(3))
    made = game.generator(x)
    d_real = game.discriminator(torch.cat([x, y], 1)).flatten().tolist()
    d_fake = game.discriminator(torch.cat([x, made], 1)).flatten().tolist()
    of_d = game.player_loss("discriminator", batch, STEP).parts
    assert of_d["real"].item() == pytest.approx(0.5 * sum(softplus(-d) for d in d_real) / len(d_real), rel=1e-5)
    assert of_d["fake"].item() == pytest.approx(0.5 * sum(softplus(d) for d in d_fake) / len(d_fake), rel=1e-5)
    of_g = game.player_loss("generator", batch, STEP).parts
    assert of_g["fooling"].item() == pytest.approx(sum(softplus(-d) for d in d_fake) / len(d_fake), rel=1e-5)
    away = [abs(a - b) for a, b in zip(made.flatten().tolist(), y.flatten().tolist())]
    assert of_g["l1"].item() == pytest.approx(7 * sum(away) / len(away), rel=1e-5)


def test_nothing_told_costs_ln_2_each() -> None:
    game = learner_of(l1=0.0)
    with torch.no_grad():
        for p in game.discriminator.head.parameters():
            p.zero_()
    batch = Batch(torch.rand(2, 4, 9, 11), torch.arange(2))
    for player in game.players():
        assert game.player_loss(player, batch, STEP).total.item() == pytest.approx(math.log(2), rel=1e-5)


def test_the_discriminator_sees_what_was_given() -> None:
    game = learner_of()
    y = torch.rand(1, 3, 9, 11)
    one, other = (game.logits(x, y) for x in (torch.zeros(1, 1, 9, 11), torch.ones(1, 1, 9, 11)))
    assert not torch.allclose(one, other)


def test_rates_and_average() -> None:
    game = learner_of(discriminator_rate=3.0)
    names = {name for name, _ in game.named_parameters() if name.startswith("discriminator.")}
    assert game.rates() == dict.fromkeys(names, 3.0)
    assert game.averaged_part() is game.generator


def pictures(count: int = 64, seed: int = 0) -> np.ndarray:
    """Bright squares at random places."""
    draws = np.random.default_rng(seed)
    found = np.zeros((count, 12, 10), np.uint8)
    for image, (top, left) in zip(found, draws.integers(0, 7, (count, 2))):
        image[top : top + 4, left : left + 3] = 200
    return found


def frames(X: np.ndarray) -> np.ndarray:
    """What lies beside the squares, and is no part of them."""
    return np.maximum.reduce([np.roll(X, way, axis) for axis in (1, 2) for way in (1, -1)]) - X


def test_it_learns_what_no_change_of_single_pixels_could_make() -> None:
    X, new = pictures(64, 0), pictures(16, 1)
    model = Pix2Pix(channels=8, epochs=40, batch_size=32, learning_rate=0.01, random_state=0).fit(X, frames(X))
    made = model.translate(new)
    assert made.shape == new.shape
    assert made.dtype == np.uint8
    away, by_nothing = (np.abs(one.astype(float) - frames(new)).mean() for one in (made, np.zeros_like(new)))
    assert away < 0.4 * by_nothing


def test_images_come_in_the_layout_of_the_targets() -> None:
    X = pictures(20)
    forms = {
        (20, 12, 10, 3): np.repeat(X[..., None], 3, 3),
        (20, 3, 12, 10): np.repeat(X[:, None], 3, 1),
        (20, 12, 10): X / np.float32(255),
    }
    for shape, Y in forms.items():
        made = Pix2Pix(channels=2, epochs=1, random_state=0).fit(X, Y).translate(X)
        assert made.shape == shape
        assert made.dtype == Y.dtype


def test_new_images_may_be_files_of_any_size(tmp_path) -> None:
    from PIL import Image

    X = pictures(8)
    model = Pix2Pix(channels=2, epochs=1, random_state=0).fit(X, 255 - X)
    Image.fromarray(np.zeros((30, 40), np.uint8)).save(tmp_path / "one.png")
    assert model.translate(tmp_path).shape == (1, 12, 10)
    with pytest.raises(DataError, match="12 x 10"):
        model.translate(X[:, :-1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"l1": -1.0}, "l1 must be at least 0"), ({"discriminator_rate": 0.0}, "discriminator_rate must be above 0")],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, float], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Pix2Pix(epochs=1, **arguments).fit(pictures(8), 255 - pictures(8))


def test_tables_are_refused() -> None:
    with pytest.raises(ModalityError, match="Pix2Pix makes images of images; .* is of kind table"):
        Pix2Pix().fit(np.random.default_rng(0).random((8, 12)), pictures(8))


def test_it_wants_targets() -> None:
    with pytest.raises(
        ArgumentError, match=r"Pix2Pix learns to make images of images and was given X only: fit\(X, Y\)"
    ):
        Pix2Pix().fit(pictures(8))


def test_strips_have_no_patches() -> None:
    strips = np.random.default_rng(0).integers(0, 256, (8, 1, 20), dtype=np.uint8)
    with pytest.raises(ArgumentError, match="images of 1 x 20 pixels have no patches"):
        Pix2Pix(epochs=1).fit(strips, 255 - strips)


def test_a_saved_model_translates_alike(tmp_path) -> None:
    X = pictures(20)
    model = Pix2Pix(channels=2, epochs=1, random_state=0).fit(X, np.repeat(X[..., None], 3, 3))
    again = nolabel.load(model.save(tmp_path / "model"))
    assert again.spec_ == model.spec_
    assert np.array_equal(again.translate(X), model.translate(X))
