"""The self-organizing map's equations (Kohonen 2001 and 2013), as pure functions.

Samples x (B, D), weights m_k (K, D) of the units, h the neighbourhood function of two units of the grid.

    best-matching unit     c(x) = argmin_k ‖x − m_k‖²                               (2013, eq. 4)
    online rule            m_k ← m_k + α h(c(x), k) (x − m_k),  sample by sample     (2013, eq. 3)
    batch rule             m_k = Σ_j h(k, j) S_j / Σ_j h(k, j) n_j,                  (2013, eq. 8)
                           S_j and n_j the sum and number of the samples whose best unit is j
    pushing rule           the same for neighbourhoods that also push, h = p − q with p, q ≥ 0:
                           m_k ← m_k + Σ_j (p − c q)(S_j − m_k n_j) / Σ_j (p + c q) n_j,
                           c = min(1, Σ_j p n_j / 10 Σ_j q n_j)
    quantization error     mean of ‖x − m_c(x)‖
    topographic error      share of samples whose best and second best units are no neighbours
    U-matrix               mean distance from m_k to the m of its neighbours

Values that are missing (mask False) are left out: the squared distance is (D / number present) Σ_present (x − m)²,
and the batch rule's S and n count, value by value, what is there. Samples may also be the rows of a sparse CSR tensor.

Best units come from one matrix product a block of samples, as argmin ‖m‖²/2 − x·m: what is held at a time is bounded by
the block and never N x K. Of values that lie far from 0 that form would leave nothing but rounding errors: then samples
and weights are first moved by the mean of the weights. On a CPU everything is deterministic. It knows no training and
no data set.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nolabel.nets.product import times_transposed
from nolabel.objectives.grids import Grid
from nolabel.objectives.neighbourhoods import BLOCK_VALUES, Neighbourhood, kernel

_LEAST_PULL = 1e-30  # Σ h n below this has lost its digits in float32: the unit stays where it is
_PUSH = 0.1  # most push a unit can feel for one pull; units of a map whose push is 0.2 tear apart
_FAR = 100.0  # |mean|² of the weights by their variance: two of float32's seven digits; beyond it all are moved


class Winners(NamedTuple):
    """first, second: (B,) best and second best unit.  squared: (B,) squared distance to the best.

    The distances come out of the matrix product and carry its rounding, about 1e-7 ‖x − c‖² in float32, c the mean of
    the weights or 0; `distances_to` gives them in full precision.
    """

    first: Int[Tensor, "B"]
    second: Int[Tensor, "B"]
    squared: Float[Tensor, "B"]


# --- best units ------------------------------------------------------------------------------------------------------


def best_units(
    x: Float[Tensor, "B D"], weights: Float[Tensor, "K D"], mask: Bool[Tensor, "B D"] | None = None
) -> Winners:
    """Best and second best unit of each sample; of equally near ones that of the lowest number comes first."""
    centre = _far_centre(weights)
    if centre is not None:
        weights = weights - centre
    half_norms = weights.square().sum(1) / 2
    found = [_best_of_block(part, weights, half_norms, seen, centre) for part, seen in _blocks(x, mask, len(weights))]
    first, second, squared = (torch.cat(parts) for parts in zip(*found))
    return Winners(first, second, squared)


def _far_centre(weights: Tensor) -> Tensor | None:
    """The mean of the weights (D,), or None where it is so near to 0 that products lose no digits by it."""
    centre = weights.mean(0)
    spread = (weights - centre).square().sum() / len(weights)
    return centre if bool(centre.square().sum() > _FAR * spread) else None


def _best_of_block(
    x: Tensor, weights: Tensor, half_norms: Tensor, mask: Tensor | None, centre: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    scores, norms, scale = _scores(x, weights, half_norms, mask, centre)
    first = _argmin(scores)
    best = scores.gather(1, first[:, None])[:, 0]
    second = _argmin(scores.scatter_(1, first[:, None], torch.inf))
    return first, second, ((2 * best + norms) * scale).clamp_min_(0)


def _argmin(scores: Tensor) -> Tensor:
    """Place of the least of each row, the first of equals; NumPy's is eight times as fast as torch's on a CPU."""
    if scores.device.type == "cpu":
        return torch.from_numpy(scores.detach().numpy().argmin(1))
    return scores.argmin(1)


def _scores(
    x: Tensor, weights: Tensor, half_norms: Tensor, mask: Tensor | None, centre: Tensor | None = None
) -> tuple[Tensor, Tensor, "Tensor | float"]:
    """‖m‖²/2 − x·m (B, K), ‖x‖² (B,), and what squared distances are to be multiplied by.

    With a centre, x is taken from there; the weights are so already.
    """
    if x.layout == torch.sparse_csr:
        return _sparse_scores(x, weights, half_norms, centre)
    if centre is not None:
        x = x - centre
    if mask is None:
        return times_transposed(x, weights.neg(), half_norms), _norms(x), 1.0
    seen = mask.to(x.dtype)
    present = x.where(mask, 0)
    scores = torch.addmm(seen @ (weights.square().t() / 2), present, weights.t(), alpha=-1)
    return scores, _norms(present), x.shape[1] / seen.sum(1).clamp_min(1)


def _sparse_scores(
    x: Tensor, weights: Tensor, half_norms: Tensor, centre: Tensor | None
) -> tuple[Tensor, Tensor, float]:
    """The same of sparse rows, which stay sparse: (x − c)·m = x·m − c·m."""
    scores, norms = half_norms - x @ weights.t(), _row_sums(x, x.values().square())
    if centre is None:
        return scores, norms, 1.0
    along = (x @ centre[:, None])[:, 0]
    return scores + weights @ centre, norms - 2 * along + centre.square().sum(), 1.0


def _norms(x: Tensor) -> Tensor:
    """‖x‖² of each row, without a product as large as x."""
    norms: Tensor = torch.linalg.vector_norm(x, dim=1)
    return norms.square()


def squared_distances(
    x: Float[Tensor, "B D"], weights: Float[Tensor, "K D"], mask: Bool[Tensor, "B D"] | None = None
) -> Float[Tensor, "B K"]:
    """‖x − m_k‖² to every unit, computed in float64, for the product form cancels; asked for a batch at a time."""
    wide = weights.double()
    scores, norms, scale = _scores(x.double(), wide, wide.square().sum(1) / 2, mask)
    squared = (2 * scores + norms[:, None]).clamp_min_(0)
    return (squared if isinstance(scale, float) else squared * scale[:, None]).to(weights.dtype)


def distances_to(
    x: Float[Tensor, "B D"],
    weights: Float[Tensor, "K D"],
    units: Int[Tensor, "B"],
    mask: Bool[Tensor, "B D"] | None = None,
) -> Float[Tensor, "B"]:
    """‖x − m_u‖ of each sample to the one unit named for it, from the differences themselves."""
    found, start = [], 0
    for part, seen in _blocks(x, mask, x.shape[1]):
        apart = dense(part) - weights[units[start : start + len(part)]]
        start += len(part)
        if seen is None:
            found.append(torch.linalg.vector_norm(apart, dim=1))
        else:
            found.append((apart.where(seen, 0).square().sum(1) * _scales(seen, apart)).sqrt())
    return torch.cat(found)


def _blocks(x: Tensor, mask: Tensor | None, width: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Rows of x and mask, as many at a time as make a block of `width` columns that fits the cache."""
    rows = max(16, BLOCK_VALUES // width)
    for start in range(0, len(x), rows):
        stop = min(start + rows, len(x))
        yield _rows(x, start, stop), None if mask is None else mask[start:stop]


# --- sparse rows -----------------------------------------------------------------------------------------------------


def dense(x: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
    """The same samples with every zero written out."""
    return x.to_dense() if x.layout == torch.sparse_csr else x


def _rows(x: Tensor, start: int, stop: int) -> Tensor:
    if x.layout != torch.sparse_csr:
        return x[start:stop]
    if (start, stop) == (0, len(x)):
        return x
    ends = x.crow_indices()[start : stop + 1]
    inside = slice(int(ends[0]), int(ends[-1]))
    size = (stop - start, x.shape[1])
    return torch.sparse_csr_tensor(
        ends - ends[0], x.col_indices()[inside], x.values()[inside], size, check_invariants=False
    )


def rows_of(x: Float[Tensor, "B D"], chosen: Int[Tensor, "R"]) -> Float[Tensor, "R D"]:
    """The chosen rows, dense, one of them as often as it is chosen."""
    if x.layout != torch.sparse_csr:
        return x[chosen]
    return torch.cat([_rows(x, row, row + 1).to_dense() for row in chosen.tolist()])


def row_of_each(x: Tensor) -> Tensor:
    """The row (nnz,) that each stored value of a CSR tensor belongs to."""
    ends = x.crow_indices()
    return torch.repeat_interleave(torch.arange(len(x), device=x.device), ends[1:] - ends[:-1])


def _row_sums(x: Tensor, values: Tensor) -> Tensor:
    return values.new_zeros(len(x)).index_add_(0, row_of_each(x), values)


# --- sums over the samples of each unit ------------------------------------------------------------------------------


def sums_per_unit(
    x: Float[Tensor, "B D"], units: Int[Tensor, "B"], count: int, mask: Bool[Tensor, "B D"] | None = None
) -> Float[Tensor, "K D"]:
    """S_j: the sum of the samples whose unit is j, over what is present. Samples are added one after the other."""
    if x.layout == torch.sparse_csr:
        places = units[row_of_each(x)] * x.shape[1] + x.col_indices()
        return x.values().new_zeros(count * x.shape[1]).index_add_(0, places, x.values()).view(count, -1)
    return x.new_zeros(count, x.shape[1]).index_add_(0, units, x if mask is None else x.where(mask, 0))


def counts_per_unit(units: Int[Tensor, "B"], count: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, "K"]:
    """n_j: how many samples have unit j."""
    return torch.bincount(units, minlength=count).to(dtype)


# --- rules -----------------------------------------------------------------------------------------------------------


def batch_rule(
    weights: Float[Tensor, "K D"],
    sums: Float[Tensor, "K D"],
    mass: Float[Tensor, "K C"],
) -> Float[Tensor, "K D"]:
    """New weights m_k = Σ_j h S_j / Σ_j h n_j.

    Parameters
    ----------
    weights
        The weights until now, kept where nothing pulls.
    sums
        Σ_j h(k, j) S_j.
    mass
        Σ_j h(k, j) n_j, one for each unit (C = 1) or for each value (C = D).
    """
    pulled = mass > _LEAST_PULL
    return torch.where(pulled, sums / torch.where(pulled, mass, 1), weights)


def pushing_rule(
    weights: Float[Tensor, "K D"],
    pull: tuple[Float[Tensor, "K D"], Float[Tensor, "K C"]],
    push: tuple[Float[Tensor, "K D"], Float[Tensor, "K C"]],
) -> Float[Tensor, "K D"]:
    """New weights by a neighbourhood that pulls and pushes: the batch rule where nothing pushes.

    Over a plane a mexican hat pushes more than it pulls, and the batch rule itself would divide by about nothing. So a
    unit's push is brought down to a tenth of its pull where it is more. Then weights cannot run away: with samples of
    size at most X they stay within X (1 + 0.1) / (1 − 0.1).

    Parameters
    ----------
    weights
        The weights until now, kept where nothing pulls.
    pull, push
        Σ_j p S_j and Σ_j p n_j, the sums and the mass of what pulls; the same of what pushes.
    """
    (pulled, p), (pushed, q) = pull, push
    moves = p > _LEAST_PULL
    c = (_PUSH * p / q.clamp_min(_LEAST_PULL)).clamp_max(1)
    step = (pulled - weights * p) - c * (pushed - weights * q)
    return torch.where(moves, weights + step / torch.where(moves, p + c * q, 1), weights)


def online_rule(
    weights: Float[Tensor, "K D"],
    x: Float[Tensor, "B D"],
    grid: Grid,
    neighbourhood: Neighbourhood,
    radii: Sequence[float],
    rates: Sequence[float],
    mask: Bool[Tensor, "B D"] | None = None,
) -> None:
    """m_k ← m_k + α h(c, k) (x − m_k) for one sample after the other; changes `weights` in place.

    `radii` and `rates` have the radius of h and the rate α of each sample.
    """
    for turn, (sample, radius, rate) in enumerate(zip(x, radii, rates, strict=True)):
        apart = sample - weights if mask is None else (sample - weights).where(mask[turn], 0)
        c = torch.linalg.vecdot(apart, apart).argmin()
        h = kernel(grid, neighbourhood, radius, c[None], weights.dtype)[0] * rate
        weights.addcmul_(h[:, None], apart)


def _scales(mask: Tensor | None, x: Tensor) -> Tensor:
    """D / number of values present (B,)."""
    if mask is None:
        return x.new_ones(len(x))
    return x.shape[1] / mask.sum(1).clamp_min(1).to(x.dtype)


# --- what a map is judged by -----------------------------------------------------------------------------------------


def quantization_error(
    x: Float[Tensor, "N D"], weights: Float[Tensor, "K D"], mask: Bool[Tensor, "N D"] | None = None
) -> float:
    """Mean distance of the samples to their best units."""
    return float(distances_to(x, weights, best_units(x, weights, mask).first, mask).double().mean())


def topographic_error(
    x: Float[Tensor, "N D"], weights: Float[Tensor, "K D"], grid: Grid, mask: Bool[Tensor, "N D"] | None = None
) -> float:
    """Share of samples whose best and second best units are no neighbours on the grid."""
    found = best_units(x, weights, mask)
    return float((~grid.adjacent(found.first, found.second)).double().mean())


def umatrix(weights: Float[Tensor, "K D"], grid: Grid) -> Float[Tensor, "K"]:
    """Mean distance from the weights of each unit to those of its neighbours."""
    pairs = grid.edges.to(weights.device)
    lengths: Tensor = torch.linalg.vector_norm(weights[pairs[:, 0]] - weights[pairs[:, 1]], dim=1)
    total = lengths.new_zeros(grid.units).index_add_(0, pairs[:, 0], lengths)
    return total / counts_per_unit(pairs[:, 0], grid.units, total.dtype)
