"""Data sets that are known by name: where they are found, and what they are.

`digits`, `breast_cancer` and `wine` come with scikit-learn, and `moving_digits` is made of its digits. The others are
looked for under the folder that the variable NOLABEL_DATA names (`mnist/train-images-idx3-ubyte.gz`, ...,
`fashion_mnist/` alike; `cifar10/train.tar` and `test.tar` with one folder for each class, or
`cifar10/cifar-10-binary.tar.gz`; `20news/20news-bydate-train.tar.xz` and `-test.tar.xz` with one folder for each group,
or `20news/20news-bydate.tar.gz`; `ag_news/test.csv`), else downloaded once with pooch. What is downloaded is checked
against the SHA-256 given here, and nothing is unpickled.

Of a post in `20news` only what follows its first blank line is read: the mail headers name the group.
"""

import csv
import logging
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from nolabel.data.archives import open_archive, open_text_archive
from nolabel.data.documents import Documents, GivenTexts
from nolabel.data.idx import read
from nolabel.data.raw import Raw, RawArray, RawTable, RawTexts
from nolabel.errors import DataError, not_a_choice
from nolabel.types import Modality

Split = Literal["train", "test"]


@final
@dataclass(frozen=True)
class Named:
    """A data set with a name. samples: of each split, the first of which is opened unless another is asked for.

    shape: of a sample; empty for texts, where it depends on the words that are counted.
    """

    name: str
    modality: Modality
    samples: Mapping[str, int]
    shape: tuple[int, ...]
    classes: int
    origin: str
    licence: str


_IN_SKLEARN = "UCI; comes with scikit-learn"
_NEWS_PARTS = {"train": 11_314, "test": 7_532}
_MNIST_PARTS = {"train": 60_000, "test": 10_000}

NAMES: dict[str, Named] = {
    one.name: one
    for one in (
        Named("digits", "image", {"all": 1797}, (1, 8, 8), 10, f"Alpaydin, Kaynak 1998, {_IN_SKLEARN}", "CC BY 4.0"),
        Named("moving_digits", "video", {"all": 2000}, (1, 16, 16, 16), 10, "made of digits, as toys are", "CC BY 4.0"),
        Named("mnist", "image", _MNIST_PARTS, (1, 28, 28), 10, "LeCun, Cortes, Burges 1998", "CC BY-SA 3.0"),
        Named("fashion_mnist", "image", _MNIST_PARTS, (1, 28, 28), 10, "Xiao, Rasul, Vollgraf 2017", "MIT"),
        Named("cifar10", "image", {"train": 50_000, "test": 10_000}, (3, 32, 32), 10, "Krizhevsky 2009", "unclear"),
        Named("20news", "text", _NEWS_PARTS, (), 20, "Lang 1995, sorted by date; without mail headers", "unclear"),
        Named("ag_news", "text", {"test": 7600}, (), 4, "Gulli 2005; Zhang, Zhao, LeCun 2015", "non-commercial"),
        Named("breast_cancer", "table", {"all": 569}, (30,), 2, f"Wolberg et al. 1995, {_IN_SKLEARN}", "CC BY 4.0"),
        Named("wine", "table", {"all": 178}, (13,), 3, f"Aeberhard, Forina 1991, {_IN_SKLEARN}", "CC BY 4.0"),
    )
}


@final
@dataclass(frozen=True)
class Download:
    """A file that can be had from any of these addresses, and its SHA-256."""

    urls: tuple[str, ...]
    sha256: str


_IDX = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_CIFAR_PARTS = {
    "train": [f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)],
    "test": ["cifar-10-batches-bin/test_batch.bin"],
}
_NEWS_FILE = "20news-bydate.tar.gz"
_CIFAR_FILE = "cifar-10-binary.tar.gz"
_CIFAR_RECORD = 1 + 3 * 32 * 32  # a label, then the red, green and blue planes
_MNIST_HOMES = ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")
_FASHION_HOMES = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
_CIFAR_HOMES = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
)
_NEWS_HOMES = ("https://ndownloader.figshare.com/files/5975967",)  # scikit-learn's, with the sum that it checks
_AG_HOMES = ("https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/test.csv",)
CLASSES: dict[str, tuple[str, ...]] = {
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    "ag_news": ("World", "Sports", "Business", "Sci/Tech"),
}


def _downloads(homes: tuple[str, ...], sums: Mapping[str, str]) -> dict[str, Download]:
    return {file: Download(tuple(home + file for home in homes), sha256) for file, sha256 in sums.items()}


