"""Moving digits: clips of one digit of scikit-learn's that goes straight on and bounces off the edges.

After "moving MNIST" (Srivastava, Mansimov and Salakhutdinov 2015, arXiv:1502.04681), with one digit of 8 x 8 pixels and
so nothing that overlaps. Clips are (N, T, H, W) uint8; colour images have four axes too, so whoever opens an array of
clips must say that it is one, with `modality="video"`. 2,000 of them are the data set named `moving_digits`. This file
knows no files and no methods.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nolabel.data.named import open_named
from nolabel.data.raw import RawArray
from nolabel.data.toy_draws import Floats, ToyDraws, at_least

SIDE = 8  # of a digit, in pixels
SLOWEST, FASTEST = 0.5, 1.5  # pixels a frame


@final
@dataclass(frozen=True)
class Clips:
    """Clips (N, T, H, W) uint8, 255 for full ink, and the digit that each shows (N,)."""

    clips: NDArray[np.uint8]
    labels: NDArray[np.int64]


def moving_digits(n: int = 200, frames: int = 16, size: int = 16, seed: int = 0) -> Clips:
    """Clips of one digit that moves straight on, in any direction, at a speed of its own, and bounces off the edges.

    Parameters
    ----------
    n
        Clips, at least one; the ten digits are equally frequent, up to one clip.
    frames
        Frames of each (T), at least one.
    size
        Height and width in pixels, at least 8; in 8, nothing can move.
    seed
        A whole number from 0; the same seed gives the same clips.

    Returns
    -------
    Clips
        (n, frames, size, size) uint8 and the digits.

    Notes
    -----
    Start, direction and speed (0.5 to 1.5 pixels a frame) are uniform. Positions are rounded to whole pixels, so that
    a digit has the same ink in every frame.
    """
    at_least(n=(n, 1), frames=(frames, 1), size=(size, SIDE), seed=(seed, 0))
    draws = ToyDraws(seed)
    labels = draws.classes(n, 10)
    shown = _digits(labels, draws.uniform(n))
    direction, speed = 2 * np.pi * draws.uniform(n), SLOWEST + (FASTEST - SLOWEST) * draws.uniform(n)
    top = _bouncing(draws.uniform(n), speed * np.sin(direction), frames, size - SIDE)
    left = _bouncing(draws.uniform(n), speed * np.cos(direction), frames, size - SIDE)
    clips = np.zeros((n, frames, size, size), np.uint8)
    clip, frame = np.arange(n)[:, None, None, None], np.arange(frames)[:, None, None]
    rows, columns = _covered(top)[..., :, None], _covered(left)[..., None, :]
    clips[clip, frame, rows, columns] = shown[:, None]
    return Clips(clips, labels)


def _digits(labels: NDArray[np.int64], u: Floats) -> NDArray[np.uint8]:
    """(n, 8, 8) images of the given digits, any of its own for each."""
    source = open_named("digits")
    assert isinstance(source, RawArray)
    of_each = [np.flatnonzero(np.asarray(source.labels) == digit) for digit in range(10)]
    rows = np.array([of_each[digit][int(part * len(of_each[digit]))] for digit, part in zip(labels, u)])
    images: NDArray[np.uint8] = source.values[rows]
    return images


def _bouncing(u: Floats, speed: Floats, frames: int, room: int) -> NDArray[np.int64]:
    """(n, T) whole positions from 0 to `room` of what starts at u times it and turns round at both ends."""
    if not room:
        return np.zeros((len(u), frames), np.int64)
    way = u[:, None] * room + speed[:, None] * np.arange(frames)
    places: NDArray[np.int64] = np.rint(room - np.abs(way % (2 * room) - room)).astype(np.int64)
    return places


def _covered(first: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, T, 8) places that a digit covers along one side."""
    return first[..., None] + np.arange(SIDE)
