"""`nolabel fit pix2pix|cycle-gan ... --target` and `nolabel translate`: names, forms, ways back, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import nolabel
from nolabel.cli import main

NAMES = ["a.png", "deep/b.png", "deep/c.png", "d.png"]


def _folder(place: Path, names: list[str], *shape: int) -> Path:
    for seed, name in enumerate(names):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(place / name)
    return place


@pytest.fixture(scope="session")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder(tmp_path_factory.mktemp("sides") / "grey", NAMES, 9, 7)


@pytest.fixture(scope="session")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder(tmp_path_factory.mktemp("sides") / "coloured", NAMES, 9, 7, 3)


def _fit(method: str, source: Path, target: Path, run: Path) -> Path:
    words = ["--out", str(run), "--channels", "2", "--epochs", "1", "--random-state", "0", "--no-report"]
    assert main(["fit", method, str(source), "--target", str(target), *words]) == 0
    return run


@pytest.fixture(scope="session")
def paired(grey: Path, coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of Pix2Pix, hardly trained. Tests must not write into it."""
    return _fit("pix2pix", grey, coloured, tmp_path_factory.mktemp("runs") / "pix2pix")


@pytest.fixture(scope="session")
def unpaired(grey: Path, coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of CycleGAN."""
    return _fit("cycle-gan", grey, coloured, tmp_path_factory.mktemp("runs") / "cycle")


def _read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_pictures_are_named_after_those_that_were_given(call, paired: Path, grey: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    said = call("translate", paired, grey, "--out", out)
    assert (said.code, said.out) == (0, f"4 pictures in {out}; {out / 'index.csv'} says which is which\n")
    made = nolabel.load(paired).translate(grey)
    index = pd.read_csv(out / "index.csv")
    assert sorted(index["id"]) == sorted(NAMES)
    for row, name in enumerate(nolabel.open(grey).ids):
        np.testing.assert_array_equal(_read(out / str(name)), made[row])


def test_the_other_way(call, unpaired: Path, coloured: Path, tmp_path: Path) -> None:
    assert call("translate", unpaired, coloured, "--back", "--out", tmp_path / "made").code == 0
    made = nolabel.load(unpaired).translate(coloured, back=True)
    assert _read(tmp_path / "made" / "a.png").shape == (9, 7)
    np.testing.assert_array_equal(_read(tmp_path / "made" / "a.png"), made[0])


def test_pictures_of_other_sizes_are_brought_to_that_of_the_model(call, paired: Path, tmp_path: Path) -> None:
    large = _folder(tmp_path / "large", ["one.png"], 30, 40)
    assert call("translate", paired, large, "--out", tmp_path / "made").code == 0
    assert _read(tmp_path / "made" / "one.png").shape == (9, 7, 3)


def test_fit_says_what_to_type_next(call, grey: Path, coloured: Path, tmp_path: Path) -> None:
    words = ("--channels", "2", "--epochs", "1", "--no-report", "--size", "8x6", "--on-error", "skip")
    said = call("fit", "pix2pix", grey, "--target", coloured, "--out", tmp_path / "run", *words)
    assert said.code == 0, said.err
    assert f"nolabel translate {tmp_path / 'run'} {grey} -o translated" in said.out
    assert nolabel.load(tmp_path / "run").spec_.shape == (1, 8, 6)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("fit", "pix2pix", "{grey}", "--out", "{tmp}/run"), "nolabel fit pix2pix needs --target, as in nolabel fit"),
        (
            ("fit", "pix2pix", "{grey}", "--target", "{few}", "--out", "{tmp}/run"),
            "3 images in X without a target in y (d, deep/b, deep/c)",
        ),
        (("fit", "pix2pix", "{grey}", "--target", "no/such", "--out", "{tmp}/run"), "no/such"),
        (("fit", "dcgan", "{grey}", "--target", "{grey}", "--out", "{tmp}/run"), "no flag --target"),
        (("translate", "{paired}", "{grey}", "--back", "--out", "{tmp}/out"), "Pix2Pix has learned one way only"),
        (("translate", "{grey}", "{grey}", "--out", "{tmp}/out"), "holds no model"),
        (("translate", "{paired}", "{grey}", "--out", "{grey}"), "exists and is not empty"),
        (("translate", "{paired}", "{grey}"), "nolabel translate needs --out"),
    ],
)
def test_what_cannot_be_done_is_refused(
    words: tuple[str, ...], told: str, call, paired: Path, grey: Path, tmp_path: Path
) -> None:
    few = _folder(tmp_path / "few", ["a.png"], 9, 7) if "{few}" in words else tmp_path
    places = {"paired": paired, "grey": grey, "tmp": tmp_path, "few": few}
    said = call(*(word.format(**places) for word in words))
    assert said.code == 2
    assert told in said.err
    assert not (tmp_path / "run").exists()


def test_other_models_do_not_translate(call, image_run: Path, grey: Path, tmp_path: Path) -> None:
    said = call("translate", image_run, grey, "--out", tmp_path / "out")
    assert said.code == 2
    assert "which cannot translate images. Methods that can: cycle-gan, pix2pix" in said.err
