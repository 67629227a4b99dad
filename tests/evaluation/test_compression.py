"""What codes cost, what JPEG costs, and the table of both."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

import nolabel
from nolabel.data import toys
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.evaluation.code_length import entropy, halved, quantised
from nolabel.evaluation.jpeg import jpeg
from nolabel.evaluation.rate_table import Compression, Rate, against_jpeg
from nolabel.evaluation.reconstruction import psnr, ssim
from nolabel.types import to_network


@pytest.fixture(scope="module")
def stripes():
    return toys.stripes(48, 8, 0)


@pytest.fixture(scope="module")
def vqvae(stripes):
    return nolabel.VQVAE.tiny().set_params(net="conv", epochs=2).fit(stripes)


@pytest.fixture(scope="module")
def autoencoder(stripes):
    return nolabel.Autoencoder.tiny().set_params(epochs=2).fit(stripes)


# --- lengths ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "choices", "bits"),
    [
        ([0, 1, 2, 3], 4, 2.0),
        ([5, 5, 5], 8, 0.0),
        ([0, 0, 0, 1], 2, 0.75 * math.log2(4 / 3) + 0.25 * 2),
        ([[0, 1], [1, 0]], 16, 1.0),
    ],
)
def test_entropy_of_shares(numbers, choices: int, bits: float) -> None:
    assert entropy(np.array(numbers), choices) == pytest.approx(bits)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_quantised_codes_take_the_nearest_level(bits: int) -> None:
    codes = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    codes[:, 2] = 0.3  # never varies
    kept = quantised(codes, bits)
    for column in range(2):
        levels = np.linspace(codes[:, column].min(), codes[:, column].max(), 2**bits)
        nearest = [levels[np.abs(levels - code).argmin()] for code in codes[:, column]]
        np.testing.assert_allclose(kept[:, column], nearest, atol=1e-5)
    np.testing.assert_array_equal(kept[:, 2], codes[:, 2])
    assert kept.dtype == np.float32


def test_halved_codes_have_eleven_binary_digits_and_no_infinity() -> None:
    np.testing.assert_array_equal(halved(np.array([[0.1, 1e9]], np.float32)), [[np.float32(np.float16(0.1)), 65504]])


# --- JPEG ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 24, 17), (5, 24, 17, 3)])
def test_jpeg_is_what_pillow_writes(shape: tuple[int, ...]) -> None:
    steps = np.random.default_rng(0).normal(size=shape)
    pictures = np.clip(128 + 3 * steps.cumsum(1).cumsum(2), 0, 255).astype(np.uint8)
    data, files, back = jpeg(pictures, 40)
    for row, picture in enumerate(pictures):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=40)
        written = buffer.getvalue()
        begin = written.rindex(b"\xff\xda")
        after_scan_header = begin + 2 + int.from_bytes(written[begin + 2 : begin + 4], "big")
        assert files[row] == 8 * len(written)
        assert data[row] == 8 * len(written[after_scan_header:-2])
        np.testing.assert_array_equal(back[row], np.asarray(Image.open(buffer)))
    finer = jpeg(pictures, 90)
    assert (finer[0] > data).all()
    assert np.abs(finer[2].astype(int) - pictures).mean() < np.abs(back.astype(int) - pictures).mean()
    np.testing.assert_array_equal(finer[1] - finer[0], files - data)  # headers are of one length


# --- the whole -------------------------------------------------------------------------------------------------------


def test_tokens_are_counted_in_three_ways(vqvae, stripes) -> None:
    found = nolabel.compression(vqvae, stripes)
    k = vqvae.tokenize(stripes)
    count = k.shape[1]
    with torch.no_grad():
        surprise = vqvae.learner_.prior.negative_log(torch.from_numpy(k)).sum().item() / len(k)
    assert found["tokens, log2 K"].bits_per_pixel == pytest.approx(count * 4 / 64)  # 16 entries
    assert found["tokens, entropy"].bits_per_pixel == pytest.approx(count * entropy(k, 16) / 64)
    assert found["tokens, prior"].bits_per_pixel == pytest.approx(surprise / math.log(2) / 64, rel=1e-4)
    assert found["tokens, log2 K"].ratio == pytest.approx(8 * 64 / (count * 4))
    x = to_network(stripes.store)
    with torch.no_grad():
        rebuilt = vqvae.learner_.decode(vqvae.learner_.encode(x))
    for row in found.rows[:3]:
        assert row.psnr == pytest.approx(psnr(x, rebuilt).mean().item(), rel=1e-5)
        assert row.ssim == pytest.approx(ssim(x, rebuilt).mean().item(), rel=1e-5)


def test_real_codes_are_cut_and_decoded(autoencoder, stripes) -> None:
    found = nolabel.compression(autoencoder, stripes)
    assert [row.code for row in found.rows[:3]] == ["codes, 4 bits", "codes, 8 bits", "codes, float16"]
    assert [row.bits_per_pixel for row in found.rows[:3]] == [4 * 4 / 64, 8 * 4 / 64, 16 * 4 / 64]
    x = to_network(stripes.store)
    codes = quantised(autoencoder.transform(stripes), 4)
    with torch.no_grad():
        rebuilt = autoencoder.learner_.decode(torch.from_numpy(codes)).clamp(0, 1)
    assert found["codes, 4 bits"].psnr == pytest.approx(psnr(x, rebuilt).mean().item(), rel=1e-5)
    whole = torch.from_numpy(autoencoder.reconstruct(stripes) / 255.0)[:, None]
    assert found["codes, 8 bits"].psnr == pytest.approx(psnr(x, whole).mean().item(), abs=0.05)
    assert "(" in found.notes[0]
    assert "4 numbers" in found["codes, 8 bits"].how


def test_jpeg_stands_beside_it_with_and_without_headers(autoencoder, stripes) -> None:
    found = nolabel.compression(autoencoder, stripes, qualities=(90, 10, 10))
    assert [row.code for row in found.rows[3:]] == ["JPEG 10", "JPEG 90"]
    data, files, back = jpeg(np.asarray(stripes.store)[:, 0], 10)
    row = found["JPEG 10"]
    assert row.bits_per_pixel == pytest.approx(data.mean() / 64)
    assert row.file_bits_per_pixel == pytest.approx(files.mean() / 64)
    x = to_network(stripes.store)
    assert row.psnr == pytest.approx(psnr(x, torch.from_numpy(back / 255.0)[:, None]).mean().item(), rel=1e-5)
    assert found["JPEG 90"].psnr > row.psnr


def test_colour_pictures_count_places_not_channels() -> None:
    rng = np.random.default_rng(0)
    X = np.clip(rng.normal(128, 40, (24, 9, 11, 3)), 0, 255).astype(np.uint8)
    model = nolabel.Autoencoder.tiny().set_params(epochs=1).fit(X)
    found = nolabel.compression(model, X, qualities=[50])
    assert found["codes, 8 bits"].bits_per_pixel == pytest.approx(4 * 8 / 99)
    assert found["codes, 8 bits"].ratio == pytest.approx(3 * 99 / 4)
    back = torch.from_numpy(jpeg(X, 50)[2] / 255.0).permute(0, 3, 1, 2)
    assert found["JPEG 50"].psnr == pytest.approx(psnr(torch.from_numpy(X / 255.0).permute(0, 3, 1, 2), back).mean())


def test_a_part_is_drawn_by_the_seed_and_said(autoencoder, stripes) -> None:
    one, same, other = (nolabel.compression(autoencoder, stripes, n=20, random_state=seed) for seed in (1, 1, 2))
    assert one.to_dict() == same.to_dict() != other.to_dict()
    assert "20 of 48 images" in one.protocol
    assert one.protocol in one.table()
    assert all(note in one.table() for note in one.notes)
    assert one.to_frame()["protocol"].unique().tolist() == [one.protocol]


def test_a_folder_is_as_good_as_its_model(autoencoder, stripes, tmp_path) -> None:
    autoencoder.save(tmp_path / "model")
    there = nolabel.compression(tmp_path / "model", stripes)
    assert there.to_dict() == nolabel.compression(autoencoder, stripes).to_dict()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1; got 0"),
        ({"random_state": -1}, "random_state must be"),
        ({"qualities": (0, 50)}, "qualities must be whole numbers from 1 to 95"),
        ({"qualities": "95"}, "qualities must be"),
        ({"qualities": ()}, "qualities must be"),
    ],
)
def test_arguments_that_cannot_be_meant(autoencoder, stripes, arguments, words: str) -> None:
    with pytest.raises(ArgumentError, match=words.replace("(", r"\(")):
        nolabel.compression(autoencoder, stripes, **arguments)


def test_models_and_data_that_cannot_be_meant(autoencoder) -> None:
    with pytest.raises(ArgumentError, match="able to `reconstruct`, as VQVAE is; SimCLR is not"):
        nolabel.compression(nolabel.SimCLR(), "digits")
    rows = np.random.default_rng(0).normal(size=(20, 4))
    with pytest.raises(ModalityError, match="needs images; the model was fitted to data of kind 'table'"):
        nolabel.compression(nolabel.Autoencoder.tiny().set_params(epochs=1).fit(rows), rows)
    with pytest.raises(DataError, match="8 x 8"):
        nolabel.compression(autoencoder, np.zeros((4, 9, 9), np.uint8))


def _rate(code: str, bits: float, psnr: float) -> Rate:
    return Rate(code, bits, None, 8 / bits if bits else math.inf, psnr, 0.9, "")


@pytest.mark.parametrize(
    ("bits", "decibels", "words"),
    [
        (0.5, 20.0, "the least JPEG as good, JPEG 50, takes 2.000, 4.0 times as many"),
        (0.5, 10.0, "JPEG 10, takes 1.000, 2.0 times as many"),
        (3.0, 20.0, "JPEG 50 is as good at 2.000: this code does not pay"),
        (0.5, 40.0, "no JPEG here is as good, the best (JPEG 50) has 30.00 dB"),
        (0.0, 20.0, "JPEG 50, takes 2.000."),
    ],
)
def test_a_code_is_held_against_the_least_jpeg_as_good(bits: float, decibels: float, words: str) -> None:
    jpegs = [_rate("JPEG 10", 1.0, 15.0), _rate("JPEG 50", 2.0, 30.0)]
    (said,) = against_jpeg([_rate("codes", bits, decibels)], jpegs)
    assert said.startswith(f"codes: {decibels:.2f} dB at {bits:.3f} bits per pixel; ")
    assert words in said


def test_the_table_names_what_is_near() -> None:
    found = Compression((_rate("codes, 8 bits", 0.0, 20.0),), (), "of two images")
    with pytest.raises(KeyError, match="did you mean 'codes, 8 bits'"):
        found["codes, 8 bit"]
    assert found.to_dict()["rows"][0]["ratio"] is None
    assert repr(found) == found.table()
