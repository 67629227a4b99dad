"""`nolabel.compression`: how small a model's codes make images, and how good they come back, beside JPEG.

Codes that are choices of a codebook are counted by their number of choices, by the entropy of their shares, and by the
model's own prior; codes of real numbers are cut to a few bits each before they are decoded. It alone knows estimators
and sources; lengths are for `code_length.py`, JPEG for `jpeg.py`, the table for `rate_table.py`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, ModalityError
from nolabel.evaluation.code_length import entropy, halved, quantised
from nolabel.evaluation.jpeg import jpeg
from nolabel.evaluation.rate_table import JPEG, Compression, Rate, against_jpeg
from nolabel.evaluation.reconstruction import measure
from nolabel.evaluation.splits import some_rows
from nolabel.methods import _folder
from nolabel.methods._base import Reconstructor
from nolabel.methods._tokens import TokenCodec
from nolabel.training import engine
from nolabel.types import Batch

__all__ = ["Compression", "Rate", "compression"]

QUALITIES = (1, 5, 10, 25, 50, 75, 95)
BITS = (4, 8)  # to which a real number of a code is cut


@torch.no_grad()
def compression(
    model: Any, data: Any, *, n: int = 1000, qualities: Sequence[int] = QUALITIES, random_state: int = 0
) -> Compression:
    """Bits per pixel of a model's codes against PSNR and SSIM of the decoded images, with JPEG beside them.

    Parameters
    ----------
    model
        A fitted estimator that can `reconstruct` images, or its folder.
    data
        Anything that `nolabel.open` takes, or a `Dataset`: images of the model's kind. Those that it was not fitted to
        give the fairer answer.
    n
        Images to look at, drawn by `random_state`; all of them where there are no more.
    qualities
        Of JPEG, whole numbers from 1 to 95.
    random_state
        Seed of the draw.

    Returns
    -------
    Compression
        A row for each way of writing the codes, then for each quality of JPEG; what is not counted, in `notes`.

    Raises
    ------
    ArgumentError
        The model rebuilds nothing, or an argument cannot be used.
    ModalityError, DataError
        The model was not fitted to images, or the data cannot be used.
    """
    model = _folder.load(Path(model).expanduser()) if isinstance(model, str | Path) else model
    _check(model, n, qualities, random_state)
    opened = source.open(data, spec=model.spec_, **model._later())
    rows = some_rows(len(opened), int(n), int(random_state), 17)
    images = opened if len(rows) == len(opened) else opened.subset(rows)
    with engine.evaluating(model.learner_):
        by_tokens = isinstance(model.learner_, TokenCodec)
        codes = _tokens(model, images) if by_tokens else _real_codes(model, images)
    jpegs = [_jpeg(images, int(quality)) for quality in sorted(set(qualities))]
    notes = [_not_counted(model.learner_, by_tokens), *against_jpeg(codes, jpegs)]
    return Compression((*codes, *jpegs), tuple(notes), _protocol(images, len(opened), random_state))


def _check(model: Any, n: Any, qualities: Any, random_state: Any) -> None:
    if not isinstance(model, Reconstructor):
        raise ArgumentError(f"model must be able to `reconstruct`, as VQVAE is; {type(model).__name__} is not")
    check_is_fitted(model)
    if model.spec_.modality != "image" or model.spec_.values != "unit":
        raise ModalityError(
            f"compression counts bits per pixel, so it needs images; the model was fitted to data of kind "
            f"{model.spec_.modality!r}"
        )
    for name, number, least in (("n", n, 1), ("random_state", random_state, 0)):
        if not _whole(number) or number < least:
            raise ArgumentError(f"{name} must be a whole number of at least {least}; got {number!r}")
    listed = isinstance(qualities, Sequence) and not isinstance(qualities, str) and len(qualities) > 0
    if not listed or not all(_whole(quality) and 1 <= quality <= 95 for quality in qualities):
        raise ArgumentError(f"qualities must be whole numbers from 1 to 95, such as (10, 50, 90); got {qualities!r}")


def _whole(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


# --- the model's codes -----------------------------------------------------------------------------------------------


def _tokens(model: Any, images: Dataset) -> list[Rate]:
    learner: Any = model.learner_
    parts = [learner.numbers(batch.x) for batch in model._batches(images)]
    surprise = torch.cat([learner.surprise(k) for k in parts]).double().mean().item() / math.log(2)
    k, choices = torch.cat(parts).cpu().numpy(), learner.choices()
    count = k.shape[1]
    told = f"{count} tokens of {choices:,}"
    lengths = {
        "tokens, log2 K": (count * math.log2(choices), f"{told}, all of one length"),
        "tokens, entropy": (count * entropy(k, choices), f"{told}, by their shares among these images"),
        "tokens, prior": (surprise, f"{told}, by the model's own prior over them"),
    }
    quality = _quality(images, lambda batch: learner.decode(learner.encode(batch.x)), learner)
    return [_rate(name, bits, None, images, quality, how) for name, (bits, how) in lengths.items()]


def _real_codes(model: Any, images: Dataset) -> list[Rate]:
    codes = model.transform(images)
    width = codes.shape[1]
    written = {f"codes, {bits} bits": (bits, quantised(codes, bits)) for bits in BITS}
    written["codes, float16"] = (16, halved(codes))
    return [
        _rate(name, bits * width, None, images, _quality(images, _decoding(model.learner_, kept), model.learner_), how)
        for name, (bits, kept) in written.items()
        for how in [f"{width} numbers, {_levels(bits)}"]
    ]


def _levels(bits: int) -> str:
    return "float16" if bits == 16 else f"each on the nearest of {2**bits} levels of its range among these images"


def _decoding(learner: Any, codes: np.ndarray) -> Callable[[Batch], Tensor]:
    device = next(learner.parameters()).device
    return lambda batch: learner.decode(torch.from_numpy(codes[batch.index.numpy()]).to(device))


def _quality(images: Dataset, rebuild: Callable[[Batch], Tensor], learner: Any) -> tuple[float, float]:
    """Mean PSNR and SSIM of what `rebuild` makes of a batch on the learner's device, within the range of pixels."""
    device = next(learner.parameters()).device

    def rebuilt(batch: Batch) -> Tensor:
        return rebuild(Batch(batch.x.to(device), batch.index)).float().cpu().clamp(0, 1)

    found = measure(images, rebuilt, names=("PSNR", "SSIM"), batch_size=256)
    return float(found["PSNR"].mean()), float(found["SSIM"].mean())


