"""Copies of the data are found while a game is trained, and said."""

from pathlib import Path

import torch
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.training import engine
from nolabel.training.copying import MOST_VALUES, Copying
from nolabel.training.health import COPIED
from nolabel.training.snapshots import Album, moments
from nolabel.types import DataSpec
from training.toys import job, make, mapped, table
from training.two_players import TwoPlayers, planted


class ByHeart(TwoPlayers):
    """A generator that has data in its head, and blurs them a little; or draws anew."""

    def __init__(self, data: Tensor, blur: float) -> None:
        super().__init__(gamma=0.3)
        self.data, self.blur = data, blur

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        chosen = self.data[torch.randint(len(self.data), (count,), generator=generator)]
        return chosen + self.blur * torch.randn(chosen.shape, generator=generator)


def played(learner: ByHeart, data: Dataset, epochs: int = 20) -> engine.Outcome:
    """With averaged weights, so that all signals are of what `sample` makes."""
    plan = {"optimizer": "adam", "betas": (0.0, 0.99), "ema": 0.9}
    usual = {"batch_size": 128, "learning_rate": 0.003, "plan": plan}
    return engine.run(job(learner, data, epochs=epochs, album=Album(learner.sample, data.spec), **usual))


def test_copies_are_said_with_what_to_turn() -> None:
    data = planted(count=2048)
    outcome = played(ByHeart(data.rows(torch.arange(len(data)))[0], 1e-4), data)
    verdict = next(one for one in outcome.verdicts if one.name == "memorisation")
    assert verdict.level == "bad"
    assert "of the samples lie as much nearer to one training sample" in verdict.text
    assert "augment=True" in verdict.knob


def test_new_data_are_no_copies_and_it_is_measured_now_and_then() -> None:
    data, new = planted(count=2048), planted(modes=4, count=4096)
    outcome = played(ByHeart(new.rows(torch.arange(2048, 4096))[0], 0.05), data)
    assert "memorisation" not in {one.name for one in outcome.verdicts}
    measured = {int(record["epoch"]) for record in outcome.history if COPIED in record}
    assert measured == moments(20)
    assert all(record.get(COPIED, 0.0) < 0.2 for record in outcome.history)


def test_in_a_short_game_too() -> None:
    """A game of few steps is told to go on; that it copies is said as it is."""
    data = planted(count=256)
    outcome = played(ByHeart(data.rows(torch.arange(len(data)))[0], 1e-4), data, epochs=4)
    assert {one.name: one.level for one in outcome.verdicts}["memorisation"] == "bad"


def test_only_games_are_measured_and_only_data_at_hand(tmp_path: Path) -> None:
    line = make("gradient")
    outcome = engine.run(job(line, table(), album=Album(lambda count, _: torch.zeros(count, 4), table().spec)))
    assert not [record for record in outcome.history if COPIED in record]
    assert Copying.can_tell(table())
    assert not Copying.can_tell(table(19))
    assert not Copying.can_tell(mapped(tmp_path))
    wide = DataSpec("table", (MOST_VALUES // 20,), "real")
    store = torch.zeros(1).expand(21, MOST_VALUES // 20)
    assert not Copying.can_tell(Dataset(wide, store, range(21)))
