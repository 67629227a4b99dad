"""Brightness, contrast, saturation, hue and grey of images in [0, 1], every sample with numbers of its own.

Four of the five are a x + b g(x) + c, where g(x) is the grey of a pixel, and are clipped to [0, 1] after each, as
torchvision does; hue turns the colour circle of HSV, which is no linear map:

    brightness f:  a = f                                  saturation f:  a = f, b = 1 - f
    contrast f:    a = f, c = (1 - f) mean of g(x)        hue s:         (h, s, v) to (h + s mod 1, s, v)

Knows nothing of places.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

GREY = (0.2989, 0.587, 0.114)  # luma of ITU-R BT.601, with the digits that torchvision uses
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


def grey_of(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
    """Luma of three channels; the mean of any other number of them."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    return GREY[0] * x[:, :1] + GREY[1] * x[:, 1:2] + GREY[2] * x[:, 2:]


def to_grey(x: Float[Tensor, "B 3 H W"], chosen: Bool[Tensor, " B"]) -> Float[Tensor, "B 3 H W"]:
    """The chosen samples without their colour."""
    return torch.where(chosen[:, None, None, None], grey_of(x), x)


def jitter(
    x: Float[Tensor, "B C H W"], factors: Float[Tensor, "B 4"], order: Int[Tensor, "B 4"]
) -> Float[Tensor, "B C H W"]:
    """The four changes, in each sample's own order.

    Parameters
    ----------
    x
        Values in [0, 1].
    factors
        Of brightness, contrast and saturation (1 changes nothing), and the shift of the hue, in turns of the circle (0
        changes nothing).
    order
        A permutation of `BRIGHTNESS, CONTRAST, SATURATION, HUE` a sample. With other than 3 channels the last two do
        nothing.
    """
    if x.shape[1] != 3:
        for stage in range(4):
            x = _linear(x, factors, order[:, stage], None)
        return x
    hue_at = (order == HUE).to(torch.uint8).argmax(1)
    for stage in range(3):
        x = _linear(x, factors, order[:, stage], stage < hue_at)
    x = shift_hue(x, factors[:, HUE])
    for stage in range(1, 4):
        x = _linear(x, factors, order[:, stage], stage > hue_at)
    return x


def _linear(
    x: Float[Tensor, "B C H W"],
    factors: Float[Tensor, "B 4"],
    change: Int[Tensor, " B"],
    now: Bool[Tensor, " B"] | None,
) -> Float[Tensor, "B C H W"]:
    """One change a sample, if it is linear and `now` says so."""
    colourful = x.shape[1] == 3
    factor = factors.gather(1, change[:, None])[:, 0]
    acts = (change != HUE) & (colourful | (change != SATURATION))
    factor = torch.where(acts if now is None else acts & now, factor, torch.ones_like(factor))
    grey = grey_of(x)
    rest = 1 - factor
    to_pixel = torch.where(change == SATURATION, rest, torch.zeros_like(rest))[:, None, None, None]
    to_mean = torch.where(change == CONTRAST, rest, torch.zeros_like(rest))[:, None, None, None]
    added = to_pixel * grey + to_mean * grey.mean((1, 2, 3), keepdim=True)
    return torch.addcmul(added, x, factor[:, None, None, None]).clamp(0, 1)


def shift_hue(x: Float[Tensor, "B 3 H W"], shift: Float[Tensor, " B"]) -> Float[Tensor, "B 3 H W"]:
    """The hue of HSV moved by `shift` turns; saturation and value stay."""
    high, low = x.amax(1), x.amin(1)
    chroma = high - low
    divisor = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    red, green, blue = x.unbind(1)
    sixths = torch.where(
        high == red,
        (green - blue) / divisor,
        torch.where(high == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    sixths = sixths + 6 * shift[:, None, None]
    places = 5 - 2 * torch.arange(3, device=x.device, dtype=x.dtype)[:, None, None]
    k = (places + sixths[:, None]) % 6
    return high[:, None] - chroma[:, None] * torch.minimum(k, 4 - k).clamp(0, 1)
