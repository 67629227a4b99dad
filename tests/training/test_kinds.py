"""The engine drives all four kinds of learner: they learn, to the same bits, and stop and go on without a trace."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, TrainingInterrupted
from nolabel.randomness import Draws
from nolabel.training import engine
from nolabel.training.learner import GradientLearner, Learner, Step
from nolabel.types import Batch, Losses
from training.toys import (
    EVERY,
    KMeans,
    Line,
    Moments,
    Taught,
    UnevenDuel,
    job,
    make,
    mapped,
    same,
    state,
    table,
    untimed,
    values,
)

KINDS = list(EVERY)


class Stop:
    """Stops a run after so many steps, as a signal would, from within the learner."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, run: "engine._Run") -> None:
        self.left -= 1
        if self.left == 0:
            run.interrupts.signum = 15


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run from now on is stopped after `steps` steps of its own."""
    flags = engine._Run._flags
    left = {"steps": steps}

    def counted(run: engine._Run) -> object:
        asked = flags(run)
        left["steps"] -= 1
        return engine.Flags(stop=True) if left["steps"] == 0 else asked

    monkeypatch.setattr(engine._Run, "_flags", counted)


@pytest.mark.parametrize("kind", ["gradient", "normed", "distilling"])
def test_the_loss_falls(kind: str) -> None:
    outcome = engine.run(job(make(kind), table(100), epochs=8))
    losses = [record["loss"] for record in outcome.history]
    assert outcome.reason == "finished"
    assert len(losses) == 8
    assert losses[-1] < 0.8 * losses[0]


def test_players_learn_from_each_other() -> None:
    x = 0.3 * values(200) + 2
    learner = make("adversarial")
    before = (learner.generator.bias.detach() - x.mean(0)).norm()
    engine.run(job(learner, table(values_of=x), epochs=15, batch_size=32))
    assert (learner.generator.bias - x.mean(0)).norm() < 0.4 * before


def test_counting_finds_what_the_sums_say() -> None:
    x = values(50).double()
    learner = make("counting")
    outcome = engine.run(job(learner, table(50), epochs=2, batch_size=7))
    torch.testing.assert_close(learner.mean, x.mean(0), atol=1e-6, rtol=0)
    variances = torch.linalg.eigvalsh(torch.cov(x.t(), correction=0))
    assert [record["loss"] for record in outcome.history] == pytest.approx([variances[:2].sum().item()] * 2, rel=1e-5)
    assert outcome.history[0]["count"] == pytest.approx(50)


def test_counting_every_few_batches_logs_the_mean_over_samples() -> None:
    """Refreshed after batches 2, 4 and, with what is left, 5 (of 7, 7, 8, 7 and 8): each counts for its samples."""

    class Watched(Moments):
        seen: list[tuple[float, float]] = []

        def refresh(self, statistics: Mapping[str, Tensor], step: Step) -> Losses:
            losses = super().refresh(statistics, step)
            self.seen.append((statistics["count"].item(), losses.total.item()))
            return losses

    outcome = engine.run(job(Watched(every=2), table(37), epochs=1))
    assert [count for count, _ in Watched.seen] == [14, 15, 8]
    expected = sum(count * loss for count, loss in Watched.seen) / 37
    assert outcome.history[0]["loss"] == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_bits_and_another_seed_others(kind: str) -> None:
    states = []
    global_state = torch.get_rng_state()
    for seed in (5, 5, 6):
        learner = make(kind)
        engine.run(job(learner, table(), seed=seed))
        states.append(state(learner))
    assert same(states[0], states[1])
    if kind != "counting":  # whose sums do not depend on the order, but for rounding
        assert not same(states[0], states[2])
    assert torch.equal(torch.get_rng_state(), global_state)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [1, 4, 5, 6, 13])  # of 5 steps an epoch, the last of each is special
def test_stopped_and_resumed_is_as_never_stopped(
    kind: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(kind)
    expected = engine.run(job(whole, table(37), plan={"clip": 1.0, "schedule": "cosine", "warmup": 0.2}))
    with monkeypatch.context() as patch:
        moves = {"adversarial": 2 * after, "uneven": after + after // 2}.get(kind, after)
        stop_after(moves, patch)  # flags are looked at once a move
        with pytest.raises(TrainingInterrupted, match=f"after step {after}. A checkpoint was written to"):
            engine.run(
                job(make(kind), table(37), folder=tmp_path, plan={"clip": 1.0, "schedule": "cosine", "warmup": 0.2})
            )
    learner = EVERY[kind]()  # other first weights: all must come from the checkpoint
    again = job(
        learner, table(37), folder=tmp_path, resume=True, plan={"clip": 1.0, "schedule": "cosine", "warmup": 0.2}
    )
    outcome = engine.run(again)
    assert same(state(learner), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)
    assert outcome.problems == []


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "lars"])
def test_every_optimizer_resumes_exactly(optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = {"optimizer": optimizer, "ema": 0.9, "holdout": 0.2, "patience": 2, "weight_decay": 0.01, "accumulate": 2}
    whole = make("gradient")
    expected = engine.run(job(whole, table(), epochs=5, plan=plan))
    with monkeypatch.context() as patch:
        stop_after(9, patch)
        with pytest.raises(TrainingInterrupted):
            engine.run(job(make("gradient"), table(), epochs=5, plan=plan, folder=tmp_path))
    learner = Line()
    outcome = engine.run(job(learner, table(), epochs=5, plan=plan, folder=tmp_path, resume=True))
    assert same(state(learner), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)


def test_more_epochs_go_on_from_a_finished_run(tmp_path: Path) -> None:
    whole = make("gradient")
    engine.run(job(whole, table(), epochs=5))
    engine.run(job(make("gradient"), table(), epochs=2, folder=tmp_path))
    learner = Line()
    outcome = engine.run(job(learner, table(), epochs=5, folder=tmp_path, resume=True))
    assert same(state(learner), state(whole))
    assert len(outcome.history) == 5
    finished = engine.run(job(Line(), table(), epochs=5, folder=tmp_path, resume=True))
    assert untimed(finished.history) == untimed(outcome.history)


@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_map_trains_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    a, b = make(kind), make(kind)
    engine.run(job(a, table(37)))
    engine.run(job(b, mapped(tmp_path, 37)))
    assert same(state(a), state(b))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [40, 37])
def test_pieces_of_a_batch_add_up_to_the_batch(kind: str, count: int) -> None:
    a, b = make(kind), make(kind)
    one = engine.run(job(a, table(count)))
    four = engine.run(job(b, table(count), plan={"accumulate": 4}))
    if kind == "normed":  # statistics of a batch are those of each piece: its author has to know
        return
    for name, value in state(a).items():
        torch.testing.assert_close(state(b)[name], value, atol=1e-5, rtol=1e-5)
    for record, other in zip(untimed(one.history), untimed(four.history), strict=True):
        assert record == pytest.approx(other, rel=1e-4)


def test_a_teacher_is_moved_without_gradient() -> None:
    learner = make("distilling")
    assert isinstance(learner, Taught)
    engine.run(job(learner, table(), epochs=1))
    assert all(p.requires_grad is False and p.grad is None and p.is_leaf for p in learner.teacher.parameters())


def test_a_teacher_is_the_average_that_its_learner_says() -> None:
    learner, seen = make("distilling"), []
    assert isinstance(learner, Taught)
    expected = {name: value.clone() for name, value in learner.teacher.state_dict().items()}

    class Watched(Taught):
        def follow(self, step: Step) -> None:
            super().follow(step)
            seen.append((step.number, {name: value.clone() for name, value in self.student.down.state_dict().items()}))

    watched = Watched()
    watched.load_state_dict(learner.state_dict())
    engine.run(job(watched, table(), epochs=2))
    assert [number for number, _ in seen] == list(range(10))
    for _, student in seen:
        expected = {name: 0.9 * value + 0.1 * student[name] for name, value in expected.items()}
    torch.testing.assert_close(dict(watched.teacher.state_dict()), expected)


def test_only_the_player_whose_turn_it_is_moves() -> None:
    moves: list[tuple[str, bool, bool]] = []

    class Watched(EVERY["adversarial"]):  # type: ignore[misc, name-defined]
        def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
            moves.append(
                (player, *(any(p.requires_grad for p in one.parameters()) for one in (self.critic, self.generator)))
            )
            return super().player_loss(player, batch, step)  # type: ignore[no-any-return]

    learner = Watched()
    outcome = engine.run(job(learner, table(), epochs=1))
    assert moves[:2] == [("critic", True, False), ("generator", False, True)]
    assert all(p.requires_grad for p in learner.parameters())
    record = outcome.history[0]
    assert {"critic.real", "critic.fake", "critic.gap", "generator.fooling"} <= record.keys()
    parts = record["critic.real"] + record["critic.fake"] + record["generator.fooling"]
    assert record["loss"] == pytest.approx(parts)


def test_players_move_when_it_is_their_turn_and_are_logged_by_what_they_did() -> None:
    """Of five steps an epoch the generator moves in two, then in three: its numbers are means over those alone."""
    fooling: list[tuple[int, float]] = []

    class Watched(UnevenDuel):
        def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
            before = {name: value.clone() for name, value in self.generator.state_dict().items()}
            losses = super().player_loss(player, batch, step)
            if player == "generator":
                fooling.append((step.number, losses.total.item()))
            held.append((step.number, player, before))
            return losses

    held: list[tuple[int, str, dict[str, Tensor]]] = []
    outcome = engine.run(job(Watched(), table(), epochs=2))
    assert [number for number, _ in fooling] == [1, 3, 5, 7, 9]
    assert [number for number, player, _ in held if player == "critic"] == list(range(10))
    seen = [before for _, player, before in held if player == "critic"]
    for number in range(9):
        assert same(seen[number], seen[number + 1]) == (number % 2 == 0)
    first, second = ([loss for number, loss in fooling if number // 5 == epoch] for epoch in (0, 1))
    assert outcome.history[0]["generator.fooling"] == pytest.approx(sum(first) / 2)
    assert outcome.history[1]["generator.fooling"] == pytest.approx(sum(second) / 3)
    assert outcome.history[0]["loss"] == pytest.approx(
        sum(outcome.history[0][name] for name in ("critic.real", "critic.fake", "generator.fooling"))
    )
    assert not any("#" in name for name in outcome.history[0])


def test_losses_of_players_are_not_compiled() -> None:
    with pytest.raises(
        ArgumentError, match=r"plan.compile=True needs a learner with one loss, and Duel has one for each"
    ):
        engine.run(job(make("adversarial"), table(), plan={"compile": True}))


def test_players_may_learn_at_rates_of_their_own() -> None:
    learner = make("uneven")
    before = state(learner)
    engine.run(job(learner, table(8), epochs=2, batch_size=8, learning_rate=0.01, plan={"betas": (0.0, 0.0)}))
    moved = {name: (value - before[name]).abs().max().item() for name, value in learner.state_dict().items()}
    assert moved["critic.2.bias"] <= 2 * 0.005 + 1e-6  # Adam without memory moves each weight by its rate, up or down
    assert moved["critic.0.weight"] > 0.004
    assert moved["generator.bias"] == pytest.approx(0.01, rel=1e-3)  # in one move


def test_the_average_follows_the_part_that_is_named() -> None:
    learner, ends = make("uneven"), {}

    class Kept(UnevenDuel):
        def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
            ends[step.number] = {name: value.clone() for name, value in self.state_dict().items()}
            return super().player_loss(player, batch, step)

    kept = Kept()
    kept.load_state_dict(learner.state_dict())
    engine.run(job(kept, table(), plan={"ema": 0.9}))
    plain = make("uneven")
    engine.run(job(plain, table()))
    for name, value in kept.state_dict().items():
        assert torch.equal(value, plain.state_dict()[name]) == name.startswith("critic."), name
    expected = state(learner)["generator.bias"]
    for number in range(15):
        d = min(0.9, (1 + number) / (10 + number))
        after = ends[number + 1] if number < 14 else state(plain)
        expected = d * expected + (1 - d) * after["generator.bias"]
    torch.testing.assert_close(kept.generator.bias.detach(), expected)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_the_betas_of_the_plan_reach_adam(optimizer: str) -> None:
    """By the equations of Kingma and Ba 2015, in a loop, for a weight whose gradient is known."""

    class Slope(GradientLearner):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor([3.0]))

        def loss(self, batch: Batch, step: Step) -> Losses:
            return Losses({"square": self.w.square().sum()})

        def encode(self, x: Tensor) -> Tensor:
            return self.w * x

    learner = Slope()
    plan = {"optimizer": optimizer, "betas": (0.5, 0.75)}
    engine.run(job(learner, table(8), epochs=6, learning_rate=0.1, plan=plan))
    w, m, v = 3.0, 0.0, 0.0
    for t in range(1, 7):
        m, v = 0.5 * m + 0.5 * 2 * w, 0.75 * v + 0.25 * (2 * w) ** 2
        w -= 0.1 * (m / (1 - 0.5**t)) / ((v / (1 - 0.75**t)) ** 0.5 + 1e-8)
    assert learner.w.item() == pytest.approx(w, rel=1e-5)


def test_players_have_draws_of_their_own() -> None:
    noise = []

    class Watched(EVERY["adversarial"]):  # type: ignore[misc, name-defined]
        def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
            noise.append(step.draws.normal(batch.x))
            return super().player_loss(player, batch, step)  # type: ignore[no-any-return]

    engine.run(job(Watched(), table(), epochs=1))
    assert not any(torch.equal(a, b) for i, a in enumerate(noise) for b in noise[i + 1 :])


def test_a_learner_of_no_known_kind_is_refused() -> None:
    class Odd(Learner):
        def encode(self, x: Tensor) -> Tensor:
            return x

    with pytest.raises(TypeError, match=r"Odd is none of the learners in nolabel\.training\.learner"):
        engine.run(job(Odd(), table()))


def test_a_step_knows_where_training_stands() -> None:
    steps = []

    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            steps.append((step.number, step.progress, self.training))
            return super().loss(batch, step)

    learner = Watched()
    engine.run(job(learner, table(), epochs=2))
    assert [number for number, _, _ in steps] == list(range(10))
    assert [progress for _, progress, _ in steps] == pytest.approx([(n + 0.5) / 10 for n in range(10)])
    assert all(training for _, _, training in steps)
    assert not learner.training


def test_kmeans_is_lloyds_algorithm() -> None:
    """Without noise and with a refresh an epoch it is scikit-learn's, from the same centres."""
    from sklearn.cluster import KMeans as Reference

    class Quiet(KMeans):
        def start(self, data: Dataset, draws: Draws) -> None:
            """Stays where it is."""

        def absorb(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
            step = Step(step.number, step.progress, _Silence())  # type: ignore[arg-type]
            return super().absorb(batch, step)

    class _Silence:
        def normal(self, like: Tensor) -> Tensor:
            return torch.zeros_like(like)

    learner = Quiet(every=None)
    start = learner.centres.clone().numpy()
    engine.run(job(learner, table(60), epochs=30))
    reference = Reference(3, init=start, n_init=1, algorithm="lloyd", tol=0).fit(values(60).double().numpy())
    torch.testing.assert_close(learner.centres, torch.from_numpy(reference.cluster_centers_), atol=1e-5, rtol=1e-5)


def test_plain_pytorch_needs_no_engine() -> None:
    """A learner is a module: a user's own loop drives it."""
    learner, data = make("gradient"), table(64)
    assert isinstance(learner, GradientLearner)
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.02)
    losses = []
    for number in range(60):
        for batch in data.batches(32):
            losses_of_step = learner.loss(batch, Step(number, number / 60, Draws(0, number)))
            optimizer.zero_grad()
            losses_of_step.total.backward()
            optimizer.step()
        losses.append(losses_of_step.total.item())
    assert losses[-1] < 0.5 * losses[0]
    assert learner.encode(data.store).shape == (64, 2)
