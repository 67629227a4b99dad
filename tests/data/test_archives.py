"""Archives: read without unpacking, and never trusted."""

import io
import resource
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nolabel.data import archives
from nolabel.data.source import open as open_source
from nolabel.errors import ArgumentError, BrokenFilesError, DataError, OutputError

MakeFolder = Callable[..., Path]

TARS = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.xz": "w:xz", ".tar.bz2": "w:bz2"}


@pytest.fixture
def folder(make_folder: MakeFolder) -> Path:
    return make_folder(each=4)


def pack_tar(folder: Path, archive: Path, mode: str = "w", top: str = "") -> Path:
    with tarfile.open(archive, mode) as file:
        for path in sorted(folder.rglob("*"), reverse=True):
            file.add(path, top + str(path.relative_to(folder)), recursive=False)
    return archive


def pack_zip(folder: Path, archive: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(archive, "w", method) as file:
        for path in sorted(folder.rglob("*"), reverse=True):
            file.write(path, str(path.relative_to(folder)))
    return archive


def add(archive: Path, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> None:
    with tarfile.open(archive, "a") as file:
        member = tarfile.TarInfo(name)
        member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
        file.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("suffix", TARS)
def test_a_tar_is_the_folder_it_was_made_of(folder: Path, tmp_path: Path, suffix: str, own_cache: Path) -> None:
    whole = open_source(folder)
    archive = pack_tar(folder, tmp_path / f"my images{suffix}", TARS[suffix])
    data = open_source(archive)
    assert (data.ids, data.classes, data.name) == (whole.ids, whole.classes, archive.name)
    assert torch.equal(data.store, whole.store)
    assert data.labels.tolist() == whole.labels.tolist()
    assert torch.equal(open_source(archive).store, whole.store)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [folder.name, archive.name, own_cache.parent.name]
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_is_the_folder_it_was_made_of(folder: Path, tmp_path: Path, method: int) -> None:
    whole = open_source(folder)
    data = open_source(pack_zip(folder, tmp_path / "images.zip", method))
    assert (data.ids, data.classes) == (whole.ids, whole.classes)
    assert torch.equal(data.store, whole.store)


def test_a_folder_that_all_share_is_no_class(folder: Path, tmp_path: Path) -> None:
    assert open_source(pack_tar(folder, tmp_path / "a.tar", top="./images/")).classes == ("cat", "dog")


def test_only_plain_visible_images_count(folder: Path, tmp_path: Path) -> None:
    archive = pack_tar(folder, tmp_path / "a.tar")
    add(archive, "link.png", kind=tarfile.SYMTYPE)
    add(archive, "hard.png", kind=tarfile.LNKTYPE)
    add(archive, "device.png", kind=tarfile.CHRTYPE)
    add(archive, "pipe.png", kind=tarfile.FIFOTYPE)
    add(archive, ".hidden/a.png", b"x")
    add(archive, "__MACOSX/a.png", b"x")
    add(archive, "notes.txt", b"x")
    assert open_source(archive).ids == open_source(folder).ids


def test_the_last_member_of_a_name_counts(folder: Path, tmp_path: Path) -> None:
    archive = pack_tar(folder, tmp_path / "a.tar")
    add(archive, "cat/000.png", (folder / "dog" / "000.png").read_bytes())
    data = open_source(archive)
    assert len(data) == 8
    assert torch.equal(data.store[0], data.store[4])


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:/evil.png", "..\\evil.png", ".."]
)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_member_that_leads_out_is_refused_by_name(folder: Path, tmp_path: Path, name: str, kind: str) -> None:
    archive = tmp_path / f"a.{kind}"
    if kind == "tar":
        add(pack_tar(folder, archive), name, b"x")
    else:
        with zipfile.ZipFile(pack_zip(folder, archive), "a") as file:
            file.writestr(name, b"x")
    with pytest.raises(DataError, match=r"holds a member named .* leads out of the archive; nothing of it was read"):
        open_source(archive)
    assert not (tmp_path / "evil.png").exists()


@pytest.mark.parametrize("name", ["12:30.png", "a..b.png", "..a/1.png", "c/a.png"])
def test_odd_but_harmless_names(folder: Path, tmp_path: Path, name: str) -> None:
    archive = pack_tar(folder, tmp_path / "a.tar")
    add(archive, name, (folder / "dog" / "000.png").read_bytes())
    assert len(open_source(archive)) == (8 if name.startswith(".") else 9)


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", bytes(10**6))
    with pytest.raises(DataError, match=r"decompression bomb: its members declare 1,000,000 bytes, from an archive of"):
        open_source(tmp_path / "bomb.zip")


def test_a_zip_that_declares_less_than_it_holds_is_bounded(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "liar.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", bytes(10**6))
    content = archive.read_bytes().replace(struct.pack("<I", 10**6), struct.pack("<I", 100))
    archive.write_bytes(content)
    with pytest.raises(BrokenFilesError, match=r"a\.png"):
        open_source(archive)


def test_one_huge_member_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 10)
    for archive in (pack_zip(folder, tmp_path / "a.zip"), pack_tar(folder, tmp_path / "a.tar")):
        with pytest.raises(DataError, match=r"bomb: its member '.*png' declares [\d,]+ bytes"):
            open_source(archive)


