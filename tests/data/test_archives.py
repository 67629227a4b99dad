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
from PIL import Image

from nolabel.data import archive_members
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


def add(
    archive: Path, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "/etc/passwd"
) -> None:
    with tarfile.open(archive, "a") as file:
        member = tarfile.TarInfo(name)
        member.size, member.type, member.linkname = len(content), kind, target
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


def test_only_visible_images_count(folder: Path, tmp_path: Path) -> None:
    archive = pack_tar(folder, tmp_path / "a.tar")
    for name in (".hidden/a.png", "__MACOSX/a.png", "notes.txt"):
        add(archive, name, b"x")
    assert open_source(archive).ids == open_source(folder).ids


def test_what_is_no_file_is_listed(folder: Path, tmp_path: Path) -> None:
    archive = pack_tar(folder, tmp_path / "a.tar")
    add(archive, "out.png", kind=tarfile.SYMTYPE)
    add(archive, "cat/up.png", kind=tarfile.SYMTYPE, target="../../secret.png")
    add(archive, "gone.png", kind=tarfile.LNKTYPE, target="nowhere.png")
    add(archive, "a.png", kind=tarfile.SYMTYPE, target="b.png")
    add(archive, "b.png", kind=tarfile.SYMTYPE, target="a.png")
    add(archive, "device.png", kind=tarfile.CHRTYPE)
    add(archive, "pipe.png", kind=tarfile.FIFOTYPE)
    add(archive, "link to.txt", kind=tarfile.SYMTYPE)
    with pytest.raises(
        BrokenFilesError, match=r"7 of 15 .*(?s:.*)out\.png: a link out of the archive \(to '/etc/passw"
    ):
        open_source(archive)
    data = open_source(archive, on_error="skip")
    assert data.ids == open_source(folder).ids
    assert {problem.where: problem.why for problem in data.skipped} == {
        "out.png": "a link out of the archive (to '/etc/passwd'), which is not followed",
        "cat/up.png": "a link out of the archive (to '../secret.png'), which is not followed",
        "gone.png": "a link to 'nowhere.png', which is no file of this archive",
        "a.png": "a link to 'a.png', which is no file of this archive",
        "b.png": "a link to 'b.png', which is no file of this archive",
        "device.png": "a device or a pipe, not a file",
        "pipe.png": "a device or a pipe, not a file",
    }


def test_links_inside_the_archive_are_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "blobs").mkdir()
    (folder / "blobs" / "1f").write_bytes((folder / "dog" / "002.png").read_bytes())
    (folder / "dog" / "hard.png").hardlink_to(folder / "dog" / "000.png")
    (folder / "dog" / "soft.png").symlink_to("../cat/001.png")
    (folder / "dog" / "twice.png").symlink_to("soft.png")
    (folder / "dog" / "blob.png").symlink_to("../blobs/1f")
    tar = pack_tar(folder, tmp_path / "a.tar.gz", "w:gz", top="./")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(pack_zip(folder, archive), "a") as file:
        for name, target in (("soft2.png", "cat/001.png"), ("out.png", "../x.png"), ("cat/loop.png", "loop.png")):
            link = zipfile.ZipInfo(name)
            link.external_attr, link.create_system = 0o120777 << 16, 3
            file.writestr(link, target)
    for path, bad in ((tar, []), (archive, ["cat/loop.png", "out.png"])):
        data = open_source(path, on_error="skip")
        pixels = dict(zip(data.ids, data.store, strict=True))
        for name, same in {"hard": "dog/000", "soft": "cat/001", "twice": "cat/001", "blob": "dog/002"}.items():
            assert torch.equal(pixels[f"dog/{name}.png"], pixels[f"{same}.png"])
        assert [problem.where for problem in data.skipped] == bad
    assert torch.equal(pixels["soft2.png"], pixels["cat/001.png"])


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
    monkeypatch.setattr(archive_members, "FREE_BYTES", 1_000)
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
    monkeypatch.setattr(archive_members, "MAX_MEMBER_BYTES", 10)
    for archive in (pack_zip(folder, tmp_path / "a.zip"), pack_tar(folder, tmp_path / "a.tar")):
        with pytest.raises(DataError, match=r"bomb: its member '.*png' declares [\d,]+ bytes"):
            open_source(archive)


