"""The colours of groups stay apart for colour-blind eyes, and from the paper, in both themes."""

import re
from importlib import resources
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

# Machado, Oliveira, Fernandes 2009, table 1 at severity 1.0: linear RGB as dichromats see it.
SIGHT = {
    "normal": np.eye(3),
    "red-blind": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "green-blind": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
CSS = (resources.files("nolabel.report") / "templates" / "page.css").read_text(encoding="utf-8")


def linear(colour: str) -> NDArray[np.float64]:
    part = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = TO_XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def colours(theme: int, names: str) -> list[str]:
    return [pair[theme] for pair in re.findall(rf"--(?:{names}): light-dark\((#\w{{6}}), (#\w{{6}})\)", CSS)]


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", [0, 1])
def test_any_two_groups_look_different(theme: int, sight: str) -> None:
    seen = [lab(SIGHT[sight] @ linear(colour)) for colour in colours(theme, r"p\d")]
    assert len(seen) == 10
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 20


@pytest.mark.parametrize("theme", [0, 1])
def test_groups_stand_out_and_text_is_readable(theme: int) -> None:
    for paper in colours(theme, "page|card"):
        assert min(contrast(colour, paper) for colour in colours(theme, r"p\d")) > 2
        assert min(contrast(colour, paper) for colour in colours(theme, "ink|soft|accent|good|warning|bad")) > 4.5