# Each sum of images was found in at least two independent public places, among them TensorFlow Datasets' checksums.
DOWNLOADS: dict[str, dict[str, Download]] = {
    "mnist": _downloads(
        _MNIST_HOMES,
        {
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "fashion_mnist": _downloads(
        _FASHION_HOMES,
        {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
    "cifar10": _downloads(
        _CIFAR_HOMES,
        {_CIFAR_FILE: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
    ),
    "20news": {
        _NEWS_FILE: Download(_NEWS_HOMES, "8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610"),
    },
    "ag_news": {
        "test.csv": Download(_AG_HOMES, "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699"),
    },
}


def split_name(text: str) -> tuple[str, str | None]:
    """The name and the split in "mnist:test"; no split in "mnist"."""
    name, colon, split = text.partition(":")
    return name, split if colon else None


def open_named(name: str, split: str | None = None) -> Raw:
    """The raw samples and labels of a named data set.

    Parameters
    ----------
    name
        A key of `NAMES`.
    split
        One of its splits; None for the first.

    Raises
    ------
    ArgumentError
        It has no such split.
    DataError
        It is not under NOLABEL_DATA and cannot be downloaded.
    """
    splits = list(NAMES[name].samples)
    chosen = splits[0] if split is None else split
    if chosen not in splits:
        raise not_a_choice(f"split of {name!r}", chosen, splits)
    return _OPENERS[name](name, chosen)


def _title(name: str, split: str) -> str:
    return name if split == next(iter(NAMES[name].samples)) else f"{name}:{split}"


def _open_digits(name: str, split: str) -> RawArray:
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)  # it counts the ink of each pixel from 0 to 16
    return RawArray(images, name, labels=found.target, classes=[str(digit) for digit in found.target_names])


def _open_moving_digits(name: str, split: str) -> RawArray:
    from nolabel.data.toy_clips import moving_digits  # only here: it opens digits by their name

    made = moving_digits(NAMES[name].samples[split])
    return RawArray(made.clips, name, labels=made.labels, classes=[str(digit) for digit in range(10)], clips=True)


def _open_sklearn_table(name: str, split: str) -> RawTable:
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True)
    classes = [str(one) for one in found.target_names]
    return RawTable(found.data, name, labels=found.target.to_numpy(), classes=classes)


def _open_idx_set(name: str, split: str) -> RawArray:
    images, labels = (read(_find(name, (f"{file}.gz", file))) for file in _IDX[split])
    classes = CLASSES.get(name, tuple(str(digit) for digit in range(10)))
    return RawArray(images, _title(name, split), labels=labels, classes=classes)


def _open_cifar10(name: str, split: str) -> Raw:
    path = _find(name, (f"{split}.tar", _CIFAR_FILE))
    if path.name != _CIFAR_FILE:
        return replace(open_archive(path), name=_title(name, split))
    records = _cifar_records(path, _CIFAR_PARTS[split])
    images = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return RawArray(images, _title(name, split), labels=records[:, 0], classes=CLASSES[name])


def _cifar_records(path: Path, parts: Sequence[str]) -> NDArray[np.uint8]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|gz") as file:
            for member in file:
                if member.name in parts and (content := file.extractfile(member)) is not None:
                    found[member.name] = content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"'{path}' is damaged: {error}; delete it to have it downloaded again") from error
    if missing := [part for part in parts if len(found.get(part, b"")) % _CIFAR_RECORD or not found.get(part)]:
        raise DataError(f"'{path}' does not hold {missing[0]} whole; delete it to have it downloaded again")
    return np.frombuffer(b"".join(found[part] for part in parts), np.uint8).reshape(-1, _CIFAR_RECORD)


def _open_20news(name: str, split: str) -> RawTexts:
    path = _find(name, (f"20news-bydate-{split}.tar.xz", _NEWS_FILE))
    raw = replace(open_text_archive(path), name=_title(name, split), encoding="latin-1", body=True)
    if path.name != _NEWS_FILE:
        return raw
    return replace(raw, opened=lambda: _under(raw, f"20news-bydate-{split}/"))


@contextmanager
def _under(raw: RawTexts, folder: str) -> Iterator[Documents]:
    """Those members of an archive that lie in one folder; names are sorted, so they are neighbours."""
    with raw.opened() as members:
        rows = [row for row, name in enumerate(members.names) if name.startswith(folder)]
        if not rows:
            raise DataError(f"{raw.name}: the archive has no folder {folder}; delete it to have it downloaded again")
        yield members.part(rows[0], rows[-1] + 1)


def _open_ag_news(name: str, split: str) -> RawTexts:
    path = _find(name, (f"{split}.csv",))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if any(len(row) != 3 or row[0] not in ("1", "2", "3", "4") for row in rows):
        raise DataError(f"'{path}' is not the file that is meant: expected rows of class (1 to 4), title, text")
    texts = GivenTexts([f"{title}. {text}".replace("\\", " ") for _, title, text in rows])
    labels = [int(row[0]) - 1 for row in rows]
    return RawTexts(name, lambda: nullcontext(texts), labels, CLASSES[name], "rows")


_OPENERS: dict[str, Callable[[str, str], Raw]] = {
    "digits": _open_digits,
    "moving_digits": _open_moving_digits,
    "breast_cancer": _open_sklearn_table,
    "wine": _open_sklearn_table,
    "mnist": _open_idx_set,
    "fashion_mnist": _open_idx_set,
    "cifar10": _open_cifar10,
    "20news": _open_20news,
    "ag_news": _open_ag_news,
}


def _find(name: str, files: Sequence[str]) -> Path:
    """The first of these files that is under NOLABEL_DATA; else the one that can be downloaded."""
    home = os.environ.get("NOLABEL_DATA")
    for file in files if home else ():
        path = Path(home or "") / name / file
        if path.is_file():
            return path
    file = next(file for file in files if file in DOWNLOADS[name])
    return _downloaded(name, file)


def _downloaded(name: str, file: str) -> Path:
    download = DOWNLOADS[name][file]
    folder = _download_folder() / name
    tried: list[str] = []
    for url in download.urls:
        try:
            return _fetch(url, download.sha256, file, folder)
        except (OSError, ValueError) as error:  # no network, or a file of another sum
            tried.append(f"  {url}: {error}")
    raise DataError(
        f"cannot download {file} of {name!r}:\n" + "\n".join(tried) + "\nWithout a network, put the file in a folder "
        f"'{name}' and name that folder's parent in the variable NOLABEL_DATA"
    )


def _download_folder() -> Path:
    import pooch

    chosen = os.environ.get("NOLABEL_CACHE")
    return Path(chosen or pooch.os_cache("nolabel")) / "downloads"


def _fetch(url: str, sha256: str, file: str, folder: Path) -> Path:
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)  # a library does not chat
    try:
        return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=file, path=folder))
    finally:
        logger.setLevel(level)
