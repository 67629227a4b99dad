"""`nolabel restore`: pictures at their own sizes, masks beside them, autoencoders too."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import nolabel
from nolabel.cli import main


def _fit(images: Path, folder: Path, *words: str) -> Path:
    words = ("--channels", "4", "--epochs", "1", "--random-state", "0", "--no-report", *words)
    assert main(["fit", "restorer", str(images), "--out", str(folder), *words]) == 0
    return folder


@pytest.fixture(scope="session")
def denoiser(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A restorer, hardly trained. Tests must not write into it."""
    return _fit(images, tmp_path_factory.mktemp("runs") / "denoiser")


@pytest.fixture(scope="session")
def inpainter(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that fills in. Tests must not write into it."""
    return _fit(images, tmp_path_factory.mktemp("runs") / "inpainter", "--task", "inpaint", "--adversarial", "0")


SIZES = {"a.png": (8, 8), "deep/b.png": (12, 9), "deep/c.png": (8, 8), "d.jpg": (30, 21)}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Four pictures of three sizes, one of them in colour."""
    rng = np.random.default_rng(0)
    for name, (height, width) in SIZES.items():
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = (3,) if name == "d.jpg" else ()
        Image.fromarray(rng.integers(0, 256, (height, width, *colour)).astype(np.uint8)).save(path)
    return tmp_path / "photographs"


def _read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_pictures_keep_their_names_and_sizes(call, denoiser: Path, photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    said = call("restore", denoiser, photographs, "--out", out)
    assert (said.code, said.out) == (0, f"4 pictures in {out}; {out / 'index.csv'} says which is which\n")
    for name, size in SIZES.items():
        assert _read((out / name).with_suffix(".png")).shape == size
    index = pd.read_csv(out / "index.csv").set_index("id")["file"].to_dict()
    assert index == {name: str(Path(name).with_suffix(".png")) for name in SIZES}
    model = nolabel.load(denoiser)
    np.testing.assert_array_equal(_read(out / "deep/b.png"), model.restore(_read(photographs / "deep/b.png")[None])[0])
    refused = call("restore", denoiser, photographs, "--out", out)
    assert refused.code == 2
    assert "exists and is not empty" in refused.err


def test_one_picture_and_an_array_are_sources_too(
    call, denoiser: Path, photographs: Path, images: Path, tmp_path
) -> None:
    assert call("restore", denoiser, photographs / "deep" / "b.png", "--out", tmp_path / "one").code == 0
    assert _read(tmp_path / "one" / "b.png").shape == (12, 9)
    assert call("restore", denoiser, images, "--out", tmp_path / "many").code == 0
    expected = nolabel.load(denoiser).restore(str(images))
    np.testing.assert_array_equal(_read(tmp_path / "many" / "39.png"), expected[39])


def test_super_resolution_doubles_each(call, images: Path, photographs: Path, tmp_path: Path) -> None:
    run = _fit(images, tmp_path / "run", "--task", "super_resolve", "--adversarial", "0")
    assert call("restore", run, photographs, "--out", tmp_path / "large").code == 0
    for name, (height, width) in SIZES.items():
        assert _read((tmp_path / "large" / name).with_suffix(".png")).shape == (2 * height, 2 * width)


# --- masks -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def masks(photographs: Path, tmp_path: Path) -> Path:
    """A hole in each picture, in files of another kind."""
    for name, size in SIZES.items():
        mask = np.zeros(size, np.uint8)
        mask[2:5, 3:6] = 255
        path = (tmp_path / "masks" / name).with_suffix(".bmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    return tmp_path / "masks"


def test_masks_are_found_by_name(call, inpainter: Path, photographs: Path, masks: Path, tmp_path: Path) -> None:
    assert call("restore", inpainter, photographs, "--mask", masks, "--out", tmp_path / "whole").code == 0
    for name in ("a.png", "deep/b.png", "deep/c.png"):
        before, after = _read(photographs / name), _read(tmp_path / "whole" / name)
        known = np.ones(before.shape, bool)
        known[2:5, 3:6] = False
        np.testing.assert_array_equal(after[known], before[known])
        assert (after[~known] != before[~known]).any()


def test_one_mask_for_all(call, inpainter: Path, images: Path, masks: Path, photographs: Path, tmp_path: Path) -> None:
    same = tmp_path / "same"
    same.mkdir()
    for name in ("a.png", "deep/c.png"):
        (same / Path(name).name).write_bytes((photographs / name).read_bytes())
    assert call("restore", inpainter, same, "--mask", masks / "a.bmp", "--out", tmp_path / "whole").code == 0
    holes = np.zeros((40, 8, 8), np.uint8)
    holes[:, 2:4] = 255
    np.save(tmp_path / "holes.npy", holes)
    said = call("restore", inpainter, images, "--mask", tmp_path / "holes.npy", "--out", tmp_path / "many")
    assert said.code == 0
    expected = nolabel.load(inpainter).restore(str(images), holes)
    np.testing.assert_array_equal(_read(tmp_path / "many" / "07.png"), expected[7])


def test_masks_that_do_not_fit(call, inpainter: Path, denoiser: Path, photographs: Path, masks: Path, tmp_path) -> None:
    out = tmp_path / "whole"
    assert "--mask must say where images are missing" in call("restore", inpainter, photographs, "--out", out).err
    said = call("restore", denoiser, photographs, "--mask", masks, "--out", out)
    assert "--mask must be None" in said.err
    Image.fromarray(np.zeros((7, 8), np.uint8)).save(masks / "a.bmp")
    said = call("restore", inpainter, photographs, "--mask", masks, "--out", out)
    assert "1 pictures have another size than their mask: a.png" in said.err
    (masks / "d.bmp").unlink()
    said = call("restore", inpainter, photographs, "--mask", masks, "--out", out)
    assert f"1 pictures have no mask of the same name in {masks}: d.jpg" in said.err
    said = call("restore", inpainter, photographs, "--mask", tmp_path / "none", "--out", out)
    assert "there is no folder or file" in said.err
    assert said.code == 2
    assert not out.exists()


# --- others ----------------------------------------------------------------------------------------------------------


def test_an_autoencoder_restores_by_rebuilding(
    call, image_run: Path, images: Path, masks: Path, tmp_path: Path
) -> None:
    assert call("restore", image_run, images, "--out", tmp_path / "clean").code == 0
    expected = nolabel.load(image_run).reconstruct(str(images))
    np.testing.assert_array_equal(_read(tmp_path / "clean" / "03.png"), expected[3])
    said = call("restore", image_run, images, "--mask", masks, "--out", tmp_path / "whole")
    assert said.code == 2
    assert "--mask is for a restorer fitted with --task inpaint" in said.err


def test_models_that_restore_nothing(call, table_run: Path, table: Path, tmp_path: Path) -> None:
    said = call("restore", table_run, table, "--out", tmp_path / "clean")
    assert said.code == 2
    assert "a model of Autoencoder, which restores no images. Models that do: of restorer" in said.err


def test_broken_pictures_are_named_or_left_out(call, denoiser: Path, photographs: Path, tmp_path: Path) -> None:
    (photographs / "broken.png").write_bytes(b"no picture")
    noise = np.random.default_rng(0).integers(0, 256, (60, 60)).astype(np.uint8)
    Image.fromarray(noise).save(photographs / "half.jpg")
    whole = (photographs / "half.jpg").read_bytes()
    (photographs / "half.jpg").write_bytes(whole[: len(whole) // 2])  # its header can be read
    said = call("restore", denoiser, photographs, "--out", tmp_path / "clean")
    assert said.code == 2
    assert "1 of 6 pictures cannot be read:\n  broken.png: not an image" in said.err
    said = call("restore", denoiser, photographs, "--out", tmp_path / "clean", "--on-error", "skip")
    assert said.code == 0
    assert "broken.png" in said.err
    assert "half.jpg" in said.err
    assert len(list((tmp_path / "clean").rglob("*.png"))) == 4


def test_a_folder_without_pictures(call, denoiser: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = call("restore", denoiser, tmp_path / "empty", "--out", tmp_path / "clean")
    assert said.code == 2
    assert "no pictures found in" in said.err
