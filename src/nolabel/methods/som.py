"""Self-organizing map: units on a grid learn to stand for the data so that neighbours stand for similar samples.

    c(x) = argmin_k ‖x − m_k‖²
    batch rule    m_k = Σ_j h(k, j) S_j / Σ_j h(k, j) n_j,   S_j and n_j sum and number of an epoch's samples with c = j
    online rule   m_k ← m_k + α h(c(x), k) (x − m_k),        sample by sample

h is a neighbourhood on the grid whose radius shrinks while training goes on. The loss that is logged is the
quantization error, the mean of ‖x − m_c(x)‖ over an epoch's samples with the weights before its refresh; it is watched
and is not itself what the rules minimise.

Shapes: x (B, *shape), read as rows (B, D) → unit c (B,) → coordinates (B, 2) or distances (B, K) → m_c (B, *shape).
Relations: with a radius of 0 the batch rule is k-means; the grid makes the centres an ordered map. With a PCA start and
a large radius the map is the plane of the first two principal components, which then bends towards the data.
Known departures from [1, 2]: the mexican hat, which pushes, makes a bounded batch step (see `objectives.topographic`)
and no online ones. By the batch rule the first refresh has the whole first radius, and the radius at most halves from
each refresh to the next, which is what rules streams, that have no end, and runs of a few epochs. By the online rule
radius and learning rate go down from sample to sample, in a stream so that half of the way is behind them after 20 K
samples, K units.
References: [1] Kohonen 2001, "Self-Organizing Maps", 3rd edition. [2] Kohonen 2013, "Essentials of the self-organizing
map", Neural Networks 37.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Assigner, Codec, Reconstructor
from nolabel.methods._map import Map, flat, refuse_blank
from nolabel.nets.sync import gather
from nolabel.objectives import topographic
from nolabel.objectives.first_units import Start, first_units
from nolabel.objectives.grids import Form, Grid, Topology
from nolabel.objectives.neighbourhoods import Neighbourhood, pulls_and_pushes, smooth
from nolabel.objectives.topographic import best_units
from nolabel.randomness import Draws
from nolabel.training.learner import CountingLearner, SeesGaps, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses, to_network

Rule = Literal["batch", "online"]
Decay = Literal["exponential", "linear", "asymptotic"]

_LOOKED_AT = 4096  # samples that the first weights are taken from
_HALF_WAY = 20  # samples a unit by which a stream of samples, taken one by one, has come half of its way


def decayed(decay: Decay, start: float, end: float, progress: float) -> float:
    """A number that goes from `start` to `end` while `progress` goes from 0 to 1.

    "exponential": by the same factor all along; "linear": by the same amount; "asymptotic": start / (1 + c progress).
    """
    if decay == "linear":
        return start + (end - start) * progress
    if decay == "exponential":
        return float(start * (end / start) ** progress)
    return start / (1 + (start / end - 1) * progress)


@final
class SOMLearner(CountingLearner, Codec, SeesGaps):
    """Weights of the units, and the sums of the samples that they stand for."""

    weights: nn.Parameter
    radius: Tensor
    progress: Tensor
    sums: Tensor
    mass: Tensor

    def __init__(
        self,
        spec: DataSpec,
        grid: Grid,
        *,
        neighbourhood: Neighbourhood,
        radius: tuple[float, float],
        decay: Decay,
        rule: Rule,
        rates: tuple[float, float],
        init: Start,
        forgetting: float,
        distances: bool,
    ) -> None:
        super().__init__()
        self.shape, self.grid, self.neighbourhood, self.decay = spec.shape, grid, neighbourhood, decay
        self.span, self.rule, self.rates = radius, rule, rates
        self.init, self.forgetting, self.distances = init, forgetting, distances
        self.moves_while_absorbing = rule == "online"
        random = torch.randn(grid.units, spec.width)
        self.weights = nn.Parameter(random if spec.values == "real" else random.sigmoid(), requires_grad=False)
        self.register_buffer("radius", torch.tensor(2 * radius[0], dtype=torch.float64))  # of the last refresh
        self.register_buffer("progress", torch.zeros((), dtype=torch.float64))  # of the last sample of the online rule
        gaps = spec.recipe.get("missing") == "impute"  # then each value has a count of its own
        self.register_buffer("sums", torch.zeros(grid.units, spec.width))
        self.register_buffer("mass", torch.zeros(grid.units, spec.width if gaps else 1))

    def start(self, data: Dataset, draws: Draws) -> None:
        """First weights from at most 4,096 of the samples."""
        rows = torch.arange(len(data))
        if len(data) > _LOOKED_AT:
            rows = draws.uniform(torch.empty(len(data))).argsort()[:_LOOKED_AT].sort().values
        stored, _ = data.rows(rows)
        looked_at = flat(to_network(stored)).to(self.weights.device)
        self.weights.copy_(first_units(self.init, self.grid, looked_at, draws))

    def absorb(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """Sums and counts of the samples of each unit, and what is logged of them."""
        refuse_blank(batch)
        x, mask = flat(batch.x), batch.mask
        found = best_units(x, self.weights, mask)
        hits = topographic.counts_per_unit(found.first, self.grid.units)
        far = ~self.grid.adjacent(found.first, found.second)
        statistics = {
            "hits": hits,
            "distance": found.squared.sqrt().double().sum(),
            "torn": far.sum().double(),
        }
        if self.rule == "online":
            statistics["way"] = self._go_online(x, mask, step)
        else:
            statistics["sums"] = topographic.sums_per_unit(x, found.first, self.grid.units, mask)
            statistics["mass"] = self._mass(found.first, hits, mask)
        return statistics

    def _mass(self, units: Tensor, hits: Tensor, mask: Tensor | None) -> Tensor:
        if self.mass.shape[1] == 1 or mask is None:
            return hits[:, None].expand_as(self.mass)
        return topographic.sums_per_unit(mask.to(hits.dtype), units, self.grid.units)

    def _go_online(self, x: Tensor, mask: Tensor | None, step: Step) -> Tensor:
        """One sample of the whole batch after the other, in every process alike; how far each unit goes (K,)."""
        samples = gather(topographic.dense(x))
        seen = None if mask is None else gather(mask.to(x.dtype)).bool()
        progress = self._progress_of_each(len(samples), step)
        radii, rates = ([decayed(self.decay, *of, at) for at in progress] for of in (self.span, self.rates))
        before = self.weights.clone()
        topographic.online_rule(self.weights, samples, self.grid, self.neighbourhood, radii, rates, seen)
        self.progress.fill_(progress[-1])
        return (self.weights - before).abs().sum(1)

    def _progress_of_each(self, count: int, step: Step) -> list[float]:
        """How much of the way from first to last radius and rate is behind each of `count` samples."""
        if not step.endless:
            one = step.progress / (step.number + 0.5)  # share of the run that is one step
            return [one * (step.number + (turn + 0.5) / count) for turn in range(count)]
        half = _HALF_WAY * self.grid.units
        left = max(1 - float(self.progress), 1e-9)
        behind = half * (1 - left) / left  # samples by which a stream would have come here
        return [(behind + turn) / (behind + turn + half) for turn in range(1, count + 1)]

    def _radius(self, progress: float) -> float:
        """Of a refresh. By the batch rule at least half of the last one: streams begin at their end."""
        if self.rule == "online":
            return decayed(self.decay, *self.span, float(self.progress))
        return max(decayed(self.decay, *self.span, min(progress, 1.0)), float(self.radius) / 2)

    def refresh(self, statistics: Mapping[str, Tensor], step: Step) -> Losses:
        """Weights anew by the batch rule; the online rule has moved them already."""
        radius = self._radius(step.progress)
        way = statistics["way"] if self.rule == "online" else self._renew(statistics, radius, step)
        self.radius.fill_(radius)
        hits, count = statistics["hits"], statistics["hits"].sum()
        signals = {
            "topographic_error": statistics["torn"] / count,
            "units_in_use": (hits > 0).double().mean(),
            "units_moved": (way > 0).double().mean(),
            "radius": self.radius.clone(),
        }
        return Losses({"quantization_error": statistics["distance"] / count}, signals)

    def _renew(self, statistics: Mapping[str, Tensor], radius: float, step: Step) -> Tensor:
        """Makes the weights anew; how far each unit goes (K,)."""
        self._remember(statistics, step)
        before = self.weights.clone()
        self.weights.copy_(self._batch_rule(radius))
        return (self.weights - before).abs().sum(1)

    def _remember(self, statistics: Mapping[str, Tensor], step: Step) -> None:
        """An epoch's sums stand for themselves; those of a stream join what earlier parts have left."""
        kept = 1 - self.forgetting if step.endless else 0.0
        self.sums.mul_(kept).add_(statistics["sums"])
        self.mass.mul_(kept).add_(statistics["mass"])

    def _batch_rule(self, radius: float) -> Tensor:
        both = torch.cat([self.sums, self.mass], dim=1)
        widths = [self.sums.shape[1], self.mass.shape[1]]
        if self.neighbourhood == "mexican_hat":
            parts = pulls_and_pushes(self.grid, self.neighbourhood, radius, both)
            pull, push = (torch.split(part, widths, dim=1) for part in parts)
            return topographic.pushing_rule(self.weights, (pull[0], pull[1]), (push[0], push[1]))
        sums, mass = torch.split(smooth(self.grid, self.neighbourhood, radius, both), widths, dim=1)
        return topographic.batch_rule(self.weights, sums, mass)

    def refresh_every(self) -> int | None:
        """Once an epoch."""
        return None

    def encode(self, x: Tensor) -> Tensor:
        """Coordinates of the best unit (B, 2), or distances to all (B, K)."""
        return self._encode(flat(x), None)

    def encode_observed(self, x: Tensor, mask: Tensor) -> Tensor:
        """The same by the observed values alone."""
        refuse_blank(Batch(x, torch.arange(len(x)), None, mask))
        return self._encode(flat(x), mask)

    def _encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if self.distances:
            return topographic.squared_distances(x, self.weights, mask).sqrt()
        places = self.grid.positions.to(x.device)[best_units(x, self.weights, mask).first]
        return places.to(torch.float32)

    def decode(self, z: Tensor) -> Tensor:
        """Weights of the unit nearest on the grid, or of the least distance: (B, L) to (B, *shape)."""
        units = z.argmin(1) if self.distances else self.grid.nearest(z.double())
        return self.weights[units].view(-1, *self.shape)

    def score(self, batch: Batch) -> Tensor:
        """Minus the distance to the best unit: (B,)."""
        refuse_blank(batch)
        x = flat(batch.x)
        units = best_units(x, self.weights, batch.mask).first
        return -topographic.distances_to(x, self.weights, units, batch.mask)


