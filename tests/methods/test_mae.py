"""What is special about MAE: it sees nothing of what it is asked for, and learns what goes with what."""

import numpy as np
import pytest
import torch

from nolabel import MAE
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.nets.vit import ViT
from nolabel.objectives.masked import normalised_patches
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch, to_network
from nolabel.views.patches import from_patches, to_patches


def small(**arguments: object) -> MAE:
    return MAE.tiny().set_params(**{"epochs": 1, **arguments})


# --- images ----------------------------------------------------------------------------------------------------------

STRIPES = toys.stripes(48, 16)
IMAGES = to_network(STRIPES.rows(torch.arange(12))[0])


def test_the_loss_on_images_is_its_equation() -> None:
    learner = small(mask=0.75, patch=4).fit(STRIPES).learner_.eval()
    loss = learner.loss(Batch(IMAGES, torch.arange(12)), Step(0, 0.0, Draws(5)))
    hidden = learner.mask(IMAGES, Draws(5))
    assert set(hidden.sum(1).tolist()) == {12}
    visible = learner.mask.visible(hidden)
    tokens = learner.backbone.body.tokens(learner.backbone.normalised(IMAGES), visible)
    said, wanted = learner.decoder(tokens, visible), normalised_patches(to_patches(IMAGES, 4))
    errors = [((said[i, p] - wanted[i, p]) ** 2).mean().item() for i in range(12) for p in range(16) if hidden[i, p]]
    assert loss.parts["masked"].item() == pytest.approx(sum(errors) / len(errors), rel=1e-4)
    guesses = [(wanted[i, p] ** 2).mean().item() for i in range(12) for p in range(16) if hidden[i, p]]
    assert loss.signals["guessing"].item() == pytest.approx(sum(guesses) / len(guesses), rel=1e-4)


def test_hidden_patches_have_no_say_in_what_is_predicted() -> None:
    learner = small(mask=0.5, patch=4).fit(STRIPES).learner_.eval()
    visible = learner.mask.visible(learner.mask(IMAGES, Draws(5)))
    shown = torch.zeros(12, 16, dtype=torch.bool).scatter(1, visible, True)
    seen_only = torch.where(shown[:, :, None], to_patches(IMAGES, 4), torch.rand(12, 16, 16))
    other = from_patches(seen_only, 4, (4, 4))
    backbone = learner.backbone
    says = [learner.decoder(backbone.body.tokens(backbone.normalised(x), visible), visible) for x in (IMAGES, other)]
    torch.testing.assert_close(says[0], says[1])


def test_it_learns_to_fill_in_patches() -> None:
    x = np.linspace(0, 6 * np.pi, 16)
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (192, 1))
    waves = np.rint(127 + 120 * np.sin(x[None] + phases))[:, None, :].repeat(16, 1).astype(np.uint8)
    model = small(mask=0.5, patch=4, width=32, decoder_width=32, epochs=40, batch_size=64, learning_rate=0.003)
    last = model.fit(waves).history_[-1]
    assert last["masked"] < 0.8 * last["guessing"]


def test_views_are_grey_where_nothing_is_seen() -> None:
    model = small(mask=0.75, patch=4).fit(STRIPES)
    (view,) = model.make_views(STRIPES)
    pixels = np.asarray(STRIPES.store).reshape(view.shape)
    blocks = view.reshape(48, 4, 4, 4, 4).transpose(0, 1, 3, 2, 4).reshape(48, 16, 16)
    grey = ((blocks == 127) | (blocks == 128)).all(2)
    assert (grey.sum(1) >= 12).all()
    assert (view != pixels).reshape(48, -1).mean(1).max() <= 0.75


def test_codes_are_the_mean_of_all_patches() -> None:
    model = small(patch=4).fit(STRIPES)
    learner = model.learner_.eval()
    tokens = learner.backbone.body.tokens(learner.backbone.normalised(IMAGES))
    torch.testing.assert_close(learner.encode(IMAGES), tokens.mean(1))


@pytest.mark.parametrize("pooling", ["mean", "class"])
def test_a_vit_of_the_users_is_copied_and_trained(pooling: str) -> None:
    vit = ViT((1, 16, 16), patch=8, width=8, depth=1, pooling=pooling)  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in vit.state_dict().items()}
    model = small(backbone=vit).fit(STRIPES)
    assert model.transform(STRIPES).shape == (48, 8)
    assert model.learner_.side == 8
    assert all(torch.equal(value, before[name]) for name, value in vit.state_dict().items())


# --- tables ----------------------------------------------------------------------------------------------------------


def rows() -> tuple[torch.Tensor, MAE]:
    data = toys.blobs(64, 6)
    return to_network(data.rows(torch.arange(20))[0]), small(mask=0.5).fit(data)


def test_the_loss_on_tables_is_its_equation() -> None:
    x, model = rows()
    learner = model.learner_.eval()
    loss = learner.loss(Batch(x, torch.arange(20)), Step(0, 0.0, Draws(5)))
    hidden = learner.mask(x, Draws(5))
    said = learner.decoder(learner.backbone(torch.cat([x * ~hidden, hidden.float()], 1)))
    errors = [(said[i, d] - x[i, d]).item() ** 2 for i in range(20) for d in range(6) if hidden[i, d]]
    assert len(errors) == 60
    assert loss.parts["masked"].item() == pytest.approx(sum(errors) / 60, rel=1e-4)


def test_it_learns_what_columns_say_about_each_other() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 10)) + 0.05 * rng.normal(size=(400, 10))
    last = small(epochs=30, batch_size=64, learning_rate=0.003).fit(X).history_[-1]
    assert last["masked"] < 0.4 * last["guessing"]
    alone = small(epochs=30, batch_size=64, learning_rate=0.003).fit(rng.normal(size=(400, 10))).history_[-1]
    assert alone["masked"] > 0.8 * alone["guessing"], "of columns that are independent nothing can be learned"


def test_a_gap_is_as_a_hidden_column_and_is_not_asked_for() -> None:
    frame, _ = toys.mixed(80)
    model = small(epochs=2).fit(frame)
    learner = model.learner_.eval()
    data = model._open(frame)
    stored, mask = data.rows(torch.arange(80))
    x = to_network(stored)
    assert mask is not None
    index = torch.arange(80)
    loss = learner.loss(Batch(x, index, None, mask), Step(0, 0.0, Draws(1))).parts["masked"]
    spoilt = torch.where(mask, x, torch.tensor(9.0))
    again = learner.loss(Batch(spoilt, index, None, mask), Step(0, 0.0, Draws(1))).parts["masked"]
    torch.testing.assert_close(again, loss)
    torch.testing.assert_close(learner.encode_observed(spoilt, mask), learner.encode_observed(x, mask))
    np.testing.assert_allclose(model.transform(frame), learner.encode_observed(x, mask).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("data", "arguments", "says"),
    [
        (STRIPES, {"mask": 1.0}, "mask must be a number above 0 and below 1"),
        (STRIPES, {"patch": 5}, "patch=5 does not cut images of 16 x 16 into whole patches; give one of 2, 4, 8"),
        (STRIPES, {"backbone": "resnet18"}, "backbone must be 'auto', 'vit' or a nolabel.nets.vit.ViT for images"),
        (STRIPES, {"width": 18}, "width must be a multiple of 4"),
        (STRIPES, {"depth": 0}, "depth must be at least 1; got 0"),
    ],
)
def test_nonsense_is_refused(data: object, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        small(**arguments).fit(data)
