"""What is special about MoCo: keys from a teacher, a queue of them that is part of the checkpoint, two versions."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.checks.reproducing import At, differing, press_ctrl_c, untimed, weights
from nolabel import MoCo
from nolabel.data import toys
from nolabel.errors import ArgumentError, DivergedError, TrainingInterrupted
from nolabel.methods import _folder
from nolabel.methods.moco import MoCoLearner
from nolabel.randomness import Draws
from nolabel.training import engine
from nolabel.training.engine import evaluating
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(64, 8)


def _model(**arguments: Any) -> MoCo:
    given = {"backbone": "mlp", "projection": (16, 8), "prediction": (16,), "queue": 24, "momentum": 0.9}
    how = {"epochs": 2, "batch_size": 16, "random_state": 0}
    return MoCo(**{**given, **how, **arguments})


def _fit(data: Any = TABLE, **arguments: Any) -> MoCo:
    return _model(**arguments).fit(data)


def _batch(rows: slice = slice(0, 10)) -> Batch:
    return Batch(TABLE.store[rows], torch.arange(64)[rows])


def _step(number: int = 0, progress: float = 0.5) -> Step:
    return Step(number, progress, Draws(0, number))


def _unit(z: Tensor) -> list[Any]:
    return [row / np.linalg.norm(row) for row in z.double().numpy()]


def looped(q: Tensor, k: Tensor, tau: float, queue: list[tuple[Any, int]], owners: list[int]) -> float:
    """Eq. 1 of the paper: for each query its key, the batch's other keys, and the queue's of other samples."""
    losses, queries, keys = [], _unit(q), _unit(k)
    for i, query in enumerate(queries):
        candidates = [*keys, *(row for row, owner in queue if owner != owners[i])]
        shares = [math.exp(query @ candidate / tau) for candidate in candidates]
        losses.append(-math.log(math.exp(query @ keys[i] / tau) / sum(shares)))
    return sum(losses) / len(losses)


# --- the loss --------------------------------------------------------------------------------------------------------


def test_version_2_is_its_equation_with_a_queue() -> None:
    learner: MoCoLearner = _fit(temperature=0.3).learner_
    assert learner.queue is not None
    batch = _batch()
    with torch.no_grad(), evaluating(learner):
        losses = learner.loss(batch, _step())
        v1, v2 = learner.views_of(batch.x, _step().draws)
        q, k = learner.query(v1), learner.teacher(v2)
    queue = list(zip(learner.queue.rows.double().numpy(), learner.queue.owner.tolist()))
    assert losses.total.item() == pytest.approx(looped(q, k, 0.3, queue, list(range(10))), abs=1e-5)
    counts = [10 + sum(owner != i for _, owner in queue) for i in range(10)]
    assert losses.signals["chance"].item() == pytest.approx(sum(map(math.log, counts)) / 10)
    assert losses.signals["queue_filled"].item() == 1


def test_version_3_is_its_equation_both_ways() -> None:
    learner: MoCoLearner = _fit(version=3, temperature=0.3).learner_
    assert learner.queue is None
    batch = _batch()
    with torch.no_grad(), evaluating(learner):
        losses = learner.loss(batch, _step())
        v1, v2 = learner.views_of(batch.x, _step().draws)
        ways = [(learner.query(v1), learner.teacher(v2)), (learner.query(v2), learner.teacher(v1))]
    expected = sum(looped(q, k, 0.3, [], list(range(10))) for q, k in ways) / 2
    assert losses.total.item() == pytest.approx(expected, abs=1e-5)
    assert losses.signals["chance"].item() == pytest.approx(math.log(10))
    assert "queue_filled" not in losses.signals


# --- the teacher -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "m"), [(2, 0.9), (3, 1 - 0.1 * (math.cos(math.pi * 0.25) + 1) / 2)])
def test_the_teacher_follows(version: int, m: float) -> None:
    """Eq. 2 of the paper; in version 3 with a momentum that rises along a cosine."""
    learner: MoCoLearner = _fit(version=version).learner_
    student = [*learner.backbone.parameters(), *learner.head.parameters()]
    before = [p.clone() for p in learner.teacher.parameters()]
    learner.follow(_step(progress=0.25))
    for teacher, old, own in zip(learner.teacher.parameters(), before, student, strict=True):
        torch.testing.assert_close(teacher, m * old + (1 - m) * own.detach())
        assert not teacher.requires_grad


# --- the queue -------------------------------------------------------------------------------------------------------


def test_the_keys_of_a_step_enter_the_queue_after_it() -> None:
    learner: MoCoLearner = _model().build(_fit().spec_).train()
    assert learner.queue is not None
    for number, filled in ((0, 10), (1, 20), (2, 24)):
        rows = slice(10 * number, 10 * number + 10)
        learner.loss(_batch(rows), _step(number))
        assert learner.queue.filled.item() == min(10 * number, 24), "not before the step is done"
        learner.follow(_step(number))
        assert learner.queue.filled.item() == filled
    assert learner.queue.owner.tolist() == [24, 25, 26, 27, 28, 29, *range(6, 24)], "the newest replace the oldest"


def test_a_step_that_failed_leaves_nothing_in_the_queue() -> None:
    learner: MoCoLearner = _model().build(_fit().spec_).train()
    assert learner.queue is not None
    learner.loss(_batch(slice(0, 10)), _step(0))
    learner.loss(_batch(slice(20, 30)), _step(1))  # `follow` was not called after the first
    learner.follow(_step(1))
    assert learner.queue.owner[:10].tolist() == list(range(20, 30))
    assert learner.queue.filled.item() == 10


def test_a_run_that_diverges_keeps_the_queue_of_the_last_good_step() -> None:
    model = _model(learning_rate=1e30, queue=100)
    with pytest.raises(DivergedError) as raised:
        model.fit(TABLE)
    queue = model.learner_.queue
    assert torch.isfinite(queue.rows).all()
    assert queue.filled.item() == 16 * (raised.value.step - 1)


def test_a_held_out_part_stays_out_of_the_queue() -> None:
    model = _fit(plan={"holdout": 0.25}, epochs=1, queue=100)
    assert model.learner_.queue.filled.item() == 48
    before = {name: value.clone() for name, value in model.learner_.state_dict().items()}
    with torch.no_grad():
        model.learner_.loss(_batch(), _step(99))
    model.learner_.queue.take_in()
    assert all(torch.equal(value, before[name]) for name, value in model.learner_.state_dict().items())


def test_pieces_of_a_batch_all_enter_the_queue() -> None:
    queue = _fit(plan={"accumulate": 4}, epochs=1, queue=100).learner_.queue
    assert queue.filled.item() == 64
    assert sorted(queue.owner[:64].tolist()) == list(range(64))


def test_a_queue_larger_than_the_data_holds_no_negatives_of_ones_own() -> None:
    """64 samples, a queue of 500: each is there some eight times over, and its own keys are no candidates for it."""
    learner: MoCoLearner = _fit(queue=500, epochs=8).learner_
    assert learner.queue is not None
    assert learner.queue.filled.item() == 500
    own = (~learner.queue.not_of(torch.arange(64))).sum(1)
    assert own.min() >= 7
    with torch.no_grad():
        losses = learner.loss(_batch(), _step())
    candidates = 10 + 500 - own[:10].double()
    assert losses.signals["chance"].item() == pytest.approx(candidates.log().mean().item())


@pytest.mark.parametrize("at", [3, 6], ids=["in the first epoch", "in the second epoch"])
def test_a_run_stopped_with_a_half_full_queue_goes_on_exactly(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: dict[str, Any] = {"epochs": 3, "queue": 150, "plan": {"checkpoint_seconds": 0.0}}
    whole = _fit(**arguments)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "SPOKEN_SECONDS", 0)  # listeners hear of every step
        patch.setattr(_folder, "listeners", lambda *_, **__: [At(press_ctrl_c, step=at)])
        stopped = _model(**arguments)
        with pytest.raises(TrainingInterrupted):
            stopped.fit(TABLE, out=tmp_path / "run")
    assert 0 < stopped.learner_.queue.filled.item() < 150
    resumed = _model(**arguments).fit(TABLE, out=tmp_path / "run", resume=True)
    assert not differing(weights(whole), weights(resumed))
    assert untimed(whole.history_) == untimed(resumed.history_)


# --- what cannot be meant --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": 4}, "version must be one of '2', '3'; got 4"),
        ({"temperature": 0.0}, "temperature must be above 0; got 0.0"),
        ({"momentum": 1.5}, "momentum must be at least 0 and at most 1; got 1.5"),
        ({"queue": 0}, "queue must be at least 1; got 0"),
        ({"prediction": (0,), "version": 3}, "prediction must hold widths of at least 1"),
        ({"batch_size": 1}, "batch_size must be at least 2, for MoCo learns"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(**arguments)
