"""What is special about DINO: a centre and a teacher that follow, targets that are sharp, small views of any size."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nolabel import DINO
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.dino import DINOLearner
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(96, 6)
IMAGES = toys.stripes(48, 16)


def _learner(**arguments: Any) -> DINOLearner:
    given = {"epochs": 1, "prototypes": 16, "small_views": 1}
    return DINO.tiny().set_params(**{**given, **arguments}).fit(TABLE).learner_


def _batch(rows: int = 32, first: int = 0) -> Batch:
    return Batch(TABLE.store[first : first + rows], torch.arange(rows))


def _step(number: int = 0, progress: float = 0.5) -> Step:
    return Step(number, progress, Draws(0, number))


def test_the_centre_follows_the_teachers_outputs_over_all_pieces_of_a_step() -> None:
    learner = _learner(centre_momentum=0.8).train()
    before, said = learner.centre.clone(), []
    handle = learner.teacher.register_forward_hook(lambda _, __, output: said.append(output[1]))
    learner.loss(_batch(32), _step(3))
    learner.loss(_batch(16, 32), replace(_step(3), piece=1))
    handle.remove()
    learner.follow(_step(3))
    expected = 0.8 * before + 0.2 * torch.cat(said).mean(0)
    assert torch.allclose(learner.centre, expected, atol=1e-6)


def test_what_a_failed_step_left_does_not_move_the_centre() -> None:
    learner = _learner().train()
    learner.loss(Batch(torch.full((8, 6), torch.nan), torch.arange(8)), _step(4))
    learner.loss(_batch(), _step(5))
    learner.follow(_step(5))
    assert torch.isfinite(learner.centre).all()


def test_held_out_samples_move_nothing() -> None:
    learner = _learner().eval()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    learner.loss(_batch(), _step())
    assert not learner._noticed
    assert all(torch.equal(value, learner.state_dict()[name]) for name, value in before.items())


def test_the_teacher_has_no_gradient_and_moves_by_the_momentum() -> None:
    learner = _learner(momentum=0.5).train()
    assert not any(p.requires_grad for p in learner.teacher.parameters())
    old, student = learner.teacher.module[1].prototypes.clone(), learner.head.prototypes.detach()
    learner.loss(_batch(), _step()).total.backward()
    learner.follow(_step(progress=0.0))
    assert torch.allclose(learner.teacher.module[1].prototypes, 0.5 * old + 0.5 * student, atol=1e-6)


def test_a_head_whose_prototypes_are_alike_costs_ln_k() -> None:
    learner = _learner().eval()
    with torch.no_grad():
        learner.head.prototypes.copy_(torch.ones_like(learner.head.prototypes))
    losses = learner.loss(_batch(), _step())
    k = len(learner.centre)
    assert losses.total.item() == pytest.approx(math.log(k), rel=1e-5)
    assert losses.signals["chance"].item() == pytest.approx(math.log(k))


def test_prototypes_are_normalised_whatever_their_length() -> None:
    learner = _learner().eval()
    z, scores = learner.head(learner.backbone(TABLE.store[:8]))
    assert torch.allclose(z.norm(dim=1), torch.ones(8), atol=1e-5)
    with torch.no_grad():
        learner.head.prototypes.mul_(7)
    assert torch.allclose(learner.head.scores(z), scores, atol=1e-5)
    assert scores.abs().max() <= 1 + 1e-5


def _signals(centre: torch.Tensor, temperature: float) -> dict[str, float]:
    """What a step says when the teacher gives all samples nearly the same scores, the third the largest."""
    learner = _learner().eval()
    learner.sharpness = (temperature, temperature, 0.0)
    learner.centre.copy_(centre)
    shared = torch.linspace(-0.5, 0.5, len(centre)).roll(3)
    learner.teacher.register_forward_hook(lambda _, __, output: (output[0], shared + 0.1 * output[1]))
    return {name: value.item() for name, value in learner.loss(_batch(), _step()).signals.items()}


def test_collapse_shows_in_the_signals() -> None:
    """Without centring all samples share one prototype; without sharpening no target says anything."""
    k = 16
    shared = torch.linspace(-0.5, 0.5, k).roll(3)
    healthy = _signals(shared, 0.04)
    one = _signals(torch.zeros(k), 0.02)
    none = _signals(shared, 10.0)
    assert one["prototypes_used"] < 0.75 * healthy["prototypes_used"]
    assert one["prototypes_used"] < 2.5 / k
    assert none["target_entropy"] > 0.999 > healthy["target_entropy"]


def test_embeddings_that_collapsed_have_no_spread() -> None:
    learner = _learner().eval()
    last = [module for module in learner.head.projector if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(1.0)
    assert learner.loss(_batch(), _step()).signals["spread"].item() < 1e-3


def test_small_views_are_smaller_and_a_backbone_of_one_size_gets_none_that_are() -> None:
    given = {"small_views": 2, "epochs": 1}
    conv = DINO.tiny().set_params(backbone="small", **given).fit(IMAGES)
    shapes = [tuple(view.shape[2:]) for view in conv.learner_.views_of(torch.rand(4, 1, 16, 16), Draws(0))]
    assert shapes == [(16, 16), (16, 16), (8, 8), (8, 8)]
    flat = DINO.tiny().set_params(backbone="mlp", **given).fit(IMAGES)
    views = flat.learner_.views_of(torch.rand(4, 1, 16, 16), Draws(0))
    assert [tuple(view.shape[2:]) for view in views] == [(16, 16)] * 4


def test_any_module_will_do_as_a_backbone() -> None:
    own = nn.Sequential(nn.Flatten(), nn.Linear(256, 12), nn.ReLU())
    before = own[1].weight.clone()
    model = DINO.tiny().set_params(backbone=own, epochs=1).fit(IMAGES)
    assert model.transform(IMAGES).shape == (48, 12)
    assert torch.equal(own[1].weight, before), "the user's module stays as it was"


def test_the_teachers_temperature_warms_up_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from nolabel.methods import dino

    seen: list[float] = []
    plain = dino.centred_and_sharpened
    monkeypatch.setattr(dino, "centred_and_sharpened", lambda g, c, t: (seen.append(t), plain(g, c, t))[1])
    learner = _learner(first_teacher_temperature=0.02, teacher_temperature=0.06, teacher_warmup=0.4)
    seen.clear()
    for progress in (0.0, 0.2, 0.4, 1.0):
        learner.loss(_batch(), _step(progress=progress))
    assert seen[::2] == pytest.approx([0.02, 0.04, 0.06, 0.06])


def test_it_finds_the_blobs() -> None:
    """The loss ends below ln K, its classes are in use, and codes of one blob are near each other."""
    model = DINO.tiny().set_params(views={"corrupt": 0.2}, epochs=30).fit(TABLE)
    last = model.history_[-1]
    assert last["distillation"] < 0.97 * last["chance"]
    assert last["prototypes_used"] > 0.3
    codes = model.transform(TABLE)
    codes = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    nearest = (codes @ codes.T - 2 * np.eye(96)).argmax(1)
    assert (TABLE.labels[nearest] == TABLE.labels).mean() > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature must be above 0; got 0.0"),
        ({"teacher_temperature": -0.1}, "teacher_temperature must be above 0; got -0.1"),
        ({"teacher_temperature": 0.9}, "teacher_temperature must be at most temperature.*got 0.9"),
        ({"prototypes": 1}, "prototypes must be at least 2; got 1"),
        ({"small_views": -1}, "small_views must be at least 0; got -1"),
        ({"momentum": 1.5}, "momentum must be at least 0 and at most 1; got 1.5"),
        ({"projection": ()}, "projection must hold"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"backbone": "smal"}, "did you mean 'small'"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        DINO.tiny().set_params(**arguments).fit(TABLE)
