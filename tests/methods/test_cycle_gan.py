"""CycleGAN: its losses from its own nets, one value after the other; pools, ways back, and that it learns without pairs."""

import numpy as np
import pytest
import torch

from nolabel import CycleGAN
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.methods.cycle_gan import CycleGANLearner
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec

STEP = Step(0, 0.0, Draws(0))


def spec(given: int, made: int) -> DataSpec:
    target = {"modality": "image", "shape": [made, 9, 11], "values": "unit", "recipe": {}}
    return DataSpec("image", (given, 9, 11), "unit", {"source": "array", "target": target})


def learner_of(given: int = 2, made: int = 2, **arguments: object) -> CycleGANLearner:
    with seeded(0):
        return CycleGAN(channels=4, **arguments).build(spec(given, made))


def batch_of(x: torch.Tensor, y: torch.Tensor) -> Batch:
    return Batch(torch.cat([x, y], 1), torch.arange(len(x)))


def mean_of(values: torch.Tensor, function) -> float:
    listed = values.flatten().tolist()
    return sum(function(value) for value in listed) / len(listed)


def test_all_pay_as_the_paper_says() -> None:
    game = learner_of(cycle=7.0, identity=3.0).eval()
    x, y = torch.rand(3, 2, 9, 11), torch.rand(3, 2, 9, 11)
    there, back = game.generators["there"], game.generators["back"]
    judges = game.discriminators
    of_d = game.player_loss("discriminator", batch_of(x, y), STEP).parts
    for side, real, fake in (("y", y, there(x)), ("x", x, back(y))):
        of_real = 0.5 * mean_of(judges[side](real), lambda d: (d - 1) ** 2)
        of_fake = 0.5 * mean_of(judges[side](fake), lambda d: d**2)
        assert of_d[f"real_{side}"].item() == pytest.approx(of_real, rel=1e-4)
        assert of_d[f"fake_{side}"].item() == pytest.approx(of_fake, rel=1e-4)
    of_g = game.player_loss("generator", batch_of(x, y), STEP).parts
    fooling = sum(
        mean_of(judges[side](made), lambda d: (d - 1) ** 2) for side, made in (("y", there(x)), ("x", back(y)))
    )
    cycle = mean_of(back(there(x)) - x, abs) + mean_of(there(back(y)) - y, abs)
    identity = mean_of(there(y) - y, abs) + mean_of(back(x) - x, abs)
    assert of_g["fooling"].item() == pytest.approx(fooling, rel=1e-4)
    assert of_g["cycle"].item() == pytest.approx(7 * cycle, rel=1e-4)
    assert of_g["identity"].item() == pytest.approx(3 * identity, rel=1e-4)
    assert set(of_g) == {"fooling", "cycle", "identity"}


def test_judges_that_can_tell_nothing_pay_a_quarter_each() -> None:
    game = learner_of().eval()
    with torch.no_grad():
        for judge in game.discriminators.values():
            judge.head.weight.zero_()
            judge.head.bias.fill_(0.5)
    batch = batch_of(torch.rand(2, 2, 9, 11), torch.rand(2, 2, 9, 11))
    told = game.player_loss("discriminator", batch, STEP)
    assert told.total.item() == pytest.approx(0.5, rel=1e-5)
    assert told.signals["logit_real"].item() == pytest.approx(0, abs=1e-6)
    assert game.player_loss("generator", batch, STEP).parts["fooling"].item() == pytest.approx(0.5, rel=1e-5)


def test_images_with_other_channels_have_no_identity() -> None:
    game = learner_of(1, 3)
    batch = batch_of(torch.rand(2, 1, 9, 11), torch.rand(2, 3, 9, 11))
    assert set(game.player_loss("generator", batch, STEP).parts) == {"fooling", "cycle"}
    with pytest.raises(ArgumentError, match="identity must be 0 .* have 1 channels and those in Y 3.*got 2.0"):
        learner_of(1, 3, identity=2.0)


def test_discriminators_see_the_pool_while_training_only() -> None:
    game = learner_of(pool=2)
    first, second = (batch_of(torch.rand(2, 2, 9, 11), torch.rand(2, 2, 9, 11)) for _ in range(2))
    game.eval()
    game.player_loss("discriminator", first, STEP)
    assert game.pools["x"].filled == game.pools["y"].filled == 0
    game.train()
    game.player_loss("discriminator", first, STEP)
    assert torch.allclose(game.pools["y"].images, game.generators["there"](first.x[:, :2]), atol=1e-6)
    assert torch.allclose(game.pools["x"].images, game.generators["back"](first.x[:, 2:]), atol=1e-6)
    seen = [game.player_loss("discriminator", second, Step(0, 0.0, Draws(seed))).parts["fake_y"] for seed in range(4)]
    assert len({value.item() for value in seen}) > 1


def test_the_mean_of_both_generators_is_kept() -> None:
    game = learner_of(discriminator_rate=2.0)
    assert game.averaged_part() is game.generators
    assert set(game.rates().values()) == {2.0}
    assert all(name in dict(game.named_parameters()) for name in game.rates())


def pictures(count: int, seed: int) -> np.ndarray:
    """Dim discs on black, at random places."""
    draws = np.random.default_rng(seed)
    rows, columns = np.mgrid[:12, :10]
    places = draws.integers(2, 8, (count, 2))[:, :, None, None]
    inside = (rows - places[:, 0]) ** 2 + (columns - places[:, 1]) ** 2 < 6
    return (inside * 120).astype(np.uint8)


def test_it_learns_a_translation_that_nobody_has_shown_and_its_way_back() -> None:
    """Black becomes white, and what was given can be found again."""
    X, Y = pictures(64, 0), 255 - pictures(48, 1)
    settings = {"channels": 8, "learning_rate": 0.005}
    model = CycleGAN(**settings, epochs=50, batch_size=32, random_state=0).fit(X, Y)
    new = pictures(16, 2)
    made = model.translate(new)
    background = new == 0
    assert made[background].mean() > 200
    again = model.translate(made, back=True).astype(float)
    assert np.abs(again - new).mean() < 0.5 * np.abs(new.mean(0) - new).mean()


def test_back_gives_the_form_of_what_was_given() -> None:
    X, Y = pictures(20, 0), np.repeat(pictures(10, 1)[:, None], 3, 1) / np.float32(255)
    model = CycleGAN(channels=2, epochs=1, random_state=0).fit(X, Y)
    assert model.translate(X).shape == (20, 3, 12, 10)
    assert model.translate(X).dtype == np.float32
    assert model.translate(Y, back=True).shape == (10, 12, 10)
    assert model.translate(Y, back=True).dtype == np.uint8
    with pytest.raises(ModalityError, match="images"):
        model.translate(np.zeros((3, 4)), back=True)
    with pytest.raises(ArgumentError, match="back must be True or False; got 'no'"):
        model.translate(Y, back="no")


def test_one_target_is_too_few() -> None:
    with pytest.raises(DataError, match="found 1 target in y; learning needs at least 2"):
        CycleGAN().fit(pictures(8, 0), pictures(1, 1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cycle": -1.0}, "cycle must be at least 0"),
        ({"identity": -1.0}, "identity must be at least 0"),
        ({"pool": -1}, "pool must be at least 0"),
        ({"discriminator_rate": 0.0}, "discriminator_rate must be above 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, float], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        CycleGAN(epochs=1, **arguments).fit(pictures(8, 0), pictures(8, 1))
