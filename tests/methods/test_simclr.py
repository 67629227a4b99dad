"""What is special about SimCLR: two views of a batch, one loss over all of them, a head that is left behind."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nolabel import SimCLR
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.simclr import SimCLRLearner
from nolabel.randomness import Draws
from nolabel.training.engine import evaluating
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(64, 8)
IMAGES = toys.stripes(64, 8)


def _fit(data: Any = TABLE, **arguments: Any) -> SimCLR:
    given = {"backbone": "mlp", "projection": (16, 8), "epochs": 2, "batch_size": 32, "random_state": 0}
    return SimCLR(**{**given, **arguments}).fit(data)


def _batch(rows: int = 12) -> Batch:
    return Batch(TABLE.store[:rows], torch.arange(rows))


def _step(number: int = 0) -> Step:
    return Step(number, 0.5, Draws(0, number))


def looped(z: Tensor, tau: float) -> float:
    """Eq. 1 of the paper over 2B embeddings, the views of a sample B rows apart."""
    rows = [row / np.linalg.norm(row) for row in z.double().numpy()]
    half, losses = len(rows) // 2, []
    for i, anchor in enumerate(rows):
        shares = [math.exp(anchor @ other / tau) for k, other in enumerate(rows) if k != i]
        losses.append(-math.log(math.exp(anchor @ rows[(i + half) % len(rows)] / tau) / sum(shares)))
    return sum(losses) / len(losses)


def test_the_loss_is_the_papers_over_both_views_of_the_batch() -> None:
    learner: SimCLRLearner = _fit(temperature=0.3).learner_
    batch = _batch()
    with torch.no_grad(), evaluating(learner):
        losses = learner.loss(batch, _step())
        z = learner.head(learner.backbone(torch.cat(learner.views_of(batch.x, _step().draws))))
    assert losses.total.item() == pytest.approx(looped(z, 0.3), abs=1e-5)
    assert losses.signals["chance"].item() == pytest.approx(math.log(2 * 12 - 1))


def test_both_views_go_through_the_network_as_one_batch() -> None:
    """So batch statistics are of both views, as in the paper, and cannot tell one view from the other."""
    learner: SimCLRLearner = _fit().learner_
    seen: list[int] = []
    learner.backbone.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    learner.train()
    learner.loss(_batch(), _step())
    assert seen == [24]


def test_the_head_is_no_part_of_the_code() -> None:
    model = _fit()
    with torch.no_grad():
        features = model.learner_.backbone(TABLE.store).numpy()
    assert np.allclose(model.transform(TABLE), features, atol=1e-6)
    assert model.transform(TABLE).shape[1] == model.learner_.backbone.width
    torch.nn.init.zeros_(model.learner_.head[0].weight)
    assert np.allclose(model.transform(TABLE), features, atol=1e-6)


def test_views_that_are_alike_are_told_of_and_soon_matched() -> None:
    model = _fit(views={"corrupt": 0.0}, epochs=4)
    assert model.history_[-1]["change"] == 0
    assert model.history_[-1]["matched"] == pytest.approx(1)


def test_it_learns_what_the_views_keep() -> None:
    """Samples that differ in a part that no view changes are told apart far beyond chance, by that part."""
    generator = torch.Generator().manual_seed(0)
    kept = torch.randn(128, 4, generator=generator)
    noise = torch.randn(128, 12, generator=generator)

    def other_noise(x: Tensor) -> Tensor:
        return torch.cat([x[:, :4], torch.randn(len(x), 12)], 1)

    model = _fit(torch.cat([kept, noise], 1), views=other_noise, epochs=60, learning_rate=0.005, temperature=0.2)
    assert model.history_[-1]["matched"] > 0.5
    assert model.history_[-1]["loss"] < 0.6 * model.history_[-1]["chance"]
    samples = torch.cat([kept, noise], 1).repeat(2, 1)
    samples[128:, 4:] = torch.randn(128, 12, generator=generator)
    codes = torch.nn.functional.normalize(torch.from_numpy(model.transform(samples)), dim=1)
    nearest = (codes[:128] @ codes[128:].T).argmax(1)
    assert (nearest == torch.arange(128)).float().mean() > 0.5


def test_images_go_through_a_residual_network() -> None:
    model = _fit(IMAGES, backbone="auto", epochs=1)
    assert any(isinstance(module, nn.Conv2d) for module in model.learner_.backbone.modules())
    first, second = model.make_views(IMAGES)
    assert first.shape == second.shape == (64, 8, 8)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, second)


def test_a_backbone_of_the_users_is_copied_and_trained() -> None:
    own = nn.Sequential(nn.Flatten(), nn.Linear(8, 5))
    before = own[1].weight.detach().clone()
    model = _fit(backbone=own)
    assert model.transform(TABLE).shape == (64, 5)
    assert torch.equal(own[1].weight, before)
    assert not torch.equal(model.learner_.backbone.body[1].weight.cpu(), before)


def test_looking_at_a_held_out_part_changes_nothing() -> None:
    model = _fit(plan={"holdout": 0.25})
    assert np.isfinite([record["holdout_loss"] for record in model.history_]).all()
    before = {name: value.clone() for name, value in model.learner_.state_dict().items()}
    with torch.no_grad():
        model.learner_.loss(_batch(), _step())
    assert all(torch.equal(value, before[name]) for name, value in model.learner_.state_dict().items())


def test_bf16_trains() -> None:
    model = _fit(plan={"precision": "bf16"})
    assert np.isfinite([record["loss"] for record in model.history_]).all()
    assert all(p.dtype == torch.float32 for p in model.learner_.parameters())


def test_an_odd_sample_left_over_does_no_harm() -> None:
    """Three samples in batches of two: one batch holds a sample that has no other to be told from."""
    model = _fit(TABLE.store[:3].numpy(), batch_size=2)
    assert np.isfinite(model.history_[-1]["loss"])
    assert np.isfinite(model.transform(TABLE.store[:3].numpy())).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature must be above 0; got 0.0"),
        ({"temperature": -0.5}, "temperature must be above 0; got -0.5"),
        ({"batch_size": 1}, "batch_size must be at least 2, for SimCLR learns from how the samples"),
        ({"projection": ()}, r"projection must hold widths of at least 1, such as \(512, 128\); got \(\)"),
        ({"projection": (16, 0)}, r"projection must hold widths of at least 1.*got \(16, 0\)"),
        ({"backbone": "smal"}, "backbone must be one of .*did you mean 'small'"),
        ({"views": {"corupt": 0.3}}, "corupt.*did you mean 'corrupt'"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(**arguments)
