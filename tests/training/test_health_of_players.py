"""Verdicts on two players: each is provoked by a game that goes wrong that way, and by numbers."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from nolabel.training import engine
from nolabel.training.health import Verdict, examine
from nolabel.training.learner import TakesTurns
from nolabel.training.snapshots import Album
from training.toys import job
from training.two_players import LATENT, TwoPlayers, planted

codes = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
PLAN = {"optimizer": "adam", "betas": (0.0, 0.99)}


def played(learner: dict[str, Any], data: dict[str, Any], **changes: Any) -> list[Verdict]:
    usual = {"epochs": 40, "batch_size": 128, "learning_rate": 0.003, "plan": PLAN}
    return engine.run(job(TwoPlayers(**learner), planted(**data), **{**usual, **changes})).verdicts


class Rarely(TwoPlayers, TakesTurns):
    """A generator that moves in the last of so many steps, by default of three epochs of eight."""

    def __init__(self, every: int = 24, **more: Any) -> None:
        super().__init__(**more)
        self.every = every

    def moves(self, number: int) -> Sequence[str]:
        return ["discriminator"] if (number + 1) % self.every else ["discriminator", "generator"]

    def made(self, count: int, generator: torch.Generator) -> Tensor:
        return self.generator(self.latents * torch.randn(count, LATENT, generator=generator))  # type: ignore[no-any-return]


def names(found: list[Verdict]) -> dict[str, str]:
    return {verdict.name: verdict.level for verdict in found}


def test_a_game_without_trouble_is_healthy() -> None:
    (verdict,) = played({"gamma": 0.3}, {"modes": 3, "deviation": 0.8})
    assert (verdict.level, verdict.name) == ("good", "healthy")
    assert "of what the data do. Nothing" in verdict.text
    assert "loss" not in verdict.text, "the sum of what players lose says nothing"


GONE_WRONG: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    # whatever z is, the sample is the same
    ("mode collapse", "bad", {"latents": 0.0}, {}, "R3GAN"),
    # half of the data cannot be made
    ("mode collapse", "bad", {"folded": True}, {"deviation": 0.4}, "R3GAN"),
    # one player stands still
    ("discriminator has won", "bad", {"game": "plain", "rates": (0.0, 3.0)}, {}, "discriminator_rate"),
    ("generator has won", "bad", {"game": "plain", "rates": (3.0, 0.0)}, {}, "discriminator_steps"),
    # what the generator minimises is flat where the discriminator is sure
    ("vanishing gradients", "bad", {"game": "minimax", "rates": (0.01, 4.0)}, {}, "gradient penalty"),
    ("oscillation", "warning", {"pulse": 8}, {}, "lower learning_rate"),
    # so narrow that so few steps do not find them
    ("samples unlike the data", "bad", {}, {"modes": 8, "deviation": 0.01}, "more epochs"),
]


@pytest.mark.parametrize(("name", "level", "learner", "data", "knob"), GONE_WRONG)
def test_what_goes_wrong_is_said_with_what_to_turn(name: str, level: str, learner: Any, data: Any, knob: str) -> None:
    found = played(learner, data)
    assert names(found).get(name) == level, found
    verdict = next(verdict for verdict in found if verdict.name == name)
    assert knob in verdict.knob
    assert verdict.text.endswith(".")
    assert "healthy" not in names(found)


def test_a_game_of_few_steps_is_not_lost_but_short() -> None:
    found = played({"latents": 0.0}, {}, epochs=4)
    assert names(found) == {"mode collapse": "warning"}
    assert found[0].knob == "more epochs"


LONG = {"modes": 3, "deviation": 0.8, "count": 128 * 400}


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_of_one_or_two_long_epochs_is_judged_when_it_ends(epochs: int) -> None:
    data = {**LONG, "count": LONG["count"] // epochs}
    assert names(played({"gamma": 0.3}, data, epochs=epochs)) == {"healthy": "good"}
    assert names(played({"latents": 0.0}, data, epochs=epochs)) == {"mode collapse": "bad"}


def test_samples_are_judged_though_the_generator_moves_in_few_epochs() -> None:
    """By averaged weights in every epoch from when it has moved; by its own in those in which it moves."""
    for plan in (PLAN, {**PLAN, "ema": 0.9}):
        learner, data = Rarely(latents=0.0), planted()
        album = Album(learner.made, data.spec)
        usual = {"epochs": 60, "batch_size": 128, "learning_rate": 0.003, "plan": plan}
        outcome = engine.run(job(learner, data, album=album, **usual))
        seen = [int(record["epoch"]) for record in outcome.history if "generator.diversity" in record]
        assert seen == (list(range(3, 61)) if "ema" in plan else list(range(3, 61, 3)))
        assert names(outcome.verdicts)["mode collapse"] == "bad"


def test_samples_of_a_few_long_epochs_are_looked_at_as_they_are_in_the_end() -> None:
    learner, data = Rarely(every=1, gamma=0.3), planted(**LONG)
    usual = {"epochs": 1, "batch_size": 128, "learning_rate": 0.003, "plan": PLAN}
    with_album = engine.run(job(learner, data, album=Album(learner.made, data.spec), **usual)).history[0]
    plain = engine.run(job(Rarely(every=1, gamma=0.3), data, **usual)).history[0]
    assert with_album["generator.missed"] < plain["generator.missed"]
    assert with_album["discriminator.right"] == plain["discriminator.right"]


def test_a_short_game_is_not_called_good() -> None:
    (verdict,) = examine(codes, [GOOD] * 5, steps=40)
    assert (verdict.level, verdict.name, verdict.knob) == ("warning", "few steps", "more epochs")
    assert verdict.text.startswith("40 steps are too few")
    assert names(examine(codes, [GOOD] * 5, steps=300)) == {"healthy": "good"}
    assert names(examine(codes, [GOOD] * 5, steps=40, ended=False)) == {"healthy": "good"}, "it goes on"
    restored = {"generator.pixels": 0.1, "generator.damage": 0.2}
    assert names(examine(codes, [restored] * 5, steps=40)) == {"healthy": "good"}, "what it undoes is judged"


def test_small_units_of_a_discriminator_are_not_called_dead() -> None:
    unlike_sizes = codes * torch.tensor([1.0] * 6 + [0.001] * 2)
    assert names(examine(unlike_sizes, [GOOD] * 5)) == {"healthy": "good"}
    assert names(examine(unlike_sizes, [{"loss": 1.0}] * 5)).get("dead units") == "warning"


# --- each rule by numbers --------------------------------------------------------------------------------------------

GOOD = {
    "generator.diversity": 1.0,
    "generator.coverage": 0.95,
    "generator.missed": 0.0,
    "generator.reused": 0.45,
    "generator.push": 0.5,
    "discriminator.right": 0.7,
    "discriminator.logit_real": 0.5,
    "discriminator.logit_fake": -0.5,
}


def history(epochs: int = 8, **last: Any) -> list[dict[str, float]]:
    """A game that goes well but for what is given: one value, or one for each epoch."""
    named = {next(key for key in (*GOOD, *OTHERS) if key.endswith(f".{name}")): value for name, value in last.items()}
    return [
        {
            "epoch": e + 1.0,
            "loss": 2.0,
            **GOOD,
            **{key: value[e] if isinstance(value, list) else value for key, value in named.items()},
        }
        for e in range(epochs)
    ]


OTHERS = ("generator.copied",)
POOR = {"coverage": 0.2}
WON = {"right": 0.995}
EVEN = {"right": 0.5, "logit_real": 0.1, "logit_fake": 0.1}


@pytest.mark.parametrize(
    ("name", "level", "values", "records"),
    [
        ("mode collapse", "bad", 784, history(diversity=0.05)),
        ("mode collapse", "bad", 2, history(missed=0.5, coverage=0.45)),
        ("mode collapse", "warning", 2, history(missed=0.04, coverage=0.9)),  # one of 25
        ("mode collapse", "warning", 2, history(missed=0.2, coverage=0.6)),  # wide, and two of eight left out
        ("mode collapse", "bad", 2, history(missed=0.9, coverage=0.02, reused=0.9)),  # gathered, and beside the data
        ("mode collapse", "bad", 784, history(coverage=0.41, missed=0.31, reused=0.78)),  # one digit of ten
        ("mode collapse", "warning", 784, history(coverage=0.66, reused=0.73)),
        ("samples unlike the data", "bad", 784, history(coverage=0.02, missed=0.97, reused=0.62)),  # noise
        ("samples unlike the data", "warning", 2, history(coverage=0.3, missed=0.4, reused=0.6)),
        ("discriminator has won", "warning", 784, history(**WON)),
        ("discriminator has won", "bad", 784, history(**WON, **POOR)),
        ("generator has won", "bad", 784, history(**EVEN, **POOR)),
        ("vanishing gradients", "bad", 784, history(push=[5.0, 1.0, 0.5, 0.1, 0.1, 0.04, 0.03, 0.02], **POOR)),
        ("vanishing gradients", "bad", 784, history(push=0.0, **POOR)),
        ("oscillation", "warning", 784, history(diversity=[1.0, 0.6] * 4)),
        ("oscillation", "warning", 784, history(logit_real=[3.0, 0.5] * 4)),
        ("memorisation", "warning", 784, history(copied=0.3)),
        ("memorisation", "bad", 784, history(copied=0.97)),
        ("mode collapse", "bad", 784, history(epochs=2, diversity=0.01)),  # when it ends, after enough steps
    ],
)
def test_each_rule_fires(name: str, level: str, values: int, records: Any) -> None:
    found = examine(codes, records, values=values)
    assert names(found) == {name: level}
    assert found[0].knob
    assert found[0].text.endswith(".")


@pytest.mark.parametrize(
    ("values", "records"),
    [
        (784, history()),
        (2, history()),
        (784, history(coverage=0.5, missed=0.3, reused=0.5)),  # images that are not quite sharp
        (784, history(missed=0.2)),
        (2, history(coverage=0.75, missed=0.05)),  # samples wider than their modes
        (784, history(diversity=[0.0, 0.01, 0.05, 0.2, 0.5, 0.7, 0.8, 0.9])),  # a beginning
        (2, history(missed=[1.0, 0.9, 0.8, 0.5, 0.2, 0.1, 0.05, 0.0])),
        (784, history(**EVEN)),  # how a good game ends
        (784, history(push=[5.0, 1.0, 0.5, 0.1, 0.1, 0.04, 0.03, 0.02])),  # nothing is left to be pushed
        (784, history(right=0.5, logit_real=7.0, logit_fake=3.0, **POOR)),  # a Wasserstein critic's sign is nothing
        (784, history(right=[0.7, 0.99] * 4)),
        (784, history(diversity=[1.0, 0.95] * 4)),
        (784, history(logit_real=[0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])),  # a way, and no swing
        (784, history(copied=0.12)),
        (784, history(copied=[0.9] * 7 + [0.05])),  # of the past
    ],
)
def test_rules_keep_quiet_about_good_games(values: int, records: Any) -> None:
    assert names(examine(codes, records, values=values)) == {"healthy": "good"}


@pytest.mark.parametrize("epochs", [1, 2])
def test_few_epochs_are_judged_only_when_they_are_all_and_of_enough_steps(epochs: int) -> None:
    alike = history(epochs=epochs, diversity=0.01, coverage=0.0, reused=0.99, right=1.0)
    wanted = {"mode collapse": "bad", "discriminator has won": "bad"}
    assert names(examine(codes, alike, values=784, steps=100_000)) == wanted
    assert names(examine(codes, alike, values=784, ended=False)) == {"healthy": "good"}
    assert names(examine(codes, alike, values=784, steps=100)) == {"few steps": "warning"}
    beginning = history(epochs=epochs, missed=0.05, coverage=0.85)  # a mean with the beginning in it
    assert names(examine(codes, beginning, values=2)) == {"healthy": "good"}


def test_epochs_in_which_the_generator_did_not_move_do_not_hide_the_others() -> None:
    records = history(epochs=12, diversity=0.05)
    for number, record in enumerate(records):
        if number % 3:
            for name in [name for name in record if name.startswith("generator.")]:
                del record[name]
    assert names(examine(codes, records, values=784)) == {"mode collapse": "bad"}


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ({"diversity": 0.05}, {"mode collapse": "bad"}),
        ({"coverage": 0.02, "missed": 0.97}, {"samples unlike the data": "bad"}),
        ({"diversity": 0.6, "coverage": 0.3}, {"memorisation": "bad"}),
    ],
)
def test_what_is_no_sample_of_the_data_is_no_copy(samples: dict[str, float], said: dict[str, str]) -> None:
    assert names(examine(codes, history(copied=1.0, **samples), values=784)) == said


def test_a_game_that_ends_even_is_not_lost_because_a_few_data_are_left_out() -> None:
    fringes = {"missed": 0.078, "coverage": 0.83}  # of eight modes, all kept, whose samples are too near the middle
    assert names(examine(codes, history(**EVEN, **fringes), values=2)) == {"mode collapse": "warning"}
    half = examine(codes, history(**EVEN, missed=0.5, coverage=0.45), values=2)
    assert names(half) == {"mode collapse": "bad", "generator has won": "bad"}


NAMED = ("discriminator_steps=1", "discriminator_rate", "gamma", "augment", "R3GAN", "epochs", "learning_rate")
ALL = ("latent", "gamma", "augment", "discriminator_steps", "discriminator_rate", "epochs", "batch_size")


@pytest.mark.parametrize(
    ("arguments", "lost", "collapsed"),
    [
        (None, ("discriminator_steps=1", "gamma", "augment"), ("gamma", "R3GAN")),
        ((*ALL, "learning_rate"), ("discriminator_steps=1", "gamma", "augment"), ("gamma", "learning_rate")),
        (("discriminator_rate", "epochs", "learning_rate"), ("discriminator_rate",), ("epochs", "learning_rate")),
        (("latent", "discriminator_rate", "penalty"), ("discriminator_rate",), ()),
        (("latent", "discriminator_rate"), ("discriminator_rate",), ("R3GAN",)),
    ],
)
def test_only_what_a_method_has_is_to_be_turned(arguments: Any, lost: Any, collapsed: Any) -> None:
    both = history(diversity=0.05, **WON)
    knobs = {one.name: one.knob for one in examine(codes, both, values=784, arguments=arguments)}
    for verdict, wanted in (("discriminator has won", lost), ("mode collapse", collapsed)):
        said = {name for name in NAMED if name in knobs[verdict]}
        assert set(wanted) <= said
        assert arguments is None or said <= {*arguments, *wanted}


def test_what_has_not_been_reached_yet_is_no_matter_before_the_end() -> None:
    noise = history(coverage=0.02, missed=0.97, reused=0.62)
    assert names(examine(codes, noise, values=784, ended=False)) == {"healthy": "good"}
    assert names(examine(codes, history(diversity=0.05), values=784, ended=False)) == {"mode collapse": "bad"}
    early = examine(codes, history(diversity=0.05), values=784, ended=False, steps=100)
    assert names(early) == {"healthy": "good"}


def test_what_players_lose_is_no_matter() -> None:
    rising = [{"loss": float(e), "critic.gap": 1.0, "maker.fooling": 2.0} for e in range(1, 9)]
    assert names(examine(codes, rising)) == {"healthy": "good"}
    assert names(examine(codes, [{"loss": float(e)} for e in range(1, 9)])) == {"not learning": "bad"}


def test_of_samples_that_are_not_looked_at_nothing_bad_is_said() -> None:
    """As in a game whose samples have a datum each to be like, and log no diversity."""
    gone_wrong = {**WON, "push": [5.0, 1.0, 0.5, 0.1, 0.1, 0.04, 0.03, 0.02]}
    unseen = ("generator.diversity", "generator.coverage", "generator.missed", "generator.reused")
    for changed, wanted in ((gone_wrong, {"discriminator has won": "warning"}), (EVEN, {"healthy": "good"})):
        records = [{key: value for key, value in one.items() if key not in unseen} for one in history(**changed)]
        found = examine(codes, records, values=784)
        assert names(found) == wanted
        assert "unlike the data" not in found[0].text


def test_a_signal_that_is_not_logged_is_not_judged() -> None:
    for left_out in GOOD:
        records = [{key: value for key, value in record.items() if key != left_out} for record in history()]
        assert names(examine(codes, records, values=784)) == {"healthy": "good"}
