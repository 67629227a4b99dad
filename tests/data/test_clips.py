"""Clips in arrays: which axis is what, what is refused, and that they come back as they came."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nolabel.data import clips, toys
from nolabel.data.named import NAMES
from nolabel.data.source import open as open_source
from nolabel.data.source import restore
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.types import to_network

N, T, H, W = 5, 4, 6, 7
NETWORK = np.random.default_rng(0).integers(0, 256, (N, 3, T, H, W), dtype=np.uint8)  # (N, C, T, H, W)
LAYOUTS = {"THWC": (0, 2, 3, 4, 1), "TCHW": (0, 2, 1, 3, 4), "CTHW": (0, 1, 2, 3, 4)}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["array", "tensor"])
def test_the_axis_of_channels_is_found_and_clips_come_back(layout: str, form: str) -> None:
    given = np.ascontiguousarray(NETWORK.transpose(LAYOUTS[layout]))
    data = open_source(given if form == "array" else torch.from_numpy(given))
    assert (data.spec.modality, data.spec.shape, data.spec.values) == ("video", (3, T, H, W), "unit")
    assert data.spec.recipe == {"source": "array", "layout": layout, "dtype": "uint8"}
    np.testing.assert_array_equal(data.store.numpy(), NETWORK)
    np.testing.assert_array_equal(restore(data.spec, to_network(data.store)), given)


def test_four_axes_are_clips_only_if_somebody_says_so() -> None:
    grey = NETWORK[:, 0]
    data = open_source(grey, modality="video")
    assert (data.spec.shape, data.spec.recipe["layout"]) == ((1, T, H, W), "THW")
    np.testing.assert_array_equal(restore(data.spec, to_network(data.store)), grey)
    with pytest.raises(DataError, match="images must have 1 or 3 channels"):
        open_source(grey)
    assert open_source(grey[:, :3]).spec.modality == "image"


def test_where_several_axes_could_be_channels() -> None:
    both = np.zeros((4, 3, 3, 8, 3), np.uint8)
    assert open_source(both).spec.shape == (3, 3, 3, 8)
    assert open_source(both).spec.recipe["layout"] == "THWC"
    assert open_source(torch.from_numpy(both)).spec.recipe["layout"] == "CTHW"
    known = open_source(np.zeros((2, 3, 3, 8, 1), np.uint8)).spec
    assert open_source(np.zeros((4, 1, 3, 3, 8), np.uint8), spec=known).spec is known
    of_three = open_source(np.zeros((2, 5, 8, 3, 3), np.uint8)).spec  # five frames of 8 x 3
    assert open_source(np.zeros((2, 3, 5, 8, 3), np.uint8), spec=of_three).store.shape == (2, 3, 5, 8, 3)


@given(
    st.sampled_from(["uint8", "bool", "uint16", "float32", "float64"]),
    st.sampled_from(list(LAYOUTS)),
    st.integers(0, 2**31),
)
def test_dtypes_come_back(dtype: str, layout: str, seed: int) -> None:
    levels = np.random.default_rng(seed).random((2, 1, 3, 4, 5))
    top = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    values = (levels > 0.5) if dtype == "bool" else levels if top == 1 else np.rint(levels * top)
    given = values.transpose(LAYOUTS[layout]).astype(dtype)
    data = open_source(given)
    network = to_network(data.store)
    assert 0 <= network.min() <= network.max() <= 1
    back = restore(data.spec, network)
    assert back.shape == given.shape
    np.testing.assert_allclose(back.astype(float), given.astype(float), atol=1e-6 if top == 1 else 0)


def test_a_number_of_frames_may_be_numpys() -> None:
    clips = np.zeros((3, 5, 6, 6), np.uint8)
    assert open_source(clips, modality="video", frames=np.int64(2)).spec.shape == (1, 2, 6, 6)
    assert open_source(clips, modality="video", size=np.int64(6)).spec.shape == (1, 5, 6, 6)


def test_the_first_frames_are_kept_when_asked_for() -> None:
    data = open_source(NETWORK, frames=3)
    np.testing.assert_array_equal(data.store.numpy(), NETWORK[:, :, :3])
    with pytest.raises(DataError, match="frames=5, but these clips have 4"):
        open_source(NETWORK, frames=5)
    with pytest.raises(ArgumentError, match=r"frames=2, but the model was fitted to clips of 3 frames of 6 x 7 pixels"):
        open_source(NETWORK, frames=2, spec=data.spec)
    same = open_source(NETWORK, frames=3, spec=data.spec)
    assert torch.equal(same.store, data.store)


@pytest.mark.parametrize("frames", [0, -1, 2.0, True, "4"])
def test_a_number_of_frames_that_is_none(frames: object) -> None:
    with pytest.raises(ArgumentError, match="frames must be a whole number of at least 1, or None for all; got"):
        open_source(NETWORK, frames=frames)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (np.zeros((20, 8, 8)), ModalityError, "array 20 x 8 x 8 is of kind 'image'; clips are arrays"),
        (np.zeros((20, 8)), ModalityError, "of kind 'table'; clips are arrays"),
        (np.zeros((9, 32, 32, 3), np.uint8), ModalityError, "looks like colour images, or like one clip in colour"),
        (np.zeros((9, 4, 8, 8, 2)), DataError, r"clips must have 1 or 3 channels, .* got shape \(9, 4, 8, 8, 2\)$"),
        (np.zeros((9, 4, 8, 8, 4)), DataError, r"drop alpha with X\[..., :3\]"),
        (np.zeros((9, 4, 8, 8), int), DataError, "clips of dtype int64 have no stated range"),
        (np.full((9, 4, 8, 8), 2.0), DataError, "float clips must lie in"),
        (np.full((9, 4, 8, 8), np.nan), DataError, "clips must be finite; NaN or infinity found in 9 of 9 samples"),
        ("digits", ModalityError, "digits is of kind 'image'"),
    ],
    ids=["3 axes", "table", "colour", "2 channels", "alpha", "int", "range", "NaN", "named"],
)
def test_what_is_no_clip_is_refused(source: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        open_source(source, modality="video")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 5, 6, 7, 3), "got 5 frames of 6 x 7 pixels, 3 channels: keep the first 4 frames"),
        ((2, 3, 6, 7, 3), "got 3 frames of 6 x 7 pixels, 3 channels: pass longer ones"),
        ((2, 4, 6, 8, 3), "resize their frames to 6 x 7"),
        ((2, 4, 6, 7, 1), "got 4 frames of 6 x 7 pixels, 1 channel: make them grey or colour as those were"),
    ],
)
def test_other_clips_than_a_model_was_fitted_to(shape: tuple[int, ...], words: str) -> None:
    spec = open_source(NETWORK).spec
    with pytest.raises(DataError, match=words):
        open_source(np.zeros(shape, np.uint8), spec=spec)


def test_kinds_that_are_not_those_of_a_model() -> None:
    of_clips, of_images = open_source(NETWORK).spec, open_source(NETWORK[:, 0, 0]).spec
    of_rows = open_source(np.eye(4)).spec
    for source, spec, words in (
        (NETWORK[:, 0, 0], of_clips, "fitted to clips, 4 frames of 6 x 7 pixels, 3 channels; .* holds images"),
        (np.eye(4), of_clips, "fitted to clips.* is a table"),
        (NETWORK, of_images, r"fitted to images of shape \(1, 6, 7\); .* holds clips: pass single frames"),
        (NETWORK, of_rows, "fitted to a table with 4 columns; .* holds clips"),
        (open_source(NETWORK), of_images, "fitted to data of kind 'image'; .* is of kind 'video'"),
    ):
        with pytest.raises(ModalityError, match=words):
            open_source(source, spec=spec)
    with pytest.raises(ModalityError, match="texts, or counts of words, were expected; .* holds clips"):
        open_source(NETWORK, modality="text")
    with pytest.raises(ModalityError, match=r"of kind 'image'; open it with modality='video'"):
        open_source(open_source(NETWORK[:, 0, 0]), modality="video")


def test_arguments_that_clips_have_no_use_for() -> None:
    with pytest.raises(ArgumentError, match="frames is for clips; array 5 x 6 x 7 was opened as images"):
        open_source(NETWORK[:, 0, 0], frames=3)
    with pytest.raises(ArgumentError, match="size and channels are for clips in files"):
        open_source(NETWORK, size=8)
    with pytest.raises(ArgumentError, match="clips have no columns"):
        open_source(NETWORK, labels="kind")
    with pytest.raises(ArgumentError, match="min_df=2 is for texts; .* was opened as clips"):
        open_source(NETWORK, min_df=2)


def test_labels_and_files_of_arrays(tmp_path) -> None:
    labels = list("ababa")
    data = open_source(NETWORK, labels=labels)
    assert (data.labels.tolist(), data.classes) == ([0, 1, 0, 1, 0], ("a", "b"))
    np.save(tmp_path / "clips.npy", NETWORK[:, 0])
    np.savez(tmp_path / "clips.npz", x=NETWORK[:, 0], y=[0, 1, 0, 1, 0])
    for name in ("clips.npy", "clips.npz"):
        opened = open_source(tmp_path / name, modality="video")
        np.testing.assert_array_equal(opened.store.numpy()[:, 0], NETWORK[:, 0])
    assert opened.labels.tolist() == [0, 1, 0, 1, 0]


def test_moving_digits_are_known_by_name() -> None:
    data, facts = open_source("moving_digits"), NAMES["moving_digits"]
    assert (data.spec.modality, data.spec.shape, len(data)) == (facts.modality, facts.shape, facts.samples["all"])
    assert (data.name, len(data.classes)) == ("moving_digits", facts.classes)
    made = toys.moving_digits(2000)
    np.testing.assert_array_equal(data.store.numpy()[:, 0], made.clips)
    np.testing.assert_array_equal(data.labels, made.labels)
    assert restore(data.spec, to_network(data.store[:2])).shape == (2, 16, 16, 16)


def test_words_for_a_size() -> None:
    assert clips.size((1, 1, 8, 9)) == "1 frame of 8 x 9 pixels, 1 channel"
