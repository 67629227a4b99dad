"""Every transform agrees with torchvision's v2 on the same parameters.

torchvision's answers for a few images are kept in `torchvision.npz`, which `python tests/views/test_torchvision.py`
wrote with torchvision 0.28.0 and torch 2.13.0; where torchvision is installed they are computed anew as well. It is
needed by nothing else: without CUDA it cannot be imported beside a CPU build of torch unless the two operators that it
misses are declared first, as `functional` does.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from nolabel.views import colour, geometry, image_kernels, tones

KEPT = Path(__file__).with_name("torchvision.npz")
B, H, W = 4, 13, 10
BOXES = [(0, 0, 13, 10), (2, 3, 7, 5), (5, 1, 8, 9), (12, 9, 1, 1)]
NO, YES = torch.zeros(B, dtype=torch.bool), torch.ones(B, dtype=torch.bool)
NOTHING = torch.tensor([[1.0, 1.0, 1.0, 0.0]]).expand(B, 4)
IN_TURN = torch.arange(4).expand(B, 4)
FACTORS = torch.tensor([[1.4, 0.6, 1.4, 0.1], [0.6, 1.4, 0.2, -0.1], [1.8, 0.0, 3.0, 0.5], [1.0, 2.0, 1.0, -0.5]])
ORDER = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]])
SIGMA = torch.tensor([0.1, 0.7, 2.0, 5.0])
ANGLES = torch.tensor([0.0, 30.0, -45.0, 170.0])
TOLERANCE = {"hue": 5e-6, "jitter": 1e-5}  # hue divides by the chroma; elsewhere rounding alone
Theirs = Callable[[ModuleType, Tensor, int], Tensor]  # torchvision's functions, image b, b


def images() -> Tensor:
    """Noise, a ramp, few levels (with grey and equal channels), black and white."""
    x = torch.from_numpy(np.random.default_rng(0).random((B, 3, H, W), dtype=np.float32))
    x[1] = torch.linspace(0, 1, 3 * H * W).view(3, H, W)
    x[2] = (x[2] * 3).round() / 3
    x[3] = (x[3] > 0.5).float()
    return x


def crops(size: tuple[int, int]) -> Theirs:
    return lambda f, x, b: f.resized_crop(x, *BOXES[b], list(size), antialias=True)


def in_order(f: ModuleType, x: Tensor, b: int) -> Tensor:
    changes = (f.adjust_brightness, f.adjust_contrast, f.adjust_saturation, f.adjust_hue)
    for change in ORDER[b].tolist():
        x = changes[change](x, FACTORS[b, change].item())
    return x


THEIRS: dict[str, Theirs] = {
    "crop": crops((H, W)),
    "crop, smaller": crops((4, 3)),
    "crop, larger": crops((30, 17)),
    "flip": lambda f, x, b: f.horizontal_flip(x),
    "flop": lambda f, x, b: f.vertical_flip(x),
    "brightness": lambda f, x, b: f.adjust_brightness(x, FACTORS[b, 0].item()),
    "contrast": lambda f, x, b: f.adjust_contrast(x, FACTORS[b, 1].item()),
    "saturation": lambda f, x, b: f.adjust_saturation(x, FACTORS[b, 2].item()),
    "hue": lambda f, x, b: f.adjust_hue(x, FACTORS[b, 3].item()),
    "jitter": in_order,
    "grey": lambda f, x, b: f.rgb_to_grayscale(x, num_output_channels=3),
    "blur": lambda f, x, b: f.gaussian_blur(x, [3, 7], [SIGMA[b].item()] * 2),
    "solarize": lambda f, x, b: f.solarize(x, 0.4),
    "posterize": lambda f, x, b: f.posterize(x, 2),
    "erase": lambda f, x, b: f.erase(x, *BOXES[b], torch.zeros(1)),
    "rotate": lambda f, x, b: f.rotate(x, ANGLES[b].item(), interpolation=f.InterpolationMode.BILINEAR),
    "rotated ones": lambda f, x, b: THEIRS["rotate"](f, torch.ones_like(x), b),
}


def only(number: int) -> Tensor:
    factors = NOTHING.clone()
    factors[:, number] = FACTORS[:, number]
    return factors


def resampled(compiled: bool, size: tuple[int, int], flip: Tensor = NO, flop: Tensor = NO) -> Tensor:
    boxes = torch.tensor(BOXES).float() if flip is NO and flop is NO else geometry.whole(images())
    if compiled:
        return image_kernels.views(images(), boxes, flip, flop, NOTHING, IN_TURN, NO, size)
    return geometry.resample(images(), boxes, flip, flop, size)


def coloured(compiled: bool, factors: Tensor, order: Tensor = IN_TURN, grey: Tensor = NO) -> Tensor:
    if compiled:
        return image_kernels.coloured(images(), factors, order, grey)
    return colour.to_grey(colour.jitter(images(), factors, order), grey)


OURS: dict[str, Callable[[bool], Tensor]] = {
    "crop": lambda compiled: resampled(compiled, (H, W)),
    "crop, smaller": lambda compiled: resampled(compiled, (4, 3)),
    "crop, larger": lambda compiled: resampled(compiled, (30, 17)),
    "flip": lambda compiled: resampled(compiled, (H, W), flip=YES),
    "flop": lambda compiled: resampled(compiled, (H, W), flop=YES),
    "brightness": lambda compiled: coloured(compiled, only(0)),
    "contrast": lambda compiled: coloured(compiled, only(1)),
    "saturation": lambda compiled: coloured(compiled, only(2)),
    "hue": lambda compiled: coloured(compiled, only(3)),
    "jitter": lambda compiled: coloured(compiled, FACTORS, ORDER),
    "grey": lambda compiled: coloured(compiled, NOTHING, grey=YES),
}


def test_the_images_and_what_is_done_to_them_are_those_of_the_kept_answers() -> None:
    kept = np.load(KEPT)
    assert np.array_equal(kept["images"], images().numpy())
    assert set(kept.files) == {"images", *THEIRS}


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "torch"])
@pytest.mark.parametrize("name", OURS)
def test_places_and_colours_agree_with_torchvision(name: str, compiled: bool) -> None:
    agrees(name, OURS[name](compiled))


def test_blur_agrees_with_torchvision() -> None:
    agrees("blur", tones.blur(images(), SIGMA, (3, 1), YES))  # torchvision's kernel sizes are (across, down)


def test_solarize_agrees_with_torchvision() -> None:
    agrees("solarize", tones.solarize(images(), 0.4, YES))


def test_posterize_agrees_with_torchvision() -> None:
    agrees("posterize", tones.posterize(images(), 2, YES))


def test_erase_agrees_with_torchvision() -> None:
    agrees("erase", tones.erase(images(), torch.tensor(BOXES), YES))


def test_rotation_agrees_with_torchvision_where_it_shows_the_image() -> None:
    """Beyond the edge torchvision shows black, and ours the mirrored image."""
    seen = geometry.resample_rotated(images(), geometry.whole(images()), NO, NO, ANGLES, (H, W))
    kept = np.load(KEPT)
    inside = torch.from_numpy(kept["rotated ones"]) > 1 - 1e-6  # a pixel at the edge is half black
    assert inside.float().mean() > 0.4
    difference = (seen - torch.from_numpy(kept["rotate"])).abs()
    assert difference[inside].max() < 2e-5


@pytest.mark.parametrize("name", THEIRS)
def test_the_kept_answers_are_torchvisions(name: str) -> None:
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed; its answers of an earlier day are used")
    assert np.allclose(answers(name), np.load(KEPT)[name], atol=1e-6)


def agrees(name: str, seen: Tensor) -> None:
    kept = torch.from_numpy(np.load(KEPT)[name])
    assert seen.shape == kept.shape
    # no value may lie on the other side of a level or an edge
    assert (seen - kept).abs().max().item() < TOLERANCE.get(name, 1e-6), name


def functional() -> ModuleType:
    """torchvision's v2 functions."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    KEEP.append(library)
    for operator in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor", "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"):  # fmt: skip
        if not hasattr(torch.ops.torchvision, operator.split("(")[0]):
            library.define(operator)
    return importlib.import_module("torchvision.transforms.v2.functional")


KEEP: list[torch.library.Library] = []  # an operator lasts as long as the library that declares it


def answers(name: str) -> np.ndarray:
    f = functional()
    return torch.stack([THEIRS[name](f, x, b) for b, x in enumerate(images())]).numpy()


if __name__ == "__main__":
    np.savez_compressed(KEPT, images=images().numpy(), **{name: answers(name) for name in THEIRS})