def test_a_compressed_tar_that_never_ends_is_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 10_000)
    (folder / "cat" / "zeros.png").write_bytes(bytes(20 * 10**6))
    with pytest.raises(DataError, match=r"decompression bomb: it unpacks to more than [\d,]+ bytes"):
        open_source(pack_tar(folder, tmp_path / "bomb.tar.gz", "w:gz"))


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.xz", ".tar.bz2", ".zip"])
@pytest.mark.parametrize("damage", ["cut", "not one"])
def test_a_damaged_archive_is_named(folder: Path, tmp_path: Path, suffix: str, damage: str) -> None:
    archive = tmp_path / f"a{suffix}"
    pack_zip(folder, archive) if suffix == ".zip" else pack_tar(folder, archive, TARS[suffix])
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 3] if damage == "cut" else b"This is no archive. " * 99)
    with pytest.raises(DataError, match=rf"a\{suffix}' is (not a whole|damaged)|cannot read '.*a\{suffix}'"):
        open_source(archive)


def test_an_encrypted_zip_says_so(folder: Path, tmp_path: Path) -> None:
    archive = pack_zip(folder, tmp_path / "a.zip")
    content = bytearray(archive.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    archive.write_bytes(bytes(content))
    with pytest.raises(DataError, match="is encrypted"):
        open_source(archive)


def test_a_broken_member_is_a_broken_file(folder: Path, tmp_path: Path) -> None:
    (folder / "cat" / "001.png").write_bytes(b"no image")
    for archive in (pack_zip(folder, tmp_path / "a.zip"), pack_tar(folder, tmp_path / "a.tar")):
        with pytest.raises(BrokenFilesError, match=r"1 of 8 .*(?s:.*)cat/001\.png: not an image"):
            open_source(archive)
        data = open_source(archive, on_error="skip")
        assert len(data) == 7
        assert data.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_no_image_inside_and_no_splits(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("notes.txt", "x")
    with pytest.raises(DataError, match="no images in"):
        open_source(tmp_path / "a.zip")
    with pytest.raises(ArgumentError, match="has no splits"):
        open_source(pack_tar(folder, tmp_path / "b.tar"), split="train")


def test_no_room_to_unpack_is_an_output_error(folder: Path, tmp_path: Path) -> None:
    archive = pack_tar(folder, tmp_path / "a.tar.gz", "w:gz")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, before[1]))  # as much as fits on this disk
    try:
        with pytest.raises(OutputError, match=r"cannot unpack to a temporary file .* File too large.* TMPDIR"):
            open_source(archive)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
