"""The decode rule, one clause after the other."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError

from nolabel.data.decoding import pillow_is_quiet
from nolabel.data.pictures import MAX_PIXELS, Facts, Misfit, Plan, UnreadablePicture, decode, look, why_unreadable

Save = Callable[..., bytes]

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)


def plan(channels: int, height: int = 6, width: int = 9, *, resize: bool = False, convert: bool = True) -> Plan:
    return Plan(channels, height, width, resize, convert)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_colour_comes_out_as_it_went_in(as_file: Save, format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    assert np.array_equal(decode(as_file(Image.fromarray(COLOUR), format, **options), plan(3)), COLOUR)


def test_grey_is_repeated_for_three_channels_and_colour_becomes_luma_for_one(as_file: Save) -> None:
    three = decode(as_file(Image.fromarray(GREY)), plan(3))
    assert np.array_equal(three, np.repeat(GREY[:, :, None], 3, axis=2))
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(as_file(Image.fromarray(COLOUR)), plan(1)) - luma).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(as_file: Save, orientation: int, format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.kron(GREY, np.ones((8, 8), np.uint8)))
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(format, {})
    file = as_file(image, format, exif=exif, **options)
    turned = orientation >= 5
    facts = look(file)
    assert (facts.height, facts.width) == ((72, 48) if turned else (48, 72))
    upright = np.asarray(ImageOps.exif_transpose(image_with(image, exif)))
    got = decode(file, plan(1, facts.height, facts.width))
    assert np.abs(got.astype(int) - upright).max() <= (40 if format == "JPEG" else 0)


def image_with(image: Image.Image, exif: Image.Exif) -> Image.Image:
    copy = image.copy()
    copy.getexif()[0x0112] = exif[0x0112]
    return copy


def test_a_damaged_exif_block_does_not_spoil_the_picture(as_file: Save) -> None:
    file = as_file(Image.fromarray(COLOUR), exif=b"Exif\0\0not a tiff header at all")
    assert np.array_equal(decode(file, plan(3)), COLOUR)


def test_sixteen_bit_grey_is_divided_by_257(as_file: Save) -> None:
    deep = np.array([[0, 128, 129], [257, 65534, 65535]], np.uint16)
    want = [[0, 0, 1], [1, 255, 255]]
    assert decode(as_file(Image.fromarray(deep)), plan(1, 2, 3)).tolist() == want
    whole = Image.fromarray(deep.astype(np.int32))
    assert decode(as_file(whole, "TIFF"), plan(1, 2, 3)).tolist() == want
    assert not look(as_file(Image.fromarray(deep))).colour


def test_integers_beyond_sixteen_bits_are_a_problem(as_file: Save) -> None:
    whole = Image.fromarray(np.array([[0, 70_000]], np.int32))
    with pytest.raises(UnreadablePicture, match=r"run from 0 to 70000; 16-bit grey holds 0 to 65535"):
        decode(as_file(whole, "TIFF"), plan(1, 1, 2))


def test_float_grey_must_lie_in_the_unit_interval(as_file: Save) -> None:
    assert decode(as_file(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF"), plan(1, 1, 3)).tolist() == [
        [0, 128, 255]
    ]
    for bad in (1.5, -0.1, np.nan):
        with pytest.raises(UnreadablePicture, match="must lie in"):
            decode(as_file(Image.fromarray(np.array([[0, bad]], np.float32)), "TIFF"), plan(1, 1, 2))


def test_alpha_is_composited_over_white(as_file: Save) -> None:
    clear = Image.new("RGBA", (9, 6), (10, 20, 30, 0))
    assert (decode(as_file(clear), plan(3)) == 255).all()
    half = decode(as_file(Image.new("RGBA", (9, 6), (10, 20, 30, 128))), plan(3))
    assert np.abs(half[0, 0] - np.array([132, 137, 142])).max() <= 1
    grey = as_file(Image.new("LA", (9, 6), (100, 128)))
    assert not look(grey).colour
    assert abs(int(decode(grey, plan(1))[0, 0]) - 177) <= 1


def test_a_transparent_palette_entry_is_white(as_file: Save) -> None:
    image = Image.new("P", (9, 6), 0)
    image.putpalette([200, 0, 0, 0, 200, 0])
    image.putpixel((0, 0), 1)
    pixels = decode(as_file(image, transparency=0), plan(3))
    assert pixels[0, 0].tolist() == [0, 200, 0]
    assert (pixels[1:] == 255).all()


def test_palette_bilevel_and_cmyk(as_file: Save) -> None:
    palette = Image.new("P", (9, 6), 1)
    palette.putpalette([0, 0, 0, 9, 8, 7])
    assert look(as_file(palette)).colour
    assert (decode(as_file(palette), plan(3)) == [9, 8, 7]).all()
    greys = Image.new("P", (9, 6), 1)
    greys.putpalette([0, 0, 0, 77, 77, 77])
    assert not look(as_file(greys)).colour
    assert (decode(as_file(greys), plan(1)) == 77).all()
    assert (decode(as_file(Image.new("1", (9, 6), 1)), plan(1)) == 255).all()
    cmyk = decode(as_file(Image.new("CMYK", (9, 6), (0, 255, 255, 0)), "JPEG", quality=95), plan(3))
    assert np.abs(cmyk.astype(int) - [255, 0, 0]).max() <= 6


def test_a_given_size_is_the_resampled_centre(as_file: Save) -> None:
    image = Image.fromarray(RNG.integers(0, 256, (40, 90, 3), dtype=np.uint8))
    got = decode(as_file(image), plan(3, 16, 16, resize=True))
    want = ImageOps.fit(image, (16, 16), Image.Resampling.BICUBIC)
    assert np.abs(got.astype(int) - np.asarray(want)).max() <= 1
    bands = np.zeros((20, 60), np.uint8)
    bands[:, 20:40] = 255
    assert (decode(as_file(Image.fromarray(bands)), plan(1, 10, 10, resize=True))[:, 1:-1] == 255).all()


def test_a_small_picture_is_enlarged_and_a_fitting_one_untouched(as_file: Save) -> None:
    assert (decode(as_file(Image.new("L", (3, 5), 50)), plan(1, 16, 16, resize=True)) == 50).all()
    assert np.array_equal(decode(as_file(Image.fromarray(GREY)), plan(1, resize=True)), GREY)


def test_drafting_a_large_jpeg_changes_little(as_file: Save) -> None:
    smooth = Image.fromarray(RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((700, 500), 3)
    drafted = decode(as_file(smooth, "JPEG", quality=95), plan(3, 32, 32, resize=True))
    whole = decode(as_file(smooth), plan(3, 32, 32, resize=True))
    assert np.abs(drafted.astype(int) - whole).mean() < 1.5


def test_the_first_frame_counts(as_file: Save) -> None:
    frames = [Image.new("L", (9, 6), value) for value in (10, 200)]
    assert (decode(as_file(frames[0], "GIF", save_all=True, append_images=frames[1:]), plan(1)) == 10).all()


def test_a_guess_is_contradicted_by_size_or_by_colour(as_file: Save) -> None:
    file = as_file(Image.fromarray(COLOUR))
    with pytest.raises(Misfit) as size:
        decode(file, plan(3, 5, 9))
    assert size.value.facts == Facts(6, 9, True)
    with pytest.raises(Misfit):
        decode(file, plan(1, convert=False))
    decode(as_file(Image.fromarray(GREY)), plan(1, convert=False))


def test_damaged_files_say_why(as_file: Save) -> None:
    file = as_file(Image.fromarray(np.kron(COLOUR, np.ones((9, 9, 1), np.uint8))), "JPEG")
    for cut in (file[: len(file) // 2], file[:-2]):
        with pytest.raises(OSError, match="truncated"):
            decode(cut, plan(3, 54, 81))
    with pytest.raises(UnreadablePicture, match="empty"):
        decode(b"", plan(3))
    with pytest.raises(UnidentifiedImageError) as error:
        decode(b"no image", plan(3))
    assert why_unreadable(error.value) == "not an image in a known format"


def test_no_other_program_is_started_for_postscript() -> None:
    with pytest.raises(UnidentifiedImageError):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 6\n%%EndComments\n", plan(3))


def test_a_declared_bomb_is_refused_before_decoding() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    with pillow_is_quiet(), pytest.raises(UnreadablePicture, match="decompression bomb"):
        decode(_png_that_declares(side, side), plan(3))


def _png_that_declares(width: int, height: int) -> bytes:
    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\0" * 100)) + part(b"IEND", b"")
