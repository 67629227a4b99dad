"""VideoGAN: the hinge from its own nets, clips from every source, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import nolabel
from nolabel import VideoGAN
from nolabel.data import toys
from nolabel.errors import ArgumentError, DataError, ModalityError, TrainingError
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec
from nolabel.views.differentiable import DiffAugment

SMALL = {"latent": 4, "channels": 2, "epochs": 1, "batch_size": 8, "random_state": 0}
CLIPS = toys.moving_digits(12, frames=4, size=9).clips  # (N, T, H, W)


def test_both_pay_by_the_hinge() -> None:
    with seeded(0):
        game = VideoGAN(latent=2, channels=2).build(DataSpec("video", (1, 3, 8, 9), "unit")).eval()
    x = torch.rand(5, 1, 3, 8, 9)
    z = Draws(0).normal(torch.empty(5, 2))
    d_real, d_fake = game.discriminator(x).tolist(), game.discriminator(game.generator(z)).tolist()
    batch = Batch(x, torch.arange(5))
    of_d = game.player_loss("discriminator", batch, Step(0, 0.0, Draws(0))).parts
    assert of_d["real"].item() == pytest.approx(sum(max(0, 1 - d) for d in d_real) / 5, rel=1e-5)
    assert of_d["fake"].item() == pytest.approx(sum(max(0, 1 + d) for d in d_fake) / 5, rel=1e-5)
    of_g = game.player_loss("generator", batch, Step(0, 0.0, Draws(0))).parts
    assert of_g["fooling"].item() == pytest.approx(-sum(d_fake) / 5, rel=1e-5)


def test_clips_come_as_they_were_given() -> None:
    colour = np.repeat(CLIPS[..., None], 3, -1)
    for given in (CLIPS, colour, colour.astype(np.float32) / 255):
        model = VideoGAN(**SMALL).fit(given)
        drawn = model.sample(3, random_state=0)
        assert (drawn.shape, drawn.dtype) == ((3, *given.shape[1:]), given.dtype)
        assert model.interpolate(1, 2, steps=3).shape == (3, *given.shape[1:])
        assert model.invert(given[:2], steps=1).shape == (2, 4)
        assert model.transform(given).shape == (12, 2 * 8 + 4 * 8), "maxima over 2 x 2 x 2 places of two stages"


def test_an_array_a_tensor_and_gifs_are_the_same(tmp_path: Path) -> None:
    for number, clip in enumerate(CLIPS):
        shown = [Image.fromarray(frame) for frame in clip]
        shown[0].save(tmp_path / f"{number:02d}.gif", save_all=True, append_images=shown[1:], duration=100)
    codes = VideoGAN(**SMALL).fit(CLIPS).transform(CLIPS)
    for source in (torch.from_numpy(CLIPS), CLIPS[..., None], str(tmp_path)):
        np.testing.assert_array_equal(VideoGAN(**SMALL).fit(source).transform(source), codes)
    data = nolabel.open(str(tmp_path), modality="video", frames=3)
    assert VideoGAN(**SMALL).fit(data).sample(2).shape == (2, 3, 9, 9)


def test_few_clips_are_augmented() -> None:
    assert isinstance(VideoGAN(**SMALL).fit(CLIPS).learner_.augment, DiffAugment)
    assert VideoGAN(augment=False, **SMALL).fit(CLIPS).learner_.augment is None


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (CLIPS[:, :1], ArgumentError, "clips of one frame do not move: give them as images"),
        (CLIPS[..., :7], ArgumentError, "frames of 9 x 7 pixels are too small"),
        (CLIPS[:, 0], ModalityError, "of kind 'image'; clips are arrays"),
        ("wine", ModalityError, "wine is of kind 'table'; clips are arrays"),
        (nolabel.open(CLIPS[:, 0]), ModalityError, "is of kind 'image'; open it with modality='video'"),
    ],
    ids=["one frame", "small", "images", "table", "opened"],
)
def test_what_it_cannot_learn_from(source: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        VideoGAN(**SMALL).fit(source)


@pytest.mark.parametrize("method", ["SNGAN", "DCGAN", "Autoencoder", "SimCLR", "SOM", "SCARF"])
def test_methods_that_do_not_say_so_refuse_clips(method: str) -> None:
    kinds = {"DCGAN": "images", "SCARF": "tables"}.get(method, "images and tables")
    words = f"{method} learns from {kinds}; array 12 x 4 x 9 x 9 x 1 holds clips .video.. `nolabel methods` lists"
    model = getattr(nolabel, method)()
    with pytest.raises(ModalityError, match=words):
        model.fit(CLIPS[..., None])
    assert not hasattr(model, "learner_")


def test_a_generator_that_is_not_finite_draws_nothing() -> None:
    model = VideoGAN(**SMALL).fit(CLIPS)
    for name, value in model.learner_.generator.state_dict().items():
        if name.endswith("running_var"):
            value.fill_(np.inf)
    for parameter in model.learner_.generator.parameters():
        parameter.data.fill_(np.nan)
    for draw in (lambda: model.sample(2, 0), lambda: model.generate(np.zeros((1, model.learner_.latent)))):
        with pytest.raises(TrainingError, match="values that are not finite .* its training has diverged"):
            draw()


def test_arrays_of_several_lengths_are_named() -> None:
    with pytest.raises(DataError, match=r"2 of shape \(3, 9, 9\), 10 of shape \(4, 9, 9\); clips of 3 to 4 frames: "):
        VideoGAN(**SMALL).fit([clip[: 3 if number < 2 else 4] for number, clip in enumerate(CLIPS)])
