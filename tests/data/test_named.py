"""Data sets by name: found, downloaded, checked."""

import gzip
import hashlib
import io
import struct
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from nolabel.data import named
from nolabel.data.named import DOWNLOADS, NAMES, Download
from nolabel.data.source import open as open_source
from nolabel.errors import ArgumentError, DataError


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine"])
def test_those_in_scikit_learn_are_as_the_table_says(name: str) -> None:
    data, facts = open_source(name), NAMES[name]
    assert (data.spec.modality, data.spec.shape) == (facts.modality, facts.shape)
    assert len(data) == facts.samples["all"]
    assert len(data.classes) == facts.classes == len(set(data.labels.tolist()))
    assert data.name == name


def test_digits_cover_the_whole_range() -> None:
    data = open_source("digits")
    assert (data.store.dtype, data.store.min(), data.store.max()) == (torch.uint8, 0, 255)
    assert data.spec.recipe["layout"] == "HW"
    assert data.classes == tuple("0123456789")


def test_tables_keep_their_column_names() -> None:
    columns = open_source("wine").spec.recipe["columns"]
    assert [column["name"] for column in columns][:2] == ["alcohol", "malic_acid"]


@pytest.mark.parametrize("name", ["mnist", "mnist:test"])
def test_mnist_under_nolabel_data(real_data: Path, name: str) -> None:
    data, facts = open_source(name), NAMES["mnist"]
    split = "test" if ":" in name else "train"
    assert len(data) == facts.samples[split]
    assert data.spec.shape == facts.shape
    assert np.bincount(data.labels).min() > 800
    assert data.name == name
    assert torch.equal(open_source("mnist", split=split).store, data.store)


def test_cifar10_under_nolabel_data(real_data: Path) -> None:
    data = open_source("cifar10:test")
    assert (len(data), data.spec.shape, data.name) == (10_000, (3, 32, 32), "cifar10:test")
    assert data.classes == named.CLASSES["cifar10"]
    assert data.ids[0] == "airplane/0000.jpg"
    assert np.bincount(data.labels).tolist() == [1000] * 10


def test_every_name_has_an_opener_and_the_table_is_complete() -> None:
    assert set(named._OPENERS) == set(NAMES)
    for facts in NAMES.values():
        assert facts.origin
        assert facts.licence
    for files in DOWNLOADS.values():
        for download in files.values():
            assert len(bytes.fromhex(download.sha256)) == 32
            assert all(url.startswith("https://") for url in download.urls[:1])


def test_splits_that_are_not_there() -> None:
    with pytest.raises(ArgumentError, match=r"split of 'mnist' must be one of 'train', 'test'; got 'tset'; did you"):
        open_source("mnist:tset")
    with pytest.raises(ArgumentError, match="split of 'digits' must be one of 'all'"):
        open_source("digits", split="train")
    with pytest.raises(ArgumentError, match="asks for the split 'test', and split= for 'train'"):
        open_source("mnist:test", split="train")


def test_a_name_that_is_nearly_one() -> None:
    with pytest.raises(DataError, match=r"no such file or folder: 'fashion-mnist'; did you mean 'fashion_mnist'\?"):
        open_source("fashion-mnist")


# Downloads, from a server on this machine.


def packed_idx(values: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    return gzip.compress(
        bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    )


def packed_cifar(records: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for number, part in enumerate(np.array_split(records, 6)):
            name = "test_batch" if number == 5 else f"data_batch_{number + 1}"
            content = part.tobytes()
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
RECORDS = np.random.default_rng(0).integers(0, 256, (12, 3073), dtype=np.uint8)
RECORDS[:, 0] %= 10
FILES = {
    "mnist": {
        "t10k-images-idx3-ubyte.gz": packed_idx(IMAGES),
        "t10k-labels-idx1-ubyte.gz": packed_idx((np.arange(12) % 10).astype(np.uint8)),
    },
    "cifar10": {"cifar-10-binary.tar.gz": packed_cifar(RECORDS)},
}


class Quiet(SimpleHTTPRequestHandler):
    """A server that does not chat."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is served, and that the names are downloaded from."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("NOLABEL_DATA", raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        home = f"http://127.0.0.1:{running.server_address[1]}/"
        for name, files in FILES.items():
            for file, content in files.items():
                (folder / file).write_bytes(content)
                sha256 = hashlib.sha256(content).hexdigest()
                monkeypatch.setitem(DOWNLOADS[name], file, Download((f"{home}gone/{file}", home + file), sha256))
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield folder
        running.shutdown()
        thread.join()


def test_a_download_is_checked_kept_and_used_again(
    server: Path, own_cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = open_source("mnist:test")  # its first address does not answer
    assert np.array_equal(data.store[:, 0], IMAGES)
    assert data.labels.tolist() == [*range(10), 0, 1]
    for file in server.iterdir():
        file.unlink()
    assert torch.equal(open_source("mnist:test").store, data.store)
    assert capfd.readouterr() == ("", "")


def test_the_binary_form_of_cifar10(server: Path) -> None:
    test, train = open_source("cifar10:test"), open_source("cifar10")
    assert np.array_equal(test.store, RECORDS[10:, 1:].reshape(-1, 3, 32, 32))
    assert np.array_equal(train.store, RECORDS[:10, 1:].reshape(-1, 3, 32, 32))
    assert (train.labels.tolist(), train.classes) == (RECORDS[:10, 0].tolist(), named.CLASSES["cifar10"])
    assert train.spec.recipe["layout"] == "HWC"


def test_a_file_of_another_sum_is_refused(server: Path) -> None:
    (server / "t10k-images-idx3-ubyte.gz").write_bytes(packed_idx(IMAGES[:3]))
    with pytest.raises(
        DataError, match=r"cannot download t10k-images-idx3-ubyte\.gz of 'mnist'(?s:.*hash.*)NOLABEL_DATA"
    ):
        open_source("mnist:test")


def test_a_damaged_archive_of_cifar10_is_named(server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data" / "cifar10" / "cifar-10-binary.tar.gz"
    path.parent.mkdir(parents=True)
    monkeypatch.setenv("NOLABEL_DATA", str(tmp_path / "data"))
    for content in (FILES["cifar10"][path.name][:-500], packed_cifar(RECORDS[:, :100]), b"no archive"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz' (is damaged|does not hold)"):
            open_source("cifar10")
