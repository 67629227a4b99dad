"""Verdicts on learners that compare views: each is provoked by a training that goes wrong that way, and by numbers."""

from typing import Any

import pytest
import torch

from nolabel.training import engine
from nolabel.training.health import Verdict, examine
from training.toys import job
from training.two_views import TwoViews, planted

codes = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))


def trained(learner: TwoViews, **changes: Any) -> list[Verdict]:
    return engine.run(
        job(learner, planted(), **{"epochs": 8, "batch_size": 64, "learning_rate": 0.003, **changes})
    ).verdicts


def names(found: list[Verdict]) -> dict[str, str]:
    return {verdict.name: verdict.level for verdict in found}


@pytest.mark.parametrize(
    ("learner", "changes"),
    [
        ({}, {}),
        ({"noise": 0.3, "temperature": 1.0}, {}),
        ({"objective": "teacher"}, {"epochs": 12}),
    ],
)
def test_a_training_without_trouble_is_healthy(learner: Any, changes: Any) -> None:
    assert names(trained(TwoViews(**learner), **changes)) == {"healthy": "good"}


GONE_WRONG: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    # nothing holds the views of different samples apart
    ("collapse", "bad", {"objective": "attract"}, {"epochs": 20, "learning_rate": 0.01}, "learning_rate"),
    # the encoder has a neck of one unit
    ("dimensional collapse", "bad", {"narrow": 1}, {}, "learning_rate"),
    # a softmax so flat that nothing can stand out
    ("loss at chance", "bad", {"temperature": 100.0}, {}, "lower temperature"),
    # a softmax so sharp that the first mistakes cost more than guessing
    ("worse than guessing", "warning", {"temperature": 1e-4}, {"learning_rate": 1e-4}, "higher temperature"),
    ("not learning", "bad", {}, {"learning_rate": 1e-7}, "higher learning_rate"),
    # views of noise alone, and views in which the sample drowns
    ("views too strong", "bad", {"keeps": 0.0}, {"epochs": 12}, "weaker views"),
    ("views too strong", "bad", {"noise": 5.0}, {"epochs": 12}, "weaker views"),
    ("views too weak", "bad", {"noise": 0.0}, {}, "stronger views"),
    ("views too weak", "warning", {"noise": 0.01}, {}, "stronger views"),
    ("views too weak", "warning", {"noise": 0.1}, {}, "stronger views"),
    ("batch too small", "warning", {}, {"batch_size": 4, "epochs": 3}, "batch_size"),
    # nothing balances the prototypes
    ("prototypes unused", "bad", {"objective": "prototypes"}, {"epochs": 20}, "prototypes"),
    # a student that cannot follow
    ("teacher and student apart", "warning", {"objective": "teacher"}, {"learning_rate": 1e-6}, "momentum"),
]


@pytest.mark.parametrize(("name", "level", "learner", "changes", "knob"), GONE_WRONG)
def test_what_goes_wrong_is_said_with_what_to_turn(
    name: str, level: str, learner: Any, changes: Any, knob: str
) -> None:
    found = trained(TwoViews(**learner), **changes)
    assert names(found).get(name) == level, found
    verdict = next(verdict for verdict in found if verdict.name == name)
    assert knob in verdict.knob
    assert verdict.text.endswith(".")
    assert "healthy" not in names(found)


# --- each rule by numbers --------------------------------------------------------------------------------------------


def history(epochs: int = 6, **last: float) -> list[dict[str, float]]:
    return [{"epoch": e, "loss": 3 / e, **last} for e in range(1, epochs + 1)]


