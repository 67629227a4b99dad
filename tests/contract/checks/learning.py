"""A method learns: its loss is a loss, all of it is trained, it falls, and the codes end up better than they began.

Each check takes a class (or a fitted model) and raises AssertionError with a sentence that says what is wrong.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contract.checks.samples import Samples, clips, kinds, upright
from contract.checks.shapes import shapes_unchecked
from nolabel.data import source, toys
from nolabel.data.dataset import Dataset
from nolabel.evaluation.neighbours import nearest, vote
from nolabel.methods._base import Estimator
from nolabel.methods._generator import Generator
from nolabel.methods._map import Map
from nolabel.methods._restores import Restores
from nolabel.methods._translator import Translator
from nolabel.methods._views import ShowsViews
from nolabel.objectives.topics import sparse_rows
from nolabel.randomness import Draws
from nolabel.training.drive import Context, GradientDriver, make_driver
from nolabel.training.engine import evaluating
from nolabel.training.health.players import COPIED
from nolabel.training.learner import AdversarialLearner, CountingLearner, GradientLearner, Learner, Step
from nolabel.training.plan import Plan
from nolabel.training.runtime import Runtime
from nolabel.types import Batch, Losses, to_network

Class = type[Estimator]
NOT_LOSSES = {"epoch", "loss", "holdout_loss", "seconds", "samples_per_second", "waiting", COPIED}


def losses_of(learner: Learner, batch: Batch, progress: float = 0.99) -> list[Losses]:
    """What the learner says of a batch: one objective, or one for each player; a learner that counts stays as it is."""
    step = Step(0, progress, Draws(0, 0))
    if isinstance(learner, GradientLearner):
        return [learner.loss(batch, step)]
    if isinstance(learner, AdversarialLearner):
        return [learner.player_loss(name, batch, step) for name in learner.players()]
    if isinstance(learner, CountingLearner):
        with torch.no_grad():
            judged = copy.deepcopy(learner)  # its refresh moves it
            return [judged.refresh(judged.absorb(batch, step), step)]
    return []


def signals_of(learner: Learner, batch: Batch) -> set[str]:
    """Names under which the learner's signals are logged."""
    prefixes = [f"{name}." for name in learner.players()] if isinstance(learner, AdversarialLearner) else [""]
    told = zip(prefixes, losses_of(learner, batch))
    return {prefix + signal for prefix, losses in told for signal in losses.signals}


def a_batch(model: Any, samples: Samples, rows: int = 32) -> Batch:
    """The first samples, as the engine hands them to a learner."""
    data = source.open(samples.X, spec=model.spec_)
    labels = samples.labels_for(type(model))
    if isinstance(model, Translator):
        data, labels = model.with_targets(data, labels, model.spec_), None
    index = torch.arange(rows)
    stored, mask = data.rows(index)
    return Batch(to_network(stored), index, None if labels is None else torch.from_numpy(labels)[:rows], mask)


# --- the loss is a loss ----------------------------------------------------------------------------------------------


def loss_is_scalar_and_attached(model: Any, samples: Samples) -> None:
    """Every part is a finite scalar; the total has a gradient (unless the learner counts), and signals have none."""
    name = type(model).__name__
    model.learner_.train()
    for losses in losses_of(model.learner_, a_batch(model, samples)):
        for part, value in {**losses.parts, **losses.signals}.items():
            assert value.ndim == 0, f"{name}: {part} has shape {tuple(value.shape)}, it must be a scalar"
            assert torch.isfinite(value), f"{name}: {part} is {value.item()}"
        follows = not isinstance(model.learner_, CountingLearner)
        assert losses.total.requires_grad or not follows, (
            f"{name}: the loss is detached from the weights: nothing can learn from it"
        )
        attached = [signal for signal, value in losses.signals.items() if value.requires_grad]
        assert not attached, f"{name}: the signals {attached} keep the graph alive; detach them"