@final
class SOM(Map, Assigner, Reconstructor):
    """Self-organizing map: a grid of units that spreads over the data, rectangular or hexagonal, plane or toroid.

    Parameters
    ----------
    shape : sequence of int, default=(20, 20)
        Rows and columns of the grid. About 5 √N units suit N samples.
    grid : {"rectangular", "hexagonal"}, default="rectangular"
        How units are laid out: in squares with 8 neighbours, or in hexagons with 6.
    topology : {"plane", "toroid"}, default="plane"
        Whether the grid has edges, or each edge is joined to the opposite one. A hexagonal toroid needs an even number
        of rows.
    neighbourhood : {"gaussian", "bubble", "mexican_hat"}, default="gaussian"
        How the pull of a sample falls off with distance on the grid; "mexican_hat" also pushes, and needs the batch
        rule.
    radius : sequence of float or None, default=None
        First and last radius of the neighbourhood, in units of the grid; None for half of the longer side, and 0.5. A
        larger last radius gives a smoother map with fewer tears, whose units are further from the samples.
    decay : {"exponential", "linear", "asymptotic"}, default="exponential"
        How radius and learning rate go from their first to their last values.
    rule : {"batch", "online"}, default="batch"
        Kohonen's batch rule, once an epoch over all samples; or the older one, sample by sample, some ten times slower.
    init : {"pca", "samples", "random"}, default="pca"
        First weights: spread over the first principal components, samples drawn at random, or noise.
    output : {"coordinates", "distances"}, default="coordinates"
        What `transform` gives: where on the grid a sample is (N, 2), or its distances to all units (N, K).
    clusters : int or None, default=None
        Number of groups of neighbouring units that `predict` gives; None gives the unit itself.
    missing : {"auto", "ignore", "refuse"}, default="auto"
        Missing values: "ignore" goes by what is present, "refuse" is an error, "auto" ignores them in a DataFrame and
        refuses them in an array.
    forgetting : float, default=0.2
        For `partial_fit`: share of what earlier parts have left that each new part wipes out, from 0 to 1.
    epochs : int, default=20
        Passes over the data.
    batch_size : int, default=4096
        Samples taken at a time; of no influence on the batch rule.
    learning_rate : float, default=0.5
        First learning rate α of the online rule, at most 1; it ends at a fiftieth.
    random_state : int, RandomState or None, default=None
        Seed of first weights and order.
    plan : Plan, mapping or None, default=None
        How training runs, see `nolabel.Plan`.

    Attributes
    ----------
    units_ : ndarray of shape (K, D)
        Weights of the units in network space.
    quantization_error_, topographic_error_ : float
        Of the training samples in the last epoch, before its refresh.

    References
    ----------
    Kohonen 2013, Neural Networks 37, 52-65.

    Examples
    --------
    >>> from nolabel import SOM
    >>> model = SOM(shape=(10, 10), grid="hexagonal", epochs=5, random_state=0).fit("digits")
    >>> model.transform("digits").shape, model.umatrix().shape
    ((1797, 2), (100,))
    """

    title = "Self-organizing map"
    paper = "Kohonen 2013"
    opening = ("missing",)

    def __init__(
        self,
        *,
        shape: Sequence[int] = (20, 20),
        grid: Form = "rectangular",
        topology: Topology = "plane",
        neighbourhood: Neighbourhood = "gaussian",
        radius: Sequence[float] | None = None,
        decay: Decay = "exponential",
        rule: Rule = "batch",
        init: Start = "pca",
        output: Literal["coordinates", "distances"] = "coordinates",
        clusters: int | None = None,
        missing: Literal["auto", "ignore", "refuse"] = "auto",
        forgetting: float = 0.2,
        epochs: int = 20,
        batch_size: int = 4096,
        learning_rate: float = 0.5,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.shape = shape
        self.grid = grid
        self.topology = topology
        self.neighbourhood = neighbourhood
        self.radius = radius
        self.decay = decay
        self.rule = rule
        self.init = init
        self.output = output
        self.clusters = clusters
        self.missing = missing
        self.forgetting = forgetting
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> SOMLearner:
        """Units with random weights; the first ones are taken from the samples."""
        grid = self._grid()
        if self.rule == "online" and self.neighbourhood == "mexican_hat":
            raise ArgumentError(
                "neighbourhood must be 'gaussian' or 'bubble' for rule='online': sample by sample, the push of a "
                "mexican hat has no bound and weights run away; got 'mexican_hat'. Take rule='batch', which bounds it"
            )
        at_least("forgetting", self.forgetting, 0, 1)
        if self.rule == "online":
            at_least("learning_rate", self.learning_rate, 0, 1)
        if self.clusters is not None:
            at_least("clusters", self.clusters, 1, grid.units)
        return SOMLearner(
            spec,
            grid,
            neighbourhood=self.neighbourhood,
            radius=self._span(grid),
            decay=self.decay,
            rule=self.rule,
            rates=(self.learning_rate, self.learning_rate / 50),
            init=self.init,
            forgetting=self.forgetting,
            distances=self.output == "distances",
        )

    def _grid(self) -> Grid:
        if len(self.shape) != 2:
            raise ArgumentError(f"shape must be (rows, columns), two whole numbers; got {self.shape!r}")
        return Grid(int(self.shape[0]), int(self.shape[1]), self.grid, self.topology)

    def _span(self, grid: Grid) -> tuple[float, float]:
        """First and last radius."""
        if self.radius is None:
            return max(grid.rows, grid.columns) / 2, 0.5
        span = tuple(float(one) for one in self.radius)
        if len(span) != 2 or not span[0] >= span[1] > 0:
            raise ArgumentError(
                f"radius must be (first, last), two numbers above 0, the first no smaller; got {self.radius!r}"
            )
        return span[0], span[1]

    @property
    def quantization_error_(self) -> float:
        """Mean distance of the training samples to their units in the last epoch, before its refresh."""
        return float(self._fitted().history_[-1]["quantization_error"])

    @property
    def topographic_error_(self) -> float:
        """Share of the training samples whose two nearest units were no neighbours in the last epoch."""
        return float(self._fitted().history_[-1]["topographic_error"])

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Unit of each sample (N,), row · columns + column; or with `clusters`, its group of units.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            The samples.
        """
        units = self.units(X)
        return units if self.clusters is None else self.unit_clusters(self.clusters)[units]

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(shape=(8, 8), init="samples", epochs=8, batch_size=32, random_state=0)
