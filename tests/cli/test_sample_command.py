"""`nolabel sample`: how many, of which classes, how usual, and where to."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import nolabel
from nolabel.cli.commands import sample
from nolabel.errors import ArgumentError


class LabelledStranger:
    """A model of a method that learns from labels, which remembers what it was asked for."""

    uses_labels = True

    def __init__(self, spec) -> None:
        self.spec_ = spec
        self.asked: dict[str, object] = {}

    def sample(self, n: int = 16, random_state: int | None = None, *, labels=None, truncation: float = 1.0):
        self.asked = {"n": n, "random_state": random_state, "labels": labels, "truncation": truncation}
        if not 0 < truncation <= 1:
            raise ArgumentError(f"truncation must be above 0 and at most 1; got {truncation}")
        if self.spec_.modality == "image":
            return np.arange(n, dtype=np.uint8)[:, None, None] * np.ones((n, 8, 8), np.uint8)
        return pd.DataFrame({"label": np.arange(n), "height": 1.0})


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch, images: Path) -> LabelledStranger:
    """The model that every RUN holds."""
    model = LabelledStranger(nolabel.open(str(images)).spec)
    monkeypatch.setattr(sample.opening, "open_able", lambda *_: model)
    return model


@pytest.fixture(scope="module")
def gan_run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A game for the images, hardly begun."""
    from nolabel.cli import main

    run = tmp_path_factory.mktemp("runs") / "gan"
    words = ["--latent", "4", "--hidden", "8", "--epochs", "1", "--random-state", "0", "--no-report"]
    assert main(["fit", "gan", str(images), "--out", str(run), *words]) == 0
    return run


def test_a_grid_of_64_by_a_seed_and_truncated(call, gan_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    said = call("sample", gan_run, "-n", 64, "--truncation", 0.7, "--seed", 3, "--out", path)
    assert (said.code, f"64 new samples in {path}" in said.out) == (0, True)
    drawn = nolabel.load(gan_run).sample(64, random_state=3, truncation=0.7)
    sheet = np.asarray(Image.open(path))
    assert sheet.shape == (8 * 66 - 2, 8 * 66 - 2), "each pixel eight times, and a gap of two"
    np.testing.assert_array_equal(sheet[66:130:8, 132:196:8], drawn[8 + 2])
    assert not np.array_equal(drawn, nolabel.load(gan_run).sample(64, random_state=3))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--truncation", 0], "--truncation must be a number above 0 and at most 1; got 0.0"),
        (["--truncation", 1.5], "--truncation must be"),
        (["-n", 0], "n must be a whole number of at least 1; got 0"),
        (["--labels", "3"], "GAN draws samples without --labels. Methods that take it: "),
        (["--labels", ","], "--labels must be names of classes separated by commas; got ','"),
        (["--seed", "x"], "must be a whole number; got 'x'"),
        (["--seed", -1], "--random-state must be None or a whole number of at least 0"),
    ],
    ids=lambda one: str(one[0]) if isinstance(one, list) else "",
)
def test_what_cannot_be_meant(call, gan_run: Path, tmp_path: Path, flags: list[object], words: str) -> None:
    said = call("sample", gan_run, "--out", tmp_path / "new", *flags)
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "new").exists()


def test_a_seed_may_be_as_large_as_it_likes(call, gan_run: Path, tmp_path: Path) -> None:
    assert call("sample", gan_run, "-n", 2, "--seed", 2**70, "--out", tmp_path / "new.png").code == 0


def test_more_samples_than_memory_holds(call, gan_run: Path, tmp_path: Path) -> None:
    said = call("sample", gan_run, "-n", 10**14, "--out", tmp_path / "new.png")
    assert said.code == 2
    assert "error: -n 100000000000000: 100,000,000,000,000 samples at once do not fit into memory" in said.err


def test_a_method_that_cannot_truncate_says_who_can(call, vae_run: Path, tmp_path: Path) -> None:
    said = call("sample", vae_run, "--out", tmp_path / "new.png", "--truncation", 0.5)
    assert said.code == 2
    assert "VAE draws samples without --truncation. Methods that take it: " in said.err
    assert "dcgan, gan, " in said.err


@pytest.mark.parametrize(
    ("flags", "n", "labels"),
    [
        (["--labels", "cat"], 16, ["cat"] * 16),
        (["--labels", "cat", "-n", 3], 3, ["cat"] * 3),
        (["--labels", "cat, dog"], 2, ["cat", "dog"]),
        (["--labels", "cat,dog", "-n", 5], 5, ["cat", "dog", "cat", "dog", "cat"]),
        ([], 16, None),
    ],
    ids=str,
)
def test_classes_take_turns(
    call, stranger: LabelledStranger, tmp_path: Path, flags: list[object], n: int, labels: list[str] | None
) -> None:
    assert call("sample", "RUN", "--out", tmp_path / "new.png", *flags).code == 0
    assert stranger.asked == {"n": n, "random_state": None, "labels": labels, "truncation": 1.0}


def test_a_folder_of_classes_can_be_opened_as_data(call, stranger: LabelledStranger, tmp_path: Path) -> None:
    out = tmp_path / "new"
    assert call("sample", "RUN", "--out", out, "--labels", "cat,a/dog,cat", "-n", 12).code == 0
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*.png"))
    assert [name for name in names if name.startswith("a_dog")] == [f"a_dog/{row:02d}.png" for row in (1, 4, 7, 10)]
    assert len(names) == 12
    data = nolabel.open(str(out))
    assert data.classes == ("a_dog", "cat")
    assert np.bincount(data.labels).tolist() == [4, 8]
    np.testing.assert_array_equal(np.asarray(Image.open(out / "cat" / "11.png")), np.full((8, 8), 11))


def test_classes_of_rows_stand_in_a_column_of_their_own(
    call, stranger: LabelledStranger, table: Path, tmp_path: Path
) -> None:
    stranger.spec_ = nolabel.open(str(table)).spec
    assert call("sample", "RUN", "--out", tmp_path / "new.csv", "--labels", "cat,dog").code == 0
    frame = pd.read_csv(tmp_path / "new.csv")
    assert list(frame.columns) == ["label", "height", "label_"]
    assert frame["label_"].tolist() == ["cat", "dog"]


def test_nothing_is_made_before_samples_are_drawn(call, stranger: LabelledStranger, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    said = call("sample", "RUN", "--out", tmp_path / "full")
    assert (said.code, stranger.asked) == (2, {})
    assert "exists and is not empty" in said.err
    assert call("sample", "RUN", "--out", tmp_path / "new", "--truncation", 2).code == 2
    assert not (tmp_path / "new").exists()
