"""Clips become GIFs that can be opened again, by hand and by `nolabel sample`; a folder of GIFs is trained on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nolabel
from nolabel.cli import clips
from nolabel.data import toys
from nolabel.data.source import restore
from nolabel.types import DataSpec, to_network

COLOUR = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 6, 3), dtype=np.uint8)
MOVING = toys.moving_digits(10, frames=4, size=10, seed=1).clips


def _spec(layout: str, channels: int) -> DataSpec:
    return DataSpec("video", (channels, 4, 5, 6), "unit", {"layout": layout, "dtype": "uint8"})


def test_layouts() -> None:
    for layout, axes in {"THWC": (0, 1, 2, 3, 4), "TCHW": (0, 1, 4, 2, 3), "CTHW": (0, 4, 1, 2, 3)}.items():
        np.testing.assert_array_equal(clips.frames(COLOUR.transpose(axes), _spec(layout, 3)), COLOUR)
        grey = COLOUR[..., :1]
        np.testing.assert_array_equal(clips.frames(grey.transpose(axes), _spec(layout, 1)), grey[..., 0])
    np.testing.assert_array_equal(clips.frames(COLOUR[..., 0] / 255, _spec("THW", 1)), COLOUR[..., 0])


@pytest.mark.parametrize("made", [MOVING, COLOUR], ids=["grey", "colour"])
def test_gifs_in_a_folder_are_read_back(tmp_path: Path, made: np.ndarray) -> None:
    clips.write_clips(tmp_path, made, [f"a/{number}" for number in range(len(made))], 8.0)
    data = nolabel.open(tmp_path / "a", modality="video")
    assert data.ids == [f"{number}.gif" for number in range(len(made))]
    assert data.spec.recipe["step"] == 120
    np.testing.assert_array_equal(clips.frames(restore(data.spec, to_network(data.store)), data.spec), made)


def test_a_sheet_shows_all_clips_at_once(tmp_path: Path) -> None:
    clips.write_clips(tmp_path / "all.gif", MOVING[:3], range(3), 10.0)
    with Image.open(tmp_path / "all.gif") as sheet:
        assert sheet.size == (122, 122)
        assert sheet.info["duration"] % 100 == 0
        sheet.seek(sheet.n_frames - 1)
        last = np.asarray(sheet.convert("L"))
    np.testing.assert_array_equal(last[:60:6, 62::6], MOVING[1, -1])
    np.testing.assert_array_equal(last[62::6, :60:6], MOVING[2, -1])


def test_frames_a_second_are_those_of_the_data() -> None:
    assert clips.fps_of(_spec("THW", 1)) == 10
    assert clips.fps_of(DataSpec("video", (1, 4, 5, 6), "unit", {"step": 40})) == 25


@pytest.fixture(scope="module")
def video_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the first three frames of GIFs, trained by the command line."""
    from nolabel.cli import main

    home = tmp_path_factory.mktemp("video")
    (home / "gifs").mkdir()
    clips.write_clips(home / "gifs", MOVING, range(len(MOVING)), 12.5)
    words = ["--frames", "3", "--latent", "4", "--channels", "2", "--epochs", "1", "--random-state", "0", "--no-report"]
    assert main(["fit", "video-gan", str(home / "gifs"), "--out", str(home / "run"), *words]) == 0
    return home / "run"


def test_sample_writes_gifs(call, video_run: Path, tmp_path: Path) -> None:
    said = call("sample", video_run, "-n", 5, "--seed", 1, "--out", tmp_path / "new")
    assert (said.code, f"5 new samples in {tmp_path / 'new'}" in said.out) == (0, True)
    model = nolabel.load(video_run)
    drawn = model.sample(5, random_state=1)
    assert drawn.shape == (5, 3, 10, 10)
    again = nolabel.open(tmp_path / "new", spec=model.spec_)
    np.testing.assert_array_equal(again.store[:, 0].numpy(), drawn)
    with Image.open(tmp_path / "new" / "0.gif") as first:
        assert first.info["duration"] % 80 == 0, "a frame as long as those of the data, or several alike"


def test_sample_writes_one_sheet_or_an_array(call, video_run: Path, tmp_path: Path) -> None:
    assert call("sample", video_run, "-n", 4, "--seed", 1, "--out", tmp_path / "all.gif").code == 0
    with Image.open(tmp_path / "all.gif") as sheet:
        assert sheet.size == (122, 122)
    assert call("sample", video_run, "-n", 4, "--seed", 1, "--out", tmp_path / "all.npy").code == 0
    assert np.load(tmp_path / "all.npy").shape == (4, 3, 10, 10)
    said = call("sample", video_run, "--out", tmp_path / "all.png")
    assert said.code == 2
    assert "must end in one of .gif, .npy; got '.png'" in said.err


def test_a_model_of_images_draws_no_gif(call, vae_run: Path, tmp_path: Path) -> None:
    said = call("sample", vae_run, "--out", tmp_path / "all.gif")
    assert said.code == 2
    assert "must end in one of .png, .npy; got '.gif'" in said.err
