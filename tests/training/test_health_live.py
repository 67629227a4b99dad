"""Verdicts while a run goes on: told once, soon, to all who listen, and without a trace in what is learned."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nolabel.errors import TrainingInterrupted
from nolabel.training import engine
from nolabel.training.health import Verdict
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.progress import Bar, JsonLines, Lines, Listener, TensorBoard, sentence
from nolabel.types import Batch, Losses
from training.toys import WIDTH, Line, job, same, state, table, untimed


class Noted(Listener):
    """Remembers the verdicts it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def start(self, facts: Any) -> None:
        pass

    def step(self, record: Any) -> None:
        pass

    def epoch(self, record: Any) -> None:
        pass

    def verdict(self, record: Any) -> None:
        self.told.append(dict(record))

    def end(self, record: Any) -> None:
        pass


class Flattened(Line):
    """Its codes are all the same."""

    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x) * 0


class Stopped(Line):
    """Breaks off by itself in a given step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x) * 0

    def loss(self, batch: Batch, step: Step) -> Losses:
        if step.number == self.at:
            raise TrainingInterrupted("on purpose", 2)
        return super().loss(batch, step)


class Modes(GradientLearner):
    """Batch statistics and dropout: what an examination must not touch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop, self.down = nn.BatchNorm1d(WIDTH), nn.Dropout(0.5), nn.Linear(WIDTH, 2)
        self.norm.eval()
        self.frozen = nn.BatchNorm1d(2)
        self.seen: list[bool] = []

    def loss(self, batch: Batch, step: Step) -> Losses:
        self.seen.append(self.drop.training)
        return Losses(
            {
                "size": self.frozen(self.down(self.norm(batch.x) + step.draws.normal(batch.x))).square().mean()
                + self.down.weight.square().mean()
            }
        )

    def encode(self, x: Tensor) -> Tensor:
        return self.frozen(self.down(self.drop(self.norm(x))))  # type: ignore[no-any-return]


def test_what_goes_wrong_is_told_once_and_while_there_is_time() -> None:
    noted = Noted()
    outcome = engine.run(job(Flattened(), table(), epochs=20, listeners=[noted]))
    (told,) = noted.told
    assert (told["name"], told["level"], told["epoch"]) == ("collapse", "bad", 4)
    assert {"text", "knob"} <= told.keys()
    assert [verdict.name for verdict in outcome.verdicts] == ["collapse"]


def test_what_gets_worse_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = iter(["warning", "warning", "bad", "warning", "bad"])

    def verdicts(self: Any, codes: Any, ended: bool) -> list[Verdict]:
        return [] if ended else [Verdict(next(levels), "collapse", "They fall together.")]  # type: ignore[arg-type]

    monkeypatch.setattr(engine._Run, "_verdicts", verdicts)
    noted = Noted()
    engine.run(job(Line(), table(), epochs=8, listeners=[noted]))
    assert [(told["level"], told["epoch"]) for told in noted.told] == [("warning", 3), ("bad", 5)]


@pytest.mark.parametrize(("accumulate", "few"), [(1, False), (2, True)])
def test_a_batch_cut_into_pieces_is_as_small_as_they_are(accumulate: int, few: bool) -> None:
    class Decorrelated(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            return Losses({"covariance": super().loss(batch, step).total})

    outcome = engine.run(job(Decorrelated(), table(), batch_size=40, plan={"accumulate": accumulate}))
    assert ("batch too small" in [verdict.name for verdict in outcome.verdicts]) == few


def test_nothing_is_told_of_a_healthy_run_or_before_it_means_something() -> None:
    noted = Noted()
    engine.run(job(Line(), table(), epochs=12, listeners=[noted]))
    engine.run(job(Flattened(), table(), epochs=3, listeners=[noted]))  # the end tells soon enough
    assert noted.told == []
    engine.run(job(Flattened(), table(), epochs=100, listeners=[noted]))
    assert [told["epoch"] for told in noted.told] == [16]  # a tenth of the run is behind it, and codes were looked at


def test_a_loss_that_is_pinned_is_told_after_the_first_tenth() -> None:
    class Still(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            return Losses({"error": (self.up(self.down(batch.x)) - batch.x).square().mean()})

    noted = Noted()
    engine.run(job(Still(), table(), epochs=8, learning_rate=1e-9, listeners=[noted]))
    assert [(told["name"], told["epoch"]) for told in noted.told] == [("not learning", 3)]


@pytest.mark.parametrize("plan", [{}, {"ema": 0.9}, {"holdout": 0.2}])
def test_what_is_learned_is_the_same_whether_anybody_listens(
    plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LIVE_FROM", 1)
    monkeypatch.setattr(engine._Run, "_probes", lambda self, epoch: True)
    found = []
    for listeners in ([], [Noted()]):
        torch.manual_seed(3)
        learner = Modes()
        before = torch.random.get_rng_state()
        outcome = engine.run(job(learner, table(), epochs=6, listeners=listeners, plan=plan))
        assert torch.equal(torch.random.get_rng_state(), before)
        assert all(learner.seen) or plan.get("holdout")
        found.append((state(learner), untimed(outcome.history), outcome.verdicts))
    (quiet, history, verdicts), (heard, again, spoken) = found
    assert same(quiet, heard)
    assert history == again
    assert verdicts == spoken


def test_a_resumed_run_does_not_tell_again(tmp_path: Path) -> None:
    noted = Noted()
    with pytest.raises(TrainingInterrupted):
        engine.run(
            job(Stopped(32), table(), epochs=20, folder=tmp_path, listeners=[noted], plan={"checkpoint_seconds": 0.0})
        )
    assert [told["name"] for told in noted.told] == ["collapse"]
    engine.run(job(Stopped(-1), table(), epochs=20, folder=tmp_path, resume=True, listeners=[noted]))
    assert [told["name"] for told in noted.told] == ["collapse"]


def test_it_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples encoded for verdicts, of a run of 64 epochs and 1,000 samples: few beside those trained on."""
    encoded: list[int] = []

    class Counted(Line):
        def encode(self, x: Tensor) -> Tensor:
            encoded.append(len(x))
            return super().encode(x)

    engine.run(job(Counted(), table(1000), epochs=64, batch_size=256, listeners=[Noted()]))
    during = sum(encoded) - 512  # the end's
    assert 0 < during <= 0.03 * 64 * 1000


def test_metrics_have_a_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    engine.run(job(Flattened(), table(), epochs=6, listeners=[JsonLines(path)]))
    found = [json.loads(line) for line in path.read_text().splitlines()]
    (verdict,) = [line for line in found if line["kind"] == "verdict"]
    assert (verdict["epoch"], verdict["level"], verdict["name"]) == (4, "bad", "collapse")
    assert verdict["text"]
    assert verdict["knob"]


SAID = re.compile(r"bad after epoch 4: All samples have nearly the same code: nothing about them is kept\. Try a lower")


def test_lines_and_the_bar_say_a_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    for listener in (Lines(), Bar()):
        engine.run(job(Flattened(), table(), epochs=6, listeners=[listener]))
        said = capsys.readouterr()
        assert len(SAID.findall(said.err)) == 1
        assert said.out == ""


def test_a_verdict_without_a_knob_ends_with_what_was_found() -> None:
    record = {"level": "warning", "epoch": 2, "name": "x", "text": "It is odd [b].", "knob": ""}
    assert sentence(record) == "warning after epoch 2: It is odd [b]."


def test_tensorboard_gets_a_text(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    listener = TensorBoard(tmp_path)
    engine.run(job(Flattened(), table(), epochs=6, listeners=[listener]))
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"nothing about them is kept" in written