def history_adds_up(model: Any, samples: Samples) -> None:
    """The logged loss is the sum of the logged parts, one record an epoch, all of it finite."""
    name = type(model).__name__
    signals = signals_of(model.learner_, a_batch(model, samples))
    assert [record["epoch"] for record in model.history_] == list(range(1, model.epochs + 1)), f"{name}: epochs missing"
    for record in model.history_:
        parts = [value for part, value in record.items() if part not in NOT_LOSSES | signals]
        assert parts, f"{name}: no part of the loss is logged"
        assert np.isfinite(list(record.values())).all(), f"{name}: not finite: {record}"
        assert abs(sum(parts) - record["loss"]) <= 1e-6 * max(1, abs(record["loss"])), (
            f"{name}: the loss {record['loss']} is not the sum of its parts {sum(parts)}"
        )


def loss_is_a_mean_over_samples(model: Any, samples: Samples) -> None:
    """A batch shown twice over has the same loss: terms are means, so learning rates do not depend on the batch size.

    Noise is drawn for each sample, so the two halves see different noise; they agree to its size only. What players pay
    may be about 0, or below: it is compared on the scale of its parts, and of 1.
    """
    batch = a_batch(model, samples)
    twice = [_twice(one) for one in (batch.x, batch.index, batch.y)]
    with evaluating(model.learner_):
        once = losses_of(model.learner_, batch)
        doubled = losses_of(model.learner_, Batch(*twice))  # type: ignore[arg-type]
    for small, large in zip(once, doubled):
        ratio = (large.total / small.total).item()
        said = f"{type(model).__name__}: twice the samples give {ratio:.2f} times the loss"
        if isinstance(model.learner_, AdversarialLearner):
            scale = max(1.0, sum(abs(part.item()) for part in small.parts.values()))
            assert abs(large.total - small.total).item() < 0.4 * scale, said
        else:
            assert 0.7 < ratio < 1.4, said


def _twice(one: Tensor | None) -> Tensor | None:
    if one is None or one.layout != torch.sparse_csr:
        return None if one is None else torch.cat([one, one])
    dense = one.to_dense()
    return sparse_rows(torch.cat([dense, dense]))


# --- all of it is trained --------------------------------------------------------------------------------------------


def every_parameter_is_trained(model: Any) -> None:
    """Each trainable tensor moves away from its first values during a run."""
    first = dict(model._new_learner(model.seed_).named_parameters())
    still = [
        name
        for name, value in model.learner_.named_parameters()
        if value.requires_grad and torch.equal(value.detach(), first[name].detach())
    ]
    assert not still, f"{type(model).__name__}: {', '.join(still)} never moved: no gradient reaches it"


def every_parameter_has_one_optimizer(model: Any) -> None:
    """Trainable tensors belong to exactly one optimizer; what is not trainable (a teacher) to none."""
    context = Context(Plan(), Runtime(torch.device("cpu")), 0.001, 0)
    driver = make_driver(model.learner_, context)
    players = driver.players if isinstance(driver, GradientDriver) else ()
    owned = [id(p) for player in players for group in player.optimizer.param_groups for p in group["params"]]
    for name, parameter in model.learner_.named_parameters():
        count, wanted = owned.count(id(parameter)), int(parameter.requires_grad and bool(players))
        assert count == wanted, f"{type(model).__name__}: {name} is moved by {count} optimizers, expected {wanted}"


# --- it learns -------------------------------------------------------------------------------------------------------


def loss_falls(model: Any, samples: Samples) -> None:
    """The objective on the training samples is well below that of the first weights.

    What one player gains another loses: of them, each lowers its own when it moves alone.
    """
    batch = a_batch(model, samples, rows=len(samples.X))
    first = model._new_learner(model.seed_)
    if isinstance(first, AdversarialLearner):
        for player in first.players():
            _gains_alone(type(model).__name__, copy.deepcopy(first), player, batch)
        return
    with torch.no_grad(), evaluating(first), evaluating(model.learner_):
        pairs = list(zip(losses_of(first, batch), losses_of(model.learner_, batch)))
    for before, after in pairs:
        start, end = before.total.item(), after.total.item()
        assert end < start - 0.01 * abs(start), f"{type(model).__name__}: the loss went from {start:.4g} to {end:.4g}"


