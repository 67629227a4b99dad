"""Crop, flip and colours of images on a CPU, compiled by numba: one sample at a time, so that it stays in the cache.

The same arithmetic as `geometry.resample` and `colour`, which say what it means and do it on other devices; those two
files' tests hold them together. A sample's loop writes to that sample alone, so the numbers are the same to the last
bit for any number of threads. Only `images` imports this file, when views are first made of images on a CPU.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nolabel.compiled import PARTS, compiled, on_threads
from nolabel.views import colour

# float32 throughout: a Python number would make the loops twice as wide
_0, _1, _2, _3, _4, _5, _6 = (np.float32(number) for number in range(7))
_SIXTH = np.float32(1 / 6)
_RED, _GREEN, _BLUE = (np.float32(part) for part in colour.GREY)
_BRIGHTNESS, _CONTRAST, _SATURATION = colour.BRIGHTNESS, colour.CONTRAST, colour.SATURATION


@compiled(fastmath=True)
def _taps(start: Any, length: Any, mirrored: Any, places: Any, weights: Any) -> None:
    """Of which pixels, from `places` (out,) on, and with which `weights` (T, out) each new pixel is made."""
    count, out = weights.shape
    step = length / out
    reach = max(step, 1.0)
    for o in range(out):
        centre = step * ((out - 1 - o if mirrored else o) + 0.5)
        first = min(max(math.floor(centre - reach + 0.5), 0), length - count)
        total = 0.0
        for t in range(count):
            weight = max(1.0 - abs(first + t + 0.5 - centre) / reach, 0.0)
            weights[t, o] = weight
            total += weight
        for t in range(count):
            weights[t, o] = weights[t, o] / total
        places[o] = start + first


@compiled(fastmath=True)
def _resample(
    x: Any, b: Any, top: Any, left: Any, height: Any, width: Any, flip: Any, flop: Any, line: Any, seen: Any
) -> None:
    """R X Sᵀ for the channels of image b: x (B, C, H, W) to seen (B, C, h, w)."""
    h, w = seen.shape[2], seen.shape[3]
    tall = min(height, math.ceil(2 * max(height / h, 1.0)))
    wide = min(width, math.ceil(2 * max(width / w, 1.0)))
    rows, columns = np.empty(h, np.uintp), np.empty(w, np.uintp)
    row_weights, column_weights = np.empty((tall, h), np.float32), np.empty((wide, w), np.float32)
    _taps(top, height, flop, rows, row_weights)
    _taps(left, width, flip, columns, column_weights)
    for c in range(x.shape[1]):
        for y in range(h):
            _mix_rows(x, b, c, rows, row_weights, y, left, left + width, line)
            _mix_columns(line, columns, column_weights, seen, b, c, y)


@compiled(fastmath=True)
def _mix_rows(x: Any, b: Any, c: Any, rows: Any, weights: Any, y: Any, left: Any, right: Any, line: Any) -> None:
    """Row y of R X, between two columns. Whole arrays are handed on: slices of them would cost more than the sums."""
    row = rows[y]
    if weights.shape[0] == 2:
        upper, lower, below = weights[0, y], weights[1, y], row + np.uintp(1)
        for i in range(left, right):
            line[i] = upper * x[b, c, row, i] + lower * x[b, c, below, i]
        return
    for i in range(left, right):
        line[i] = _0
    for t in range(weights.shape[0]):
        weight, below = weights[t, y], row + np.uintp(t)
        for i in range(left, right):
            line[i] += weight * x[b, c, below, i]


@compiled(fastmath=True)
def _mix_columns(line: Any, columns: Any, weights: Any, seen: Any, b: Any, c: Any, y: Any) -> None:
    """Row y of (R X) Sᵀ."""
    if weights.shape[0] == 2:
        for i in range(seen.shape[3]):
            place = columns[i]
            here, beside = weights[0, i] * line[place], weights[1, i] * line[place + np.uintp(1)]
            seen[b, c, y, i] = here + beside
        return
    for i in range(seen.shape[3]):
        value = _0
        for t in range(weights.shape[0]):
            value += weights[t, i] * line[columns[i] + np.uintp(t)]
        seen[b, c, y, i] = value


@compiled(fastmath=True)
def _scale(plane: Any, factor: Any, added: Any) -> None:
    """Clip(factor x + added)."""
    for i in range(plane.size):
        value = factor * plane[i] + added
        value = value if value > _0 else _0
        plane[i] = value if value < _1 else _1


@compiled(fastmath=True)
def _scale_all(planes: Any, factor: Any, added: Any) -> None:
    """Clip(factor x + added) in every channel."""
    for c in range(planes.shape[0]):
        _scale(planes[c], factor, added)


@compiled(fastmath=True)
def _mean_grey(planes: Any) -> Any:
    """Mean of the luma, or of everything if there are not three channels."""
    channels, n = planes.shape
    total = 0.0
    for c in range(channels):
        part = _0
        for i in range(n):
            part += planes[c, i]
        share = 1.0 / channels
        if channels == 3:
            share = _RED if c == 0 else (_GREEN if c == 1 else _BLUE)
        total += share * part
    return np.float32(total / n)


@compiled(fastmath=True)
def _towards_grey(red: Any, green: Any, blue: Any, factor: Any) -> None:
    """Clip(factor x + (1 - factor) g(x))."""
    rest = _1 - factor
    for i in range(red.size):
        grey = rest * (_RED * red[i] + _GREEN * green[i] + _BLUE * blue[i])
        r, g, b = factor * red[i] + grey, factor * green[i] + grey, factor * blue[i] + grey
        r, g, b = r if r > _0 else _0, g if g > _0 else _0, b if b > _0 else _0
        red[i], green[i], blue[i] = r if r < _1 else _1, g if g < _1 else _1, b if b < _1 else _1


@compiled(fastmath=True)
def _turn_hue(red: Any, green: Any, blue: Any, shift: Any) -> None:
    """The hue of HSV moved by `shift` turns."""
    moved = _6 * shift
    for i in range(red.size):
        r, g, b = red[i], green[i], blue[i]
        high = max(r, max(g, b))
        chroma = high - min(r, min(g, b))
        part = _1 / (chroma if chroma > _0 else _1)
        green_or_blue = _2 + (b - r) * part if high == g else _4 + (r - g) * part
        sixths = ((g - b) * part if high == r else green_or_blue) + moved
        red[i] = high - chroma * _share(_5 + sixths)
        green[i] = high - chroma * _share(_3 + sixths)
        blue[i] = high - chroma * _share(_1 + sixths)


@compiled(fastmath=True)
def _share(k: Any) -> Any:
    """How much of the chroma a channel lacks, k sixths of a turn along."""
    k = k - _6 * np.floor(k * _SIXTH)
    k = min(k, _4 - k)
    k = k if k > _0 else _0
    return k if k < _1 else _1


@compiled(fastmath=True)
def _colour(planes: Any, factors: Any, order: Any) -> None:
    """The four changes of one image (C, n), in its own order."""
    colourful = planes.shape[0] == 3
    for stage in range(4):
        change = order[stage]
        factor = factors[change]
        if change == _BRIGHTNESS:
            if factor != _1:
                _scale_all(planes, factor, _0)
        elif change == _CONTRAST:
            if factor != _1:
                _scale_all(planes, factor, (_1 - factor) * _mean_grey(planes))
        elif change == _SATURATION:
            if colourful and factor != _1:
                _towards_grey(planes[0], planes[1], planes[2], factor)
        elif colourful and factor != _0:
            _turn_hue(planes[0], planes[1], planes[2], factor)


@compiled(fastmath=True)
def _recolour(seen: Any, b: Any, factors: Any, order: Any, grey: Any) -> None:
    """The colours of image b."""
    planes = seen[b].reshape(seen.shape[1], seen.shape[2] * seen.shape[3])
    _colour(planes, factors[b], order[b])
    if grey[b] and seen.shape[1] == 3:
        _towards_grey(planes[0], planes[1], planes[2], _0)


@compiled(fastmath=True)
def _views(
    x: Any, boxes: Any, flip: Any, flop: Any, factors: Any, order: Any, grey: Any, seen: Any, first: int, last: int
) -> None:
    """Views of the samples [first, last)."""
    line = np.empty(x.shape[3], np.float32)
    for b in range(first, last):
        _resample(x, b, boxes[b, 0], boxes[b, 1], boxes[b, 2], boxes[b, 3], flip[b], flop[b], line, seen)
        _recolour(seen, b, factors, order, grey)


@compiled(fastmath=True)
def _coloured(seen: Any, factors: Any, order: Any, grey: Any, first: int, last: int) -> None:
    """Colours of the samples [first, last)."""
    for b in range(first, last):
        _recolour(seen, b, factors, order, grey)


def views(
    x: Tensor, boxes: Tensor, flip: Tensor, flop: Tensor, factors: Tensor, order: Tensor, grey: Tensor,
    size: tuple[int, int],
) -> Tensor:  # fmt: skip
    """Boxes of images brought to a size, mirrored and coloured, each as its row of every argument says.

    Parameters
    ----------
    x
        (B, C, H, W) float32 in [0, 1], on the CPU.
    boxes, flip, flop
        As for `geometry.resample`.
    factors, order
        As for `colour.jitter`.
    grey
        (B,) bool: whose colours are taken away last.
    size
        Height and width of the views.

    Returns
    -------
    Tensor
        (B, C, *size).
    """
    seen = torch.empty(len(x), x.shape[1], *size)
    _over_samples(_views, [x, boxes.long(), flip, flop, factors, order, grey, seen])
    return seen


def coloured(x: Tensor, factors: Tensor, order: Tensor, grey: Tensor) -> Tensor:
    """Images (B, C, H, W) with other colours; the arguments are those of `views`."""
    seen = x.clone(memory_format=torch.contiguous_format)
    _over_samples(_coloured, [seen, factors, order, grey])
    return seen


def _over_samples(loop: Callable[..., None], tensors: list[Tensor]) -> None:
    """The loop over all samples, cut into parts for the threads that torch may use."""
    arrays = [tensor.detach().contiguous().numpy() for tensor in tensors]
    count = len(arrays[0])
    threads = min(torch.get_num_threads(), count)
    if threads <= 1:
        return loop(*arrays, 0, count)
    cuts = [count * part // (threads * PARTS) for part in range(threads * PARTS + 1)]
    return on_threads(lambda first, last: loop(*arrays, first, last), cuts)
