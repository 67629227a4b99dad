"""Verdicts on what undoes damage: nothing undone, or more of it done; with a player's name before the signals or not."""

from typing import Any

import pytest
import torch

from nolabel.training.health import examine

codes = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))


def found(shares: list[float], player: str = "", **more: Any) -> dict[str, str]:
    history = [
        {"loss": 1 / (e + 1), f"{player}pixels": 0.05 * share, f"{player}damage": 0.05}
        for e, share in enumerate(shares)
    ]
    return {verdict.name: verdict.level for verdict in examine(codes, history, **more)}


@pytest.mark.parametrize("player", ["", "generator."])
@pytest.mark.parametrize(
    ("shares", "steps", "wanted"),
    [
        ([0.9, 0.6], 1000, {"healthy": "good"}),
        ([1.2, 0.97], 1000, {"healthy": "good"}),
        ([1.0, 0.99], 1000, {"not learning": "warning"}),
        ([1.0, 1.0], 1000, {"not learning": "bad"}),
        ([1.01, 0.999], 1000, {"not learning": "bad"}),
        ([0.5, 1.1], 1000, {"worse than the damage": "bad"}),
        ([1e9, 6e5], 1000, {"worse than the damage": "bad"}),
        # of few steps that of which more may mend it is no more than a warning
        ([1.2, 1.1], 100, {"worse than the damage": "warning"}),
        ([1.009, 0.999], 100, {"not learning": "warning"}),
        ([1.0, 1.0], 100, {"not learning": "bad"}),
        ([1e9, 6e5], 100, {"worse than the damage": "bad"}),
    ],
)
def test_what_is_undone_is_held_against_the_damage(player: str, shares: Any, steps: int, wanted: Any) -> None:
    assert found(shares, player, steps=steps) == wanted


def test_it_is_said_at_the_end_and_with_what_to_turn() -> None:
    assert found([1.0, 1.0], "generator.", ended=False) == {"healthy": "good"}
    (verdict,) = examine(codes, [{"loss": 1.0, "pixels": 3.0, "damage": 0.05}], arguments=("learning_rate", "epochs"))
    assert verdict.knob == "a lower learning_rate or more epochs"
    assert verdict.text.startswith("What is restored is 60 times as far from the truth")


def test_without_damage_or_of_others_nothing_is_said() -> None:
    for record in ({"pixels": 0.1, "damage": 0.0}, {"pixels": 0.1}, {"a.pixels": 0.1, "b.damage": 0.1}):
        assert [verdict.name for verdict in examine(codes, [{"loss": 1.0, **record}])] == ["healthy"]
