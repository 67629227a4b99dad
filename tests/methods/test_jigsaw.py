"""What is special about Jigsaw: tiles seen one by one, orders far from each other, nothing that gives them away."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from contract.checks.samples import upright
from nolabel import Jigsaw
from nolabel.data import toys
from nolabel.errors import ArgumentError, ModalityError
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

THINGS = upright(48)


def _fit(X: Any = THINGS.X, **arguments: Any) -> Jigsaw:
    return Jigsaw.tiny().set_params(**{"gap": 0.15, "epochs": 1, **arguments}).fit(X)


def _size(size: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (8, size, size), dtype=np.uint8)


def test_the_loss_is_its_equation_tile_by_tile() -> None:
    learner = _fit().learner_.eval()
    x = torch.rand(5, 1, 8, 8)
    step = Step(0, 0.0, Draws(0, 1))
    with torch.no_grad():
        pieces, answers = learner._cut(x, Draws(0, 1))
        expected = []
        for image, c in zip(pieces, answers):
            shown = [image[i] for i in learner.orders[c]]
            y = [learner.reducer(learner._features(tile[None])) for tile in shown]
            expected.append(-F.log_softmax(learner.head(torch.cat(y, 1))[0].double(), 0)[c].item())
        loss = learner.loss(Batch(x, torch.arange(5)), step).total
    assert loss.item() == pytest.approx(sum(expected) / 5, rel=1e-4)


def test_guessing_costs_ln_k() -> None:
    learner = _fit(permutations=12).learner_.eval()
    last = [module for module in learner.head if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
    losses = learner.loss(Batch(torch.rand(6, 1, 8, 8), torch.arange(6)), Step(0, 0.0, Draws(0)))
    assert losses.total.item() == pytest.approx(math.log(12))
    assert losses.signals["chance"].item() == pytest.approx(math.log(12))


def test_brightness_and_contrast_of_a_tile_tell_nothing() -> None:
    learner = _fit().learner_.eval()
    x = torch.rand(4, 1, 8, 8)
    batches = [Batch(one, torch.arange(4)) for one in (x, 0.5 * x + 0.2)]
    first, second = (learner.loss(batch, Step(0, 0.0, Draws(0, 1))).total.item() for batch in batches)
    assert first == pytest.approx(second, rel=1e-4)


def test_the_tiles_are_chosen_by_the_size_of_the_images() -> None:
    assert _fit(_size(8), grid=None, permutations=None).learner_.orders.shape == (24, 4)
    assert _fit(_size(24), grid=None, permutations=None).learner_.orders.shape == (64, 9)


def test_every_order_is_asked_for() -> None:
    learner = _fit(permutations=6).learner_
    _, answers = learner._cut(torch.rand(3000, 1, 8, 8), Draws(0))
    counts = torch.bincount(answers, minlength=6)
    assert len(counts) == 6
    assert counts.min() > 400


def test_the_puzzle_can_be_looked_at() -> None:
    learner = _fit().learner_
    x = torch.arange(64, dtype=torch.float32).view(1, 1, 8, 8) / 64 + 0.01
    (shown,) = learner.views_of(x, Draws(0))
    assert shown.shape == x.shape
    pieces, answers = learner._cut(x, Draws(0))
    first = pieces[0, learner.orders[answers[0]][0]]
    assert torch.equal(shown[0, :, :3, :3], first)


def test_orders_are_saved_with_the_model() -> None:
    assert "orders" in _fit().learner_.state_dict()


@pytest.mark.parametrize(
    ("size", "arguments", "message"),
    [
        (6, {}, "images of 6 x 6 pixels are too small for 2 x 2 tiles with gap=0.15"),
        (8, {"grid": 3}, "too small for 3 x 3 tiles.*Take grid=2"),
        (8, {"grid": 4}, "grid must be 2 or 3 tiles a side, or None to choose; got 4"),
        (8, {"permutations": 25}, "permutations must be at least 2 and at most 24; got 25"),
        (24, {"grid": 3, "permutations": 1001}, "permutations must be at least 2 and at most 1000; got 1001"),
        (8, {"gap": -0.1}, "gap must be at least 0 and at most 0.5; got -0.1"),
        (8, {"backbone": "mlp"}, "backbone must take tiles of 3 x 3 pixels as well as whole images"),
    ],
)
def test_what_cannot_be_cut_is_refused_in_words(size: int, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(_size(size), **arguments)


def test_tables_are_refused_in_words() -> None:
    with pytest.raises(ModalityError, match="Jigsaw cuts images into tiles; these are tables. For tables take SCARF"):
        Jigsaw.tiny().fit(toys.blobs(40, 6))