def _gains_alone(name: str, learner: AdversarialLearner, player: str, batch: Batch, steps: int = 30) -> None:
    optimizer = torch.optim.Adam(learner.players()[player], lr=0.003)
    paid = []
    for _ in range(steps):
        total = learner.player_loss(player, batch, Step(0, 0.99, Draws(0, 0))).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        paid.append(total.item())
    lower = paid[-1] < paid[0] - 0.01 * abs(paid[0])
    assert lower, f"{name}: {player}, moving alone, pays {paid[-1]:.4g} where it paid {paid[0]:.4g}"


def codes_do_not_collapse(model: Any, samples: Samples) -> None:
    """The run's own verdicts find nothing bad, and codes differ from sample to sample."""
    name = type(model).__name__
    bad = [verdict.text for verdict in model.health_ if verdict.level == "bad"]
    assert model.health_, f"{name}: no verdict on the run"
    assert not bad, f"{name}: {' '.join(bad)}"
    spread = model.transform(samples.X).std(0)
    assert spread.max() > 1e-3, f"{name}: all samples have nearly the same code"


SEEDS = (0, 1, 2)
MARGIN = 0.05


@shapes_unchecked()
def beats_its_untrained_self(cls: Class, seeds: Sequence[int] = SEEDS) -> None:
    """Neighbours by code agree in class more often than with first weights, on data that hold what the method assumes.

    Rows: stripes of two orientations. Methods that learn from views of rows assume that one part of a row tells of the
    rest; in their rows all columns of a group hint at the class, each but faintly, so that any half of them will do,
    and nothing else is shared by two columns. Methods that take no rows: documents of two topics, upright images, clips
    of bars.
    For no seed are codes worse, and on average over seeds they are better by `MARGIN`.

    Of a `Generator` the samples are judged, not the codes: for each seed their distance from the rows is at most half of
    that of samples by first weights; and so for what a `Translator` makes of them, and the rows inverted, its targets.
    Of a method that `Restores` the restored images: for each seed they are nearer to
    the images before damage than the damaged ones are.
    """
    views = issubclass(cls, ShowsViews) and kinds(cls)[0] == "table"
    makers = {"table": _stripes, "counts": _counts, "upright": _upright, "clips": _clips}
    make = _hints if views else makers[kinds(cls)[0]]
    gains = []
    for seed in seeds:
        data = make(seed)
        epochs = 30 if issubclass(cls, Generator) else 40 if views or make in (_upright, _clips) else 100
        model = cls.tiny().set_params(epochs=epochs, batch_size=32, random_state=seed)
        if issubclass(cls, Translator):
            _translates(model, data)
            continue
        model.fit(data, data.labels if cls.uses_labels else None)
        if issubclass(cls, Generator):
            _comes_nearer(model, data)
            continue
        if issubclass(cls, Restores):
            _undoes_damage(model, data)
            continue
        before, after = (_neighbour_accuracy(one, data) for one in (model.untrained(), model))
        said = f"{after:.2f} of the neighbours' votes are right, with first weights {before:.2f}"
        assert after > before, f"{cls.__name__}: {said} ({seed=})"
        gains.append(after - before)
    gain = float(np.mean(gains)) if gains else 1.0
    assert gain > MARGIN, f"{cls.__name__}: {said} (the last of {len(gains)} seeds; {gain:.3f} more on average)"


def _comes_nearer(model: Any, data: Dataset) -> None:
    x = to_network(data.rows(torch.arange(len(data)))[0]).flatten(1)
    first, last = (_energy_distance(x, _samples_of(one, len(x))) for one in (model.untrained(), model))
    said = f"samples are {last:.3f} from the data, by first weights {first:.3f} (seed={model.seed_})"
    assert last < 0.5 * first, f"{type(model).__name__}: {said}"