def at(chance: float, *losses: float, **more: float) -> list[dict[str, float]]:
    return [
        {"epoch": e, "loss": loss, "contrast": loss, "chance": chance, **more} for e, loss in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("name", "level", "records", "batch"),
    [
        ("collapse", "bad", history(spread=0.01), 256),
        ("loss at chance", "bad", at(5.0, 5.1, 5.0, 4.99, 4.99), 256),
        ("loss at chance", "bad", at(5.0, 5.0, 5.0, 5.0, matched=0.9), 256),
        ("loss at chance", "warning", at(5.0, 5.4, 5.2, 5.1, 4.95, matched=0.1), 256),
        ("views too strong", "bad", at(5.0, 5.0, 5.0, 5.0, matched=0.004, change=1.1), 256),
        ("views too strong", "warning", history(similarity=1.0, matched=0.004), 256),
        ("worse than guessing", "warning", at(5.0, 9.0, 8.9, 8.8, 8.7, 8.6), 256),
        ("views too weak", "warning", history(matched=0.995, change=0.2), 256),
        ("batch too small", "warning", at(2.7, 2.0, 1.0), 8),
        ("batch too small", "warning", history(redundancy=1.0), 16),
        ("batch too small", "warning", history(covariance=1.0, dimensions=2048), 64),
        ("queue not filled", "warning", history(queue_filled=0.4), 256),
        ("prototypes unused", "bad", history(prototypes=1.0, prototypes_used=0.0011, chance=6.9), 256),
        ("prototypes unused", "warning", history(prototypes=1.0, prototypes_used=0.03, chance=6.9), 256),
        ("teacher and student apart", "warning", history(agreement=0.1), 256),
    ],
)
def test_each_rule_fires(name: str, level: str, records: Any, batch: int) -> None:
    assert names(examine(codes, records, batch=batch)) == {name: level}


@pytest.mark.parametrize(
    ("records", "batch"),
    [
        (at(6.9, 6.5, 6.0, 5.5, spread=0.9, matched=0.3, change=1.0), 512),
        ([*at(6.0, 5.9), *at(7.0, 6.6), *at(8.3, 7.6), *at(8.3, 7.5)], 256),  # a queue that fills
        (at(5.0, 5.0, 5.0), 256),  # two epochs say little
        (at(5.0, 9.0, 8.0, 6.0, 4.0, 3.0), 256),  # a sharp softmax that was learned after all
        (history(matched=0.995, change=0.9), 256),  # views that differ and are told apart all the same
        (history(matched=1.0, change=0.2), 8),  # among few that is no feat
        (history(redundancy=1.0), 128),
        (history(covariance=1.0, dimensions=2048), 256),
        (history(queue_filled=1.0), 256),
        (history(prototypes=1.0, prototypes_used=0.02, chance=8.0), 128),  # 60 of 3,000, in a batch of 128
        (history(prototypes=1.0, prototypes_used=0.4, chance=6.9), 256),
        (history(agreement=0.5), 256),
        (history(epochs=3, agreement=0.1), 256),
        (history(matched=0.004, epochs=3), 256),
    ],
)
def test_rules_keep_quiet_about_good_runs(records: Any, batch: int) -> None:
    assert names(examine(codes, records, batch=batch)) == {"healthy": "good"}


@pytest.mark.parametrize(
    "records",
    [history(agreement=0.1), history(similarity=1.0, matched=0.004), at(5.0, 5.4, 5.2, 5.1, 4.95)],
)
def test_what_has_not_been_reached_yet_is_no_matter_before_the_end(records: Any) -> None:
    assert names(examine(codes, records, batch=256, ended=False)) == {"healthy": "good"}
    assert "healthy" not in names(examine(codes, records, batch=256))


def test_of_two_verdicts_of_one_name_the_worse_is_kept() -> None:
    found = examine(torch.ones(20, 4), history(spread=0.0))
    assert [(verdict.name, verdict.level) for verdict in found] == [("collapse", "bad")]


def test_codes_that_are_no_numbers_are_said_to_be_so() -> None:
    found = examine(torch.full((20, 4), torch.nan), history())
    assert names(found) == {"broken codes": "bad"}


def test_a_wide_code_of_few_directions_is_a_collapse_of_dimensions_unless_the_data_have_no_more() -> None:
    generator = torch.Generator().manual_seed(0)
    few = torch.randn(512, 3, generator=generator) @ torch.randn(3, 256, generator=generator)
    assert names(examine(few, history(), values=3072)) == {"dimensional collapse": "warning"}
    assert names(examine(few, history(), values=4)) == {"healthy": "good"}


def test_without_codes_what_was_logged_is_judged() -> None:
    assert names(examine(None, history(spread=0.0))) == {"collapse": "bad"}
    assert names(examine(None, history())) == {"healthy": "good"}
