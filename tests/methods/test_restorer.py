"""Restorer: its losses from its own nets, what it undoes, and images of any size, layout and dtype."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

import nolabel
from contract.checks.samples import upright
from nolabel import Restorer
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec

TASKS = ("denoise", "inpaint", "super_resolve")


def _blobs(count: int) -> np.ndarray:
    """Grey images of a soft spot somewhere."""
    places = np.random.default_rng(0).uniform(1, 6, (count, 2, 1, 1))
    grid = np.mgrid[:8, :8]
    return np.rint(255 * np.exp(-((grid - places) ** 2).sum(1) / 8)).astype(np.uint8)


def _step() -> Step:
    return Step(0, 0.0, Draws(0))


def _learner(task: str, **more):
    """A learner whose net does something already."""
    with seeded(0):
        learner = Restorer.tiny().set_params(task=task, **more).build(DataSpec("image", (2, 9, 8), "unit", {})).eval()
        torch.nn.init.normal_(learner.net.exit.weight, std=0.1)
    return learner


@pytest.fixture(scope="module")
def fitted():
    """A model of each task, hardly trained, by (task, channels)."""
    made = {}

    def make(task: str, channels: int = 1):
        if (task, channels) not in made:
            X = upright(24).X if channels == 1 else np.repeat(upright(24).X[..., None], 3, 3)
            made[task, channels] = Restorer.tiny().set_params(task=task, epochs=1).fit(X)
        return made[task, channels]

    return make


# --- losses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_what_the_players_pay(task: str) -> None:
    learner = _learner(task, adversarial=0.3)
    x = torch.rand(5, 2, 9, 8)
    damaged = learner.damage(x, Draws(0))
    x_hat = learner.rebuilt(damaged.seen, damaged.known)
    pixels, damage, decibels = 0.0, 0.0, 0.0
    for row in range(5):
        asked, before = [], []
        for place in np.ndindex(*damaged.clean.shape[1:]):
            if damaged.known is None or not damaged.known[row, 0, place[1], place[2]]:
                asked.append(abs(x_hat[row][place] - damaged.clean[row][place]).item())
                before.append(abs(damaged.seen[row][place] - damaged.clean[row][place]).item())
        pixels, damage = pixels + sum(asked) / len(asked) / 5, damage + sum(before) / len(before) / 5
        squares = (x_hat[row].clamp(0, 1) - damaged.clean[row]).square().mean().item()
        decibels -= 10 * math.log10(squares) / 5
    d_real, d_fake = (learner.discriminator(one).flatten().tolist() for one in (damaged.clean, x_hat))
    mine = learner.player_loss("generator", Batch(x, torch.arange(5)), _step())
    assert mine.parts["pixels"].item() == pytest.approx(pixels, rel=1e-4)
    fooling = sum(math.log1p(math.exp(-d)) for d in d_fake) / len(d_fake)
    assert mine.parts["fooling"].item() == pytest.approx(0.3 * fooling, rel=1e-4)
    assert mine.signals["damage"].item() == pytest.approx(damage, rel=1e-4)
    assert mine.signals["psnr"].item() == pytest.approx(decibels, rel=1e-4)
    theirs = learner.player_loss("discriminator", Batch(x, torch.arange(5)), _step())
    of_real = sum(math.log1p(math.exp(-d)) for d in d_real) / len(d_real)
    of_fake = sum(math.log1p(math.exp(d)) for d in d_fake) / len(d_fake)
    assert theirs.parts["real"].item() == pytest.approx(of_real, rel=1e-4)
    assert theirs.parts["restored"].item() == pytest.approx(of_fake, rel=1e-4)


def test_the_discriminators_turn_does_not_reach_the_net() -> None:
    learner = _learner("denoise")
    learner.player_loss("discriminator", Batch(torch.rand(4, 2, 9, 8), torch.arange(4)), _step()).total.backward()
    assert all(weight.grad is None for weight in learner.net.parameters())
    assert all(weight.grad is not None for weight in learner.discriminator.parameters())


@pytest.mark.parametrize("task", TASKS)
def test_without_a_discriminator_there_is_one_player_who_learns_the_same_way(task: str) -> None:
    X = upright(32).X
    model = Restorer.tiny().set_params(task=task, adversarial=0.0, epochs=1).fit(X)
    assert model.learner_.discriminator is None
    assert list(model.learner_.players()) == ["generator"]
    assert {"pixels", "damage", "psnr"} <= model.history_[0].keys()
    assert not [name for name in model.history_[0] if "." in name or name == "fooling"]


@pytest.mark.parametrize("task", ["inpaint", "super_resolve"])  # the contract looks at "denoise"
@pytest.mark.parametrize("adversarial", [0.0, 0.01])
def test_it_undoes_the_damage_that_it_does(task: str, adversarial: float) -> None:
    X = _blobs(150)
    model = Restorer.tiny().set_params(task=task, adversarial=adversarial, epochs=15).fit(X)
    damaged, missing = model.damage(X, random_state=1)
    restored = model.restore(damaged, missing)
    before = damaged if task == "inpaint" else damaged.repeat(2, 1).repeat(2, 2)
    off = [np.abs(one.astype(float) - X).mean() for one in (restored, before)]
    assert off[0] < 0.7 * off[1]
    player = "generator." if adversarial else ""
    assert model.history_[-1][f"{player}pixels"] < 0.7 * model.history_[-1][f"{player}damage"]


def test_it_begins_with_what_it_is_given() -> None:
    model = Restorer.tiny().set_params(epochs=1).fit(upright(24).X)
    X = upright(5).X
    np.testing.assert_array_equal(model.untrained().restore(X), X)


# --- images as they come ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(8, 8), (9, 14), (17, 4)])
@pytest.mark.parametrize(
    ("dtype", "layout"), [("uint8", "HW"), ("uint16", "HW"), ("float32", "HWC"), ("uint8", "CHW"), ("bool", "HW")]
)
def test_size_layout_and_dtype_are_kept(fitted, size: tuple[int, int], dtype: str, layout: str) -> None:
    planes = np.random.default_rng(0).random((3, *size))
    X = planes > 0.5 if dtype == "bool" else planes.astype("float32") if dtype == "float32" else None
    X = (planes * np.iinfo(dtype).max).astype(dtype) if X is None else X
    X = X[..., None] if layout == "HWC" else X[:, None] if layout == "CHW" else X
    restored = fitted("denoise").restore(X)
    assert restored.shape == X.shape
    assert restored.dtype == X.dtype


@pytest.mark.parametrize("channels", [1, 3])
def test_super_resolved_images_are_twice_as_high_and_wide(fitted, channels: int) -> None:
    model = fitted("super_resolve", channels)
    X = np.random.default_rng(0).integers(0, 256, (3, 5, 7) + (3,) * (channels == 3)).astype(np.uint8)
    assert model.restore(X).shape == (3, 10, 14) + (3,) * (channels == 3)
    small, missing = model.damage(X)
    assert missing is None
    np.testing.assert_allclose(
        small[:, 0, 0], X[:, :2, :2].reshape(3, 4, -1).mean(1).reshape(small[:, 0, 0].shape), atol=0.51
    )
    assert small.shape[1:3] == (2, 3)


@pytest.mark.parametrize("task", TASKS)
def test_images_alone_are_restored_as_among_others(fitted, task: str) -> None:
    model, X = fitted(task), upright(6, 1).X
    X, missing = model.damage(X)
    together = model.restore(X, missing).astype(int)
    alone = [model.restore(X[row : row + 1], None if missing is None else missing[row : row + 1]) for row in range(6)]
    assert np.abs(np.concatenate(alone).astype(int) - together).max() <= 1


def test_files_come_in_the_colours_that_the_model_knows(fitted, tmp_path) -> None:
    for number in range(3):
        Image.fromarray(np.full((10, 12, 3), (200, 20 * number, 0), np.uint8)).save(tmp_path / f"{number}.png")
    assert fitted("denoise").restore(tmp_path).shape == (3, 10, 12)
    assert fitted("denoise", 3).restore(tmp_path).shape == (3, 10, 12, 3)


def test_a_model_restores_the_same_once_it_is_saved(fitted, tmp_path) -> None:
    model = fitted("inpaint")
    X, missing = model.damage(upright(6, 1).X)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(nolabel.load(tmp_path / "model").restore(X, missing), model.restore(X, missing))


def test_damage_is_that_of_its_seed(fitted) -> None:
    X = upright(6, 1).X
    one, same, other = (fitted("inpaint").damage(X, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[1], same[1])
    assert not np.array_equal(one[1], other[1])
    np.testing.assert_array_equal(one[0][~one[1]], X[~one[1]])
    assert (one[0][one[1]] == 128).all()


# --- masks -----------------------------------------------------------------------------------------------------------


def test_what_is_known_comes_back_as_it_is(fitted) -> None:
    X = upright(6, 1).X
    mask = np.zeros((6, 8, 8), bool)
    mask[:, 2:5, 3:6] = True
    model = fitted("inpaint")
    restored = model.restore(X, mask)
    np.testing.assert_array_equal(restored[~mask], X[~mask])
    hidden = np.where(mask, 255, X)
    np.testing.assert_array_equal(model.restore(hidden, mask), restored)  # what stands in the holes does not matter


def test_masks_come_in_many_forms(fitted, tmp_path) -> None:
    X = upright(3, 1).X
    mask = np.zeros((8, 8), np.uint8)
    mask[2:5, 3:6] = 1
    model = fitted("inpaint")
    expected = model.restore(X, mask)
    everyone = np.repeat(mask[None], 3, 0)
    for number in range(3):
        Image.fromarray(255 * mask).save(tmp_path / f"{number}.png")
    many = [everyone, everyone * 255, everyone == 1, everyone[:, None], everyone[..., None].astype(float)]
    for form in (*many, torch.from_numpy(everyone), tmp_path, str(tmp_path), mask.tolist()):
        np.testing.assert_array_equal(model.restore(X, form), expected)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.ones((2, 8, 8)), r"\(3, 8, 8\) or \(8, 8\); got \(2, 8, 8\)"),
        (np.ones((8, 7)), r"got \(3, 8, 7\)"),
        (np.full((8, 8), "x"), "mask must be an array of numbers"),
        (np.where(np.eye(8), np.nan, 0), r"mask holds NaN in 8 place\(s\)"),
    ],
)
def test_masks_that_do_not_fit(fitted, mask, words: str) -> None:
    with pytest.raises(DataError, match=words):
        fitted("inpaint").restore(upright(3, 1).X, mask)


def test_a_mask_that_marks_nothing_is_remarked_on(fitted) -> None:
    X = upright(3, 1).X
    with pytest.warns(UserWarning, match="mask marks nothing as missing"):
        np.testing.assert_array_equal(fitted("inpaint").restore(X, np.zeros((8, 8))), X)


def test_only_what_fills_in_takes_a_mask(fitted) -> None:
    X = upright(3, 1).X
    with pytest.raises(ArgumentError, match="mask must be None, .* task='denoise'"):
        fitted("denoise").restore(X, np.ones((8, 8)))
    with pytest.raises(ArgumentError, match="mask must say where images are missing"):
        fitted("inpaint").restore(X)


# --- what cannot be meant --------------------------------------------------------------------------------------------


def test_data_that_cannot_be_meant(fitted) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 4))
    with pytest.raises(ModalityError, match="Restorer restores images; these are tables"):
        Restorer.tiny().fit(rows)
    with pytest.raises(ModalityError, match="fitted to images"):
        fitted("denoise").restore(rows)
    with pytest.raises(DataError, match=r"fitted to images with 1 channel\(s\)"):
        fitted("denoise").restore(np.zeros((4, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match="too small for this model, .* at least 2"):
        fitted("denoise").restore(np.zeros((4, 1, 8), np.uint8))
    assert fitted("super_resolve").restore(np.zeros((4, 1, 8), np.uint8)).shape == (4, 2, 16)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"task": "denoize"}, "task must be one of .* did you mean 'denoise'"),
        ({"noise": 0.0}, "noise must be a number above 0 and at most 1; got 0.0"),
        ({"noise": True}, "noise must be"),
        ({"missing": 1.0}, "missing must be a number above 0 and below 1; got 1.0"),
        ({"adversarial": -0.1}, "adversarial must be at least 0"),
        ({"channels": "many"}, "channels must be"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Restorer.tiny().set_params(**arguments).fit(upright(24).X)


def test_strips_can_be_denoised_but_have_no_patches_to_judge() -> None:
    X = np.random.default_rng(0).integers(0, 256, (20, 1, 16)).astype(np.uint8)
    with pytest.raises(ArgumentError, match="1 x 16 pixels have no patches"):
        Restorer.tiny().fit(X)
    assert Restorer.tiny().set_params(adversarial=0.0, epochs=1).fit(X).restore(X).shape == X.shape
    with pytest.raises(ArgumentError, match="cannot be halved"):
        Restorer.tiny().set_params(task="super_resolve", adversarial=0.0).fit(X)


@pytest.mark.parametrize("seed", ["a", -1, 1.5, True])
def test_seeds_that_cannot_be_meant(fitted, seed) -> None:
    with pytest.raises(ArgumentError, match="random_state must be a whole number of at least 0"):
        fitted("denoise").damage(upright(3, 1).X, seed)
