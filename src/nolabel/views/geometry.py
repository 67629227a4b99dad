"""Crop, flip and rotation of images, in one resampling: which part of an image a view shows.

A crop with a flip is separable: a view is R X Sᵀ for each channel X (H, W), with R (h, H) and S (w, W) holding the
weights of the resampling, so two small matrix products make it. Only a rotation needs a grid of points. Boxes are drawn
as torchvision's RandomResizedCrop draws them (Szegedy et al. 2015), and resampled as it does with bilinear
interpolation and antialiasing. Knows nothing of colours.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

TRIES = 10  # proposals for a box, before the largest possible one in the middle is taken
BOX_DRAWS = 2 * TRIES + 2  # uniform numbers that a box is made of


def draw_boxes(
    u: Float[Tensor, "B U"], size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float]
) -> Float[Tensor, "B 4"]:
    """Boxes (top, left, height, width) in whole pixels from uniform numbers; U = `BOX_DRAWS`.

    Parameters
    ----------
    u
        Uniform in [0, 1).
    size
        Height and width of the images.
    scale
        Least and greatest share of the image's area; the share is uniform in between.
    ratio
        Least and greatest width by height; its logarithm is uniform in between.

    Notes
    -----
    The first of `TRIES` proposals that fits into the image is taken, at a place that is uniform among those where it
    fits. If none fits: the largest box in the middle whose ratio is allowed.
    """
    height, width = size
    area = height * width * (scale[0] + (scale[1] - scale[0]) * u[:, :TRIES])
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(low + (high - low) * u[:, TRIES : 2 * TRIES])
    w, h = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
    fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    any_fits = fits.any(1)
    in_middle_h, in_middle_w = _largest(size, ratio)
    h = torch.where(any_fits, h.gather(1, first)[:, 0], torch.full_like(u[:, 0], in_middle_h))
    w = torch.where(any_fits, w.gather(1, first)[:, 0], torch.full_like(u[:, 0], in_middle_w))
    top = torch.where(any_fits, (u[:, -2] * (height - h + 1)).floor(), ((height - h) / 2).floor())
    left = torch.where(any_fits, (u[:, -1] * (width - w + 1)).floor(), ((width - w) / 2).floor())
    return torch.stack([top, left, h, w], 1)


def _largest(size: tuple[int, int], ratio: tuple[float, float]) -> tuple[int, int]:
    """Height and width of the largest box whose ratio is allowed."""
    height, width = size
    if width / height < ratio[0]:
        return min(height, max(1, round(width / ratio[0]))), width
    if width / height > ratio[1]:
        return height, min(width, max(1, round(height * ratio[1])))
    return height, width


def whole(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 4"]:
    """Boxes that hold the whole image."""
    sides = x.new_zeros(len(x), 4)
    sides[:, 2], sides[:, 3] = x.shape[2], x.shape[3]
    return sides


def resample(
    x: Float[Tensor, "B C H W"],
    boxes: Float[Tensor, "B 4"],
    flip: Bool[Tensor, " B"],
    flop: Bool[Tensor, " B"],
    size: tuple[int, int],
) -> Float[Tensor, "B C h w"]:
    """The boxes, left and right exchanged where `flip`, top and bottom where `flop`, at a new size.

    Bilinear; a pixel of a shrunk view is a mean over all that it covers (a triangle as wide as twice the step). Pixels
    outside the box have no part.
    """
    rows = _weights(boxes[:, 0], boxes[:, 2], flop, x.shape[2], size[0])
    columns = _weights(boxes[:, 1], boxes[:, 3], flip, x.shape[3], size[1])
    across = x.flatten(1, 2) @ columns.transpose(1, 2)  # (B, C H, w)
    seen: Tensor = rows[:, None] @ across.view(*x.shape[:3], size[1])
    return seen


def _weights(
    start: Float[Tensor, " B"], length: Float[Tensor, " B"], mirrored: Bool[Tensor, " B"], inside: int, out: int
) -> Float[Tensor, "B out inside"]:
    """How much of each of `inside` pixels each of `out` pixels is made of; rows sum to 1."""
    steps = torch.arange(out, device=start.device, dtype=start.dtype) + 0.5
    steps = torch.where(mirrored[:, None], out - steps, steps)
    step = (length / out)[:, None]
    centre = start[:, None] + step * steps  # (B, out)
    pixel = torch.arange(inside, device=start.device, dtype=start.dtype) + 0.5
    triangle = 1 - (pixel - centre[:, :, None]).abs() / step.clamp(min=1)[:, :, None]
    in_box = (pixel > start[:, None]) & (pixel < (start + length)[:, None])
    weights = triangle.clamp_(min=0) * in_box[:, None]
    return weights / weights.sum(-1, keepdim=True)


def resample_rotated(
    x: Float[Tensor, "B C H W"],
    boxes: Float[Tensor, "B 4"],
    flip: Bool[Tensor, " B"],
    flop: Bool[Tensor, " B"],
    degrees: Float[Tensor, " B"],
    size: tuple[int, int],
) -> Float[Tensor, "B C h w"]:
    """As `resample`, and the view rotated about its centre, counter-clockwise.

    Corners show what lies beside the box; beyond the edge the image is mirrored. A view that is shrunk takes the mean
    over as many points as the whole image would need.
    """
    finer = max(1, math.ceil(x.shape[2] / size[0]), math.ceil(x.shape[3] / size[1]))
    theta = _affine(boxes, flip, flop, degrees, (x.shape[2], x.shape[3]), size)
    shape = [len(x), x.shape[1], size[0] * finer, size[1] * finer]
    grid = F.affine_grid(theta, shape, align_corners=False)
    seen = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return F.avg_pool2d(seen, finer) if finer > 1 else seen


def _affine(
    boxes: Float[Tensor, "B 4"],
    flip: Bool[Tensor, " B"],
    flop: Bool[Tensor, " B"],
    degrees: Float[Tensor, " B"],
    source: tuple[int, int],
    size: tuple[int, int],
) -> Float[Tensor, "B 2 3"]:
    """θ of `affine_grid`: places of the view in [-1, 1]² to places of the image in [-1, 1]²."""
    (height, width), (h, w) = source, size
    turn = torch.deg2rad(degrees)
    cos, sin = turn.cos(), turn.sin()
    # a rotation of pixels, in the view's own units; then mirrored, then scaled and shifted into the box
    across = torch.stack([cos, -sin * (h / w)], 1) * torch.where(flip, -1.0, 1.0)[:, None]
    down = torch.stack([sin * (w / h), cos], 1) * torch.where(flop, -1.0, 1.0)[:, None]
    top, left, tall, wide = boxes.unbind(1)
    middle_x, middle_y = (2 * left + wide) / width - 1, (2 * top + tall) / height - 1
    row_x = torch.cat([across * (wide / width)[:, None], middle_x[:, None]], 1)
    row_y = torch.cat([down * (tall / height)[:, None], middle_y[:, None]], 1)
    return torch.stack([row_x, row_y], 1)
