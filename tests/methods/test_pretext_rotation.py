"""What is special about PretextRotation: four turns of every image, square or not, and nothing that gives them away."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from contract.checks.samples import upright
from nolabel import PretextRotation
from nolabel.data import toys
from nolabel.errors import ArgumentError, ModalityError
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

THINGS = upright(96)
TALL = np.repeat(THINGS.X, 2, axis=1)  # 16 x 8


def _fit(X: Any = THINGS.X, **arguments: Any) -> PretextRotation:
    return PretextRotation.tiny().set_params(**{"epochs": 1, **arguments}).fit(X)


def test_the_loss_is_the_mean_over_images_and_turns() -> None:
    learner = _fit().learner_.eval()
    x = torch.rand(5, 1, 8, 8)
    expected = []
    with torch.no_grad():
        for image in x:
            for r in range(4):
                turned = torch.rot90(image, r, (1, 2))
                logits = learner.head(learner.backbone(turned[None]))[0].double()
                expected.append(-F.log_softmax(logits, 0)[r].item())
        loss = learner.loss(Batch(x, torch.arange(5)), Step(0, 0.0, Draws(0))).total
    assert loss.item() == pytest.approx(sum(expected) / 20, rel=1e-4)


def test_guessing_costs_ln_4() -> None:
    learner = _fit().learner_.eval()
    last = [module for module in learner.head if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
    losses = learner.loss(Batch(torch.rand(6, 1, 8, 8), torch.arange(6)), Step(0, 0.0, Draws(0)))
    assert losses.total.item() == pytest.approx(math.log(4))
    assert losses.signals["chance"].item() == pytest.approx(math.log(4))
    assert losses.signals["accuracy"].item() == pytest.approx(0.25)


def test_images_that_are_not_square_are_cut_before_they_are_turned() -> None:
    model = _fit(TALL, backbone="small")
    views = model.learner_.views_of(torch.rand(3, 1, 16, 8), Draws(0))
    assert [tuple(view.shape) for view in views] == [(3, 1, 8, 8)] * 4
    assert model.transform(TALL).shape == (96, 256), "the code is of the whole image"


def test_a_backbone_of_one_size_is_refused_images_that_are_not_square() -> None:
    with pytest.raises(ArgumentError, match="backbone must take squares of 8 x 8 pixels as well as whole images"):
        _fit(TALL, backbone="mlp")


def test_what_has_no_up_stays_at_chance_and_what_has_one_does_not() -> None:
    """Noise has no up: an image of it that was not seen before is told by guessing only."""
    noise = np.random.default_rng(0).integers(0, 256, (360, 8, 8), dtype=np.uint8)
    for X, low, high in ((noise, 0.15, 0.35), (upright(360).X, 0.45, 1.0)):
        model = _fit(X[:300], epochs=12)
        x = torch.from_numpy(X[300:])[:, None].float() / 255
        with torch.no_grad():
            losses = model.learner_.loss(Batch(x, torch.arange(60)), Step(0, 1.0, Draws(0)))
        assert low <= losses.signals["accuracy"].item() <= high


def test_tables_are_refused_in_words() -> None:
    with pytest.raises(ModalityError, match="PretextRotation turns images; these are tables. For tables take SCARF"):
        PretextRotation.tiny().fit(toys.blobs(40, 6))


def test_no_hidden_layer_is_a_choice_and_a_senseless_width_is_not() -> None:
    model = _fit(projection=())
    assert sum(isinstance(module, nn.Linear) for module in model.learner_.head) == 1
    with pytest.raises(ArgumentError, match=r"projection must hold widths of at least 1.* or be \(\)"):
        _fit(projection=(0,))
    with pytest.raises(ArgumentError, match="views must be one of 'auto', 'none'"):
        _fit(views="atuo")