def test_a_compressed_tar_that_never_ends_is_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_members, "FREE_BYTES", 10_000)
    (folder / "cat" / "zeros.png").write_bytes(bytes(20 * 10**6))
    with pytest.raises(DataError, match=r"decompression bomb: it unpacks to more than [\d,]+ bytes"):
        open_source(pack_tar(folder, tmp_path / "bomb.tar.gz", "w:gz"))


def packed(folder: Path, archive: Path) -> Path:
    suffix = archive.name.removeprefix(archive.name.split(".")[0])
    return pack_zip(folder, archive) if suffix == ".zip" else pack_tar(folder, archive, TARS[suffix])


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.xz", ".tar.bz2", ".zip"])
@pytest.mark.parametrize("content", [b"This is no archive. " * 99, b"", b"PK", b"\0" * 100])
def test_what_is_no_archive_is_named(tmp_path: Path, suffix: str, content: bytes) -> None:
    archive = tmp_path / f"a{suffix}"
    archive.write_bytes(content)
    with pytest.raises(DataError, match=rf"a\{suffix}' (is not a whole|is damaged)|no images in '.*a\{suffix}'"):
        open_source(archive)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images that do not shrink, so that cuts fall between them."""
    folder = tmp_path_factory.mktemp("noise")
    generator = torch.Generator().manual_seed(0)
    for number in range(12):
        pixels = torch.randint(0, 256, (40, 40), dtype=torch.uint8, generator=generator).numpy()
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.xz", ".tar.bz2", ".zip"])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.5, 0.8])
def test_an_archive_that_is_cut_off(noise: Path, tmp_path: Path, suffix: str, share: float) -> None:
    whole = open_source(noise)
    archive = packed(noise, tmp_path / f"a{suffix}")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    words = rf"(?s)a\{suffix}.*(cut off|damaged) after [\d,]+ (unpacked )?bytes.*members could be read, what|is damaged"
    with pytest.raises(DataError, match=words):
        open_source(archive)
    if suffix == ".tar.bz2":  # its blocks are larger than this archive: nothing is left
        return
    data = open_source(archive, on_error="skip")
    assert 12 * share - 2.5 <= len(data) < 12
    pixels = dict(zip(whole.ids, whole.store, strict=True))
    assert all(torch.equal(pixels[name], stored) for name, stored in zip(data.ids, data.store, strict=True))
    assert data.skipped[-1].where == archive.name
    assert "what followed is lost" in data.skipped[-1].why


@pytest.mark.parametrize("place", ["between", "in a header", "without end mark", "in padding", "garbled header"])
def test_a_tar_that_ends_in_an_odd_place(noise: Path, tmp_path: Path, place: str) -> None:
    archive = pack_tar(noise, tmp_path / "a.tar")
    with tarfile.open(archive) as file:
        members = file.getmembers()
    content = bytearray(archive.read_bytes())
    third, last = members[3], members[-1]
    end = last.offset_data + last.size
    if place == "garbled header":
        content[third.offset : third.offset + 512] = b"?" * 512
    cut = {"between": third.offset, "in a header": third.offset + 99, "in padding": end, "garbled header": None}
    archive.write_bytes(content[: cut.get(place, -(-end // 512) * 512)])
    left = 12 if place in ("without end mark", "in padding") else 3
    with pytest.raises(BrokenFilesError, match=rf"a\.tar: the archive is .*; {left} whole members"):
        open_source(archive)
    assert len(open_source(archive, on_error="skip")) == left


def test_one_block_of_zeros_is_an_end_mark(noise: Path, tmp_path: Path) -> None:
    archive = pack_tar(noise, tmp_path / "a.tar")
    archive.write_bytes(archive.read_bytes().rstrip(b"\0") + bytes(1024))
    assert len(open_source(archive)) == 12


def test_several_tars_in_one_file(noise: Path, tmp_path: Path) -> None:
    archive = pack_tar(noise, tmp_path / "a.tar")
    archive.write_bytes(archive.read_bytes() * 2)
    with pytest.raises(BrokenFilesError, match=r"goes on at byte [\d,]+, behind its end mark \(are these several"):
        open_source(archive)


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.xz", ".tar.bz2"])
def test_a_damaged_stream(noise: Path, tmp_path: Path, suffix: str) -> None:
    archive = packed(noise, tmp_path / f"a{suffix}")
    content = bytearray(archive.read_bytes())
    content[-12] ^= 255  # the checksum, or what leads to it
    content[-6] ^= 255
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged"):
        open_source(archive)


def test_a_damaged_member_of_a_zip(noise: Path, tmp_path: Path) -> None:
    archive = pack_zip(noise, tmp_path / "a.zip", zipfile.ZIP_STORED)
    with zipfile.ZipFile(archive) as file:
        at = file.infolist()[5].header_offset + 300
    content = bytearray(archive.read_bytes())
    content[at] ^= 255
    archive.write_bytes(content)
    with pytest.raises(BrokenFilesError, match=r"1 of 12 .*(?s:.*)06\.png: damaged in the archive: Bad CRC-32"):
        open_source(archive)
    assert len(open_source(archive, on_error="skip")) == 11


def test_a_streamed_zip_that_is_cut_off(noise: Path, tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(noise.iterdir()):
            file.write(path, path.name)
    archive = tmp_path / "a.zip"
    archive.write_bytes(pipe.getvalue()[: len(pipe.getvalue()) // 2])
    data = open_source(archive, on_error="skip")
    assert len(data) == 6 == len(open_source(noise)) // 2
    assert torch.equal(data.store, open_source(noise).store[:6])


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_damage_anywhere_is_an_error_or_changes_nothing(noise: Path, tmp_path: Path, suffix: str) -> None:
    whole = open_source(noise)
    content = packed(noise, tmp_path / f"a{suffix}").read_bytes()
    generator = torch.Generator().manual_seed(1)
    for number in range(60):
        at, bit = torch.randint(0, 2**31, (2,), generator=generator).tolist()
        broken = bytearray(content)
        broken[at % len(content)] ^= 1 << bit % 8
        archive = tmp_path / f"{number}{suffix}"
        archive.write_bytes(broken)
        try:
            data = open_source(archive, cache=False)
        except DataError:
            continue
        assert len(data) == len(whole)


def test_an_encrypted_zip_says_so(folder: Path, tmp_path: Path) -> None:
    archive = pack_zip(folder, tmp_path / "a.zip")
    content = bytearray(archive.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    archive.write_bytes(bytes(content))
    with pytest.raises(DataError, match="is encrypted"):
        open_source(archive)


def with_link(archive: Path, name: str, target: str) -> Path:
    with zipfile.ZipFile(archive, "a") as file:
        link = zipfile.ZipInfo(name)
        link.external_attr, link.create_system = 0o120777 << 16, 3
        file.writestr(link, target)
    return archive


def test_an_encrypted_zip_with_a_link_says_so(folder: Path, tmp_path: Path) -> None:
    archive = with_link(pack_zip(folder, tmp_path / "a.zip"), "notes", "cat/000.png")
    content = bytearray(archive.read_bytes())
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    archive.write_bytes(bytes(content))
    with pytest.raises(DataError, match="is encrypted"):
        open_source(archive)


def test_a_damaged_link_is_a_member_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    archive = pack_zip(folder, tmp_path / "a.zip")
    for name in ("soft.png", "unasked"):
        with_link(archive, name, f"cat/000.png?{name}")
    content = bytearray(archive.read_bytes())
    for name in (b"soft.png", b"unasked"):
        content[content.find(b"cat/000.png?" + name)] ^= 1
    archive.write_bytes(bytes(content))
    data = open_source(archive, on_error="skip")
    (problem,) = data.skipped
    assert problem.where == "soft.png"
    assert "a link that cannot be read" in problem.why
    assert len(data) == 8


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


def test_texts_in_a_damaged_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for number in range(5):
            file.writestr(f"{number}.txt", f"some words here {number}")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.find(b"words")] ^= 1
    (tmp_path / "a.zip").write_bytes(content)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in range(5):
            member = tarfile.TarInfo(f"{number}.txt")
            member.size = 700
            tar.addfile(member, io.BytesIO(b"some words here and there " * 30))
    (tmp_path / "a.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:4000])
    for name, left, words in (
        ("a.zip", 4, r"0\.txt: damaged in the archive"),
        ("a.tar", 2, r"a\.tar: .* cut off after"),
    ):
        with pytest.raises(DataError, match=words):
            open_source(tmp_path / name, modality="text")
        assert len(open_source(tmp_path / name, modality="text", on_error="skip")) == left
