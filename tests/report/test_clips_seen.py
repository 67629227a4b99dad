"""Clips on the page: some of their frames, side by side, in the order in which they follow each other."""

import numpy as np
import pytest
import torch

import nolabel
from nolabel.report.looks import is_seen, lines, pixels


@pytest.mark.parametrize(("frames", "side", "shown"), [(16, 3, [0, 2, 4, 6, 8, 9, 11, 13, 15]), (4, 2, [0, 1, 2, 3])])
@pytest.mark.parametrize("channels", [1, 3])
def test_frames_stand_line_by_line(frames: int, side: int, shown: list[int], channels: int) -> None:
    clips = torch.rand(5, channels, frames, 6, 7)
    found = pixels(clips)
    assert found.shape == (5, side * 6, side * 7, *([3] if channels == 3 else []))
    for place, frame in enumerate(shown):
        row, column = divmod(place, side)
        part = found[:, 6 * row : 6 * row + 6, 7 * column : 7 * column + 7]
        np.testing.assert_array_equal(part, pixels(clips[:, :, frame]))


def test_clips_of_two_frames_show_both() -> None:
    clips = torch.stack([torch.zeros(1, 3, 4), torch.ones(1, 3, 4)], 1)[None]
    assert pixels(clips)[0, ::3, ::4].tolist() == [[0, 0], [255, 255]]


def test_a_data_set_of_clips_is_seen_and_not_read() -> None:
    data = nolabel.open(np.random.default_rng(0).integers(0, 256, (4, 3, 8, 9, 1), dtype=np.uint8))
    assert is_seen(data.spec)
    assert lines(data) == []
    assert pixels(data).shape == (4, 16, 18)
