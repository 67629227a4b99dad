"""What is special about SwAV: balanced codes, prototypes of unit norm, a queue that survives stops and processes."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from contract.checks import reproducing
from contract.checks.samples import table
from methods.prototypes_over_processes import trained
from nolabel import SwAV
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.swav import SwAVLearner
from nolabel.objectives.prototypes import balanced_codes
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(96, 6)


def _learner(**arguments: Any) -> SwAVLearner:
    return SwAV.tiny().set_params(epochs=1, **arguments).fit(TABLE).learner_


def _batch(rows: int = 32) -> Batch:
    return Batch(TABLE.store[:rows], torch.arange(rows))


def _step(number: int = 0, progress: float = 0.5) -> Step:
    return Step(number, progress, Draws(0, number))


def test_prototypes_have_unit_norm_after_every_step() -> None:
    learner = _learner()
    assert torch.allclose(learner.head.prototypes.norm(dim=1), torch.ones(12), atol=1e-6)
    with torch.no_grad():
        learner.head.prototypes.mul_(3)
    learner.follow(_step())
    assert torch.allclose(learner.head.prototypes.norm(dim=1), torch.ones(12), atol=1e-6)


def test_prototypes_that_are_alike_cost_ln_k() -> None:
    learner = _learner().eval()
    with torch.no_grad():
        learner.head.prototypes.copy_(torch.ones_like(learner.head.prototypes))
    losses = learner.loss(_batch(), _step())
    assert losses.total.item() == pytest.approx(math.log(12), rel=1e-5)
    assert losses.signals["chance"].item() == pytest.approx(math.log(12))


def test_the_balance_keeps_collapsed_scores_from_sharing_one_prototype() -> None:
    """Predictions that fall to one prototype show in the signal, and the codes that they shall learn do not."""
    learner = _learner().eval()
    learner.temperature = 0.01
    with torch.no_grad():
        z, _ = learner.head(learner.backbone(TABLE.store[:32]))
        learner.head.prototypes.copy_(-z.mean(0).expand(12, -1) + 0.05 * torch.randn(12, 8))
        learner.head.prototypes[4] = z.mean(0)
        scores = learner.head.scores(z)
    assert (scores.argmax(1) == 4).float().mean() > 0.5
    signals = learner.loss(_batch(), _step()).signals
    assert signals["prototypes_used"].item() < 0.6
    assert balanced_codes(scores, 0.05, 50).mean(0).max() < 0.2


def test_the_queue_is_filled_from_its_fraction_of_the_run_on() -> None:
    learner = _learner(queue=50, queue_from=0.9)
    learner.train()
    learner.queue.filled.zero_()
    learner.queue.at.zero_()
    learner.loss(_batch(), _step(1, 0.5))
    learner.follow(_step(1, 0.5))
    assert int(learner.queue.filled) == 0
    said = []
    handle = learner.head.register_forward_hook(lambda _, __, output: said.append(output[0].detach()))
    learner.loss(_batch(20), _step(2, 0.95))
    handle.remove()
    assert int(learner.queue.filled) == 0, "a step that fails leaves the queue as it was"
    learner.follow(_step(2, 0.95))
    assert int(learner.queue.filled) == 40
    assert torch.equal(learner.queue.candidates(), said[0][:40]), "the embeddings of both large views, in order"


def test_the_queue_takes_part_in_the_balance() -> None:
    learner = _learner(queue=50, queue_from=0.0).eval()
    alone = learner.loss(_batch(), _step()).total
    learner.queue.push(learner.head.prototypes[:1].detach().expand(50, -1))
    assert learner.loss(_batch(), _step()).total != alone


def test_held_out_samples_move_nothing() -> None:
    learner = _learner(queue=50).eval()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    learner.loss(_batch(), _step())
    learner.follow(_step())
    after = learner.state_dict()
    assert all(torch.allclose(value.float(), after[name].float(), atol=1e-6) for name, value in before.items())


@pytest.mark.parametrize("stop", ["Ctrl-C in the middle", "a crash"])
def test_a_half_full_queue_is_resumed_exactly(stop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = SwAV.tiny

    def with_a_queue() -> SwAV:
        return whole().set_params(queue=500, queue_from=0.1)

    monkeypatch.setattr(SwAV, "tiny", with_a_queue)
    reproducing.resumes_exactly(SwAV, table(), stop, tmp_path / "run", monkeypatch)


def test_two_processes_have_the_queue_of_one(tmp_path: Path) -> None:
    script = Path(__file__).with_name("prototypes_over_processes.py")
    out = tmp_path / "state.safetensors"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, str(out)], env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shared = load_file(out)
    for name, value in trained().learner_.state_dict().items():
        # Adam blows rounding up where a gradient is nearly 0; rows out of order would differ by their size, 1
        assert torch.allclose(value.float(), shared[name].float(), atol=1e-3), name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature must be above 0; got 0.0"),
        ({"epsilon": 0.0}, "epsilon must be above 0; got 0.0"),
        ({"iterations": 0}, "iterations must be at least 1; got 0"),
        ({"prototypes": 1}, "prototypes must be at least 2; got 1"),
        ({"queue": -1}, "queue must be at least 0; got -1"),
        ({"queue_from": 2.0}, "queue_from must be at least 0 and at most 1; got 2.0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SwAV.tiny().set_params(**arguments).fit(TABLE)