def _undoes_damage(model: Any, data: Dataset) -> None:
    damaged, missing = model.damage(data, random_state=1)
    clean = source.restore(data.spec, to_network(data.rows(torch.arange(len(data)))[0])).astype(float)
    before, after = (np.abs(one - clean).mean() for one in (damaged, model.restore(damaged, missing)))
    said = f"restored images are {after:.3g} from those before damage, damaged ones {before:.3g} (seed={model.seed_})"
    assert after < 0.95 * before, f"{type(model).__name__}: {said}"


def _translates(model: Any, data: Dataset) -> None:
    """Partners are put out of order for methods that learn without."""
    X = np.asarray(data.store)[:, 0]
    order = np.arange(len(X)) if model.matched else np.random.default_rng(0).permutation(len(X))
    model.set_params(epochs=20).fit(X, 255 - X[order])
    wanted, *made = (
        torch.from_numpy(one / 255).flatten(1) for one in (255 - X, model.untrained().translate(X), model.translate(X))
    )
    first, last = (_energy_distance(wanted, one) for one in made)
    said = f"translations are {last:.3f} from the targets, by first weights {first:.3f} (seed={model.seed_})"
    assert last < 0.5 * first, f"{type(model).__name__}: {said}"


def _samples_of(model: Any, count: int) -> Tensor:
    with torch.no_grad(), evaluating(model.learner_):
        drawn: Tensor = model.learner_.sample(count, torch.Generator().manual_seed(0))
    return drawn.flatten(1)


def _energy_distance(x: Tensor, y: Tensor) -> float:
    """2 E|x − y| − E|x − x'| − E|y − y'| over E|x − x'|: 0 for equal distributions only (Székely and Rizzo 2013)."""
    within = [torch.cdist(one, one).sum() / (len(one) * (len(one) - 1)) for one in (x, y)]
    return ((2 * torch.cdist(x, y).mean() - within[0] - within[1]) / within[0]).item()


def _stripes(seed: int) -> Dataset:
    """200 images as standardised rows: small nets learn them in a tenth of the steps that raw pixels take."""
    stripes = toys.stripes(200, 8, seed, k=2)
    return source.open(np.asarray(stripes.store, dtype=np.float64).reshape(200, -1), labels=stripes.labels)


def _hints(seed: int) -> Dataset:
    """200 rows of three classes: each of 40 columns hints at which, and 80 are noise of their own."""
    draws = np.random.default_rng(seed)
    y = draws.permutation(np.arange(200) % 3)
    faint = draws.choice([-1.0, 1.0], size=(3, 40))[y] + 1.2 * draws.standard_normal((200, 40))
    return source.open(np.concatenate([faint, draws.standard_normal((200, 80))], 1), labels=y)


def _counts(seed: int) -> Dataset:
    """200 documents of two topics."""
    posts = toys.counts(200, 60, 2, seed, length=12)
    return source.open(posts.counts, labels=posts.labels, modality="text")


def _upright(seed: int) -> Dataset:
    """200 images of three things."""
    things = upright(200, seed)
    return source.open(things.X, labels=things.y)


def _clips(seed: int) -> Dataset:
    """200 clips of bars that go three ways."""
    bars = clips(200, seed)
    return source.open(bars.X, labels=bars.y, modality="video")


def _neighbour_accuracy(model: Any, data: Dataset) -> float:
    labels, codes = data.labels, model.transform(data)
    assert labels is not None
    if isinstance(model, Map):  # codes are places on a grid: near means close by, not in the same direction
        apart = np.linalg.norm(codes[:, None] - codes[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        index = np.argsort(apart, axis=1, kind="stable")[:, :5]
        return float((np.round(labels[index].mean(1)) == labels).mean())
    similarity, index = nearest(codes, codes, 5, leave_one_out=True)
    return float((vote(similarity, labels[index], int(labels.max()) + 1) == labels).mean())
