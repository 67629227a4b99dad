"""What the tests of the data room share: small image files, and a cache that is theirs alone."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache's folder of this test; no test may see the user's."""
    folder = tmp_path / "own cache"
    monkeypatch.setenv("NOLABEL_CACHE", str(folder))
    return folder / "decoded"


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real data sets, or a skip."""
    folder = Path(os.environ.get("NOLABEL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not there and NOLABEL_DATA is not set")
    monkeypatch.setenv("NOLABEL_DATA", str(folder))
    return folder


@pytest.fixture
def as_file() -> Callable[..., bytes]:
    """An image as the bytes of a file."""

    def save(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
        file = io.BytesIO()
        image.save(file, format, **options)
        return file.getvalue()

    return save


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Makes a folder of random images, so many for each class folder ("" for the folder itself)."""

    def make(
        name: str = "some images",
        classes: tuple[str, ...] = ("cat", "dog"),
        each: int = 3,
        size: tuple[int, int] = (8, 10),
        mode: str = "RGB",
        suffix: str = ".png",
    ) -> Path:
        rng = np.random.default_rng(0)
        shape = (*size, 3) if mode == "RGB" else size
        for one in classes:
            (tmp_path / name / one).mkdir(parents=True, exist_ok=True)
            for number in range(each):
                pixels = rng.integers(0, 256, shape, dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / one / f"{number:03d}{suffix}")
        return tmp_path / name

    return make