# --- JPEG ------------------------------------------------------------------------------------------------------------


def _jpeg(images: Dataset, quality: int) -> Rate:
    parts = [jpeg(_eight_bits(batch.x), quality) for batch in images.batches(256)]
    data, files = (np.concatenate([part[column] for part in parts]) for column in (0, 1))
    back: Iterator[np.ndarray] = (part[2] for part in parts)
    found = measure(images, lambda batch: _planes(next(back), batch.x), names=("PSNR", "SSIM"), batch_size=256)
    means = float(found["PSNR"].mean()), float(found["SSIM"].mean())
    return _rate(f"{JPEG} {quality}", float(data.mean()), float(files.mean()), images, means, "Pillow")


def _eight_bits(x: Tensor) -> np.ndarray:
    """Network values (B, C, H, W) as pictures (B, H, W) or (B, H, W, 3)."""
    levels = (x * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return (levels[..., 0] if levels.shape[3] == 1 else levels).contiguous().numpy()


def _planes(pictures: np.ndarray, like: Tensor) -> Tensor:
    """The way back."""
    values = torch.tensor(pictures).float() / 255
    return values[:, None] if values.ndim == 3 else values.permute(0, 3, 1, 2).reshape(like.shape)


# --- words -----------------------------------------------------------------------------------------------------------


def _rate(
    name: str, bits: float, file_bits: float | None, images: Dataset, quality: tuple[float, float], how: str
) -> Rate:
    channels, height, width = images.spec.shape
    pixels = height * width
    whole = None if file_bits is None else file_bits / pixels
    smaller = 8 * channels * pixels / bits if bits else math.inf
    return Rate(name, bits / pixels, whole, smaller, *quality, how)


def _not_counted(learner: Any, by_tokens: bool) -> str:
    values = sum(parameter.numel() for parameter in learner.parameters())
    besides = "the shares of the tokens" if by_tokens else "the ranges of the numbers"
    return (
        f"Not counted: what all images share, which is the model ({values:,} values), {besides}, and JPEG's header in "
        "the first column."
    )


def _protocol(images: Dataset, available: int, random_state: int) -> str:
    channels, height, width = images.spec.shape
    kind = "grey" if channels == 1 else "colour"
    return (
        f"{len(images):,} of {available:,} images of {images.name or 'an array'}, {height} x {width} pixels, {kind}; "
        f"means over images; a pixel is a place, whatever its channels; random_state={random_state}"
    )
