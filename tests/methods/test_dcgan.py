"""DCGAN: images of any size, the architecture of the paper, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from nolabel import DCGAN
from nolabel.errors import ArgumentError, ModalityError
from nolabel.nets.norm import BatchNorm
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(28, 28), (17, 23, 3), (9, 40)])
def test_images_of_any_size_are_made(shape: tuple[int, ...]) -> None:
    model = DCGAN(latent=4, channels=2, epochs=1, batch_size=8, random_state=0).fit(images(16, *shape))
    drawn = model.sample(3, random_state=0)
    assert drawn.shape == (3, *shape)
    assert drawn.dtype == np.uint8
    assert np.isfinite(model.transform(images(5, *shape))).all()


def test_stages_double_and_are_normalised_as_in_the_paper() -> None:
    with seeded(0):
        game = DCGAN(latent=6, channels=4).build(DataSpec("image", (3, 32, 32), "unit"))
    up = [part for part in game.generator.modules() if isinstance(part, nn.ConvTranspose2d)]
    assert [part.out_channels for part in up] == [8, 4, 3]
    down = [part for part in game.discriminator.modules() if isinstance(part, nn.Conv2d)]
    assert [part.out_channels for part in down] == [4, 8, 16]
    assert all(part.kernel_size == (4, 4) and part.stride == (2, 2) for part in [*up, *down])
    assert all(0.015 < part.weight.std().item() < 0.025 for part in [*up, *down])
    assert sum(isinstance(part, BatchNorm) for part in game.generator.modules()) == 3
    assert sum(isinstance(part, BatchNorm) for part in game.discriminator.modules()) == 2
    assert game.encode(torch.rand(2, 3, 32, 32)).shape == (2, (4 + 8 + 16) * 16)


def test_data_and_samples_are_judged_apart() -> None:
    """In one batch their statistics would be mixed, and each would be told by the other's."""
    with seeded(0):
        game = DCGAN(latent=4, channels=4).build(DataSpec("image", (1, 16, 16), "unit")).train()
    x = torch.rand(8, 1, 16, 16)
    sizes: list[int] = []
    game.discriminator.stages[0].register_forward_hook(lambda _, given, __: sizes.append(len(given[0])))
    losses = game.player_loss("discriminator", Batch(x, torch.arange(8)), Step(0, 0.0, Draws(0)))
    assert sizes == [8, 8]
    assert set(losses.parts) == {"real", "fake"}


def test_tables_and_strips_are_refused_in_words() -> None:
    with pytest.raises(ModalityError, match="DCGAN makes images; these are tables. For tables take R3GAN"):
        DCGAN().fit(np.random.default_rng(0).standard_normal((20, 3)))
    words = r"images of 1 x 100 pixels are too small for DCGAN, .* at least 8\. Use GAN or R3GAN"
    with pytest.raises(ArgumentError, match=words):
        DCGAN().fit(images(10, 1, 100))
    with pytest.raises(ArgumentError, match=r"images of 64 x 7 pixels"):
        DCGAN().fit(images(10, 64, 7, 3))
