"""Calling the command line: in this process where possible, and a few tiny trained runs that many tests look at."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nolabel
from nolabel.cli import main


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]
TINY = ["--hidden", "8", "--latent", "3", "--epochs", "2", "--batch-size", "16", "--random-state", "0"]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


def start(*words: object, cwd: Path, **more: str) -> "subprocess.Popen[str]":
    """Start a command in a process of its own."""
    home = str(Path(nolabel.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": home, "PYTHONUNBUFFERED": "1", **more}
    command = [sys.executable, "-m", "nolabel", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=pipe, stderr=pipe, text=True)


def ended(process: "subprocess.Popen[str]", seconds: float = 120) -> Said:
    """Wait for a command."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"the command did not end in {seconds} s; it said\n{out}\n{err}")
    return Said(process.returncode, out, err)


@pytest.fixture
def launch() -> Callable[..., "subprocess.Popen[str]"]:
    return start


@pytest.fixture
def outcome() -> Callable[..., Said]:
    return ended


def blobs(count: int, shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two kinds of samples in [0, 255], and which is which."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    centres = rng.integers(40, 215, (2, *shape))
    return np.clip(centres[labels] + rng.normal(0, 15, (count, *shape)), 0, 255).astype(np.uint8), labels


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 grey images of 8 x 8 in a file, with labels."""
    file = tmp_path_factory.mktemp("images") / "blobs.npz"
    x, y = blobs(40, (8, 8))
    np.savez(file, x=x, y=y)
    return file


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 rows of numbers and words, with a column of classes."""
    file = tmp_path_factory.mktemp("tables") / "things.csv"
    x, y = blobs(40, (4,))
    frame = pd.DataFrame(x.astype(float), columns=["height", "width", "depth", "weight"])
    frame["colour"] = np.where(y == 0, "red", "blue")
    frame["kind"] = np.where(y == 0, "cat", "dog")
    frame.to_csv(file, index=False)
    return file


def _trained(folder: Path, *words: object) -> Path:
    assert main(["fit", *map(str, words), "--out", str(folder), "--no-report"]) == 0
    return folder


@pytest.fixture(scope="session")
def image_run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An autoencoder of the images. Tests must not write into it."""
    return _trained(tmp_path_factory.mktemp("runs") / "images", "autoencoder", images, *TINY)


@pytest.fixture(scope="session")
def vae_run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of the images. Tests must not write into it."""
    return _trained(tmp_path_factory.mktemp("runs") / "vae", "vae", images, *TINY)


@pytest.fixture(scope="session")
def table_run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An autoencoder of the table. Tests must not write into it."""
    return _trained(tmp_path_factory.mktemp("runs") / "table", "autoencoder", table, *TINY, "--labels", "kind")
