"""From a `DataSpec` to a sensible encoder and decoder: the only place that guesses.

The rules: images get convolutions when a side is at least 8 pixels, all else a perceptron; the code is 32 wide, or half
the data's width when that is less; a perceptron narrows through 256 and 128; convolutions go 32, 64, 128 channels until
the image is about 4 pixels wide. Players of a game (generator and discriminator) are convolutional for images of at
least 8 x 8 pixels, with 16 channels beside the image, twice as many after each halving, eightfold at most; else
perceptrons of three layers of 128. A backbone, which has no decoder, is a residual network for images: a small one up
to 64 pixels, ResNet-18 above.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import Tensor, nn

from nolabel.errors import ArgumentError, is_whole, nearest, not_a_choice
from nolabel.nets import resnet
from nolabel.nets.backbones import Backbone, wrapped
from nolabel.nets.clips import clip_discriminator, clip_generator
from nolabel.nets.conv import (
    conv_decoder,
    conv_encoder,
    map_decoder,
    map_encoder,
    possible_stages,
    sizes,
    tied_conv_decoder,
)
from nolabel.nets.discriminator import Discriminator, Norm, conv_discriminator, flat_discriminator, halvings
from nolabel.nets.generator import Norm as GeneratorNorm
from nolabel.nets.generator import conv_generator, flat_generator
from nolabel.nets.heads import perceptron
from nolabel.nets.mlp import Activation, mlp, tied_mlp
from nolabel.nets.patch_discriminator import Norm as PatchNorm
from nolabel.nets.patch_discriminator import PatchDiscriminator, patch_stages
from nolabel.nets.stack import Stack
from nolabel.nets.unet import Norm as UNetNorm
from nolabel.nets.unet import UNet, levels
from nolabel.nets.vit import ViT
from nolabel.types import DataSpec

Net = Literal["auto", "mlp", "conv"]
Loss = Literal["auto", "bce", "mse"]
BackboneName = Literal["auto", "small", "resnet18", "resnet50", "vit", "mlp"]
Channels = int | Literal["auto"]
SMALL_IMAGE = 64  # pixels of the longer side up to which an image is not shrunk by a stem


@dataclass(frozen=True)
class Shape:
    """A decided architecture: kind of net, its hidden widths or channels, and the width of the code."""

    net: Literal["mlp", "conv"]
    hidden: tuple[int, ...]
    latent: int


def decide(spec: DataSpec, net: Net, hidden: Sequence[int] | None, latent: int | None) -> Shape:
    """The architecture for what the user said and what is left to guess.

    `hidden` are the widths from data to code; without `latent` its last entry *is* the code, with `latent` the code
    follows it. For `net="conv"` they are channels, and the code is `latent`.
    """
    if net not in get_args(Net):
        raise not_a_choice("net", net, get_args(Net))
    widths = None if hidden is None else _widths(hidden)
    if latent is not None:
        latent = _width("latent must be a whole number", latent)
    kind = _kind(spec, net, widths)
    if widths is None:
        return Shape(kind, _guess_hidden(spec, kind), latent or min(32, max(1, spec.width // 2)))
    if latent is not None:
        return Shape(kind, widths, latent)
    if kind == "conv":
        return Shape(kind, widths, 32)
    return Shape(kind, widths[:-1], widths[-1])


def _widths(hidden: Sequence[int]) -> tuple[int, ...]:
    if isinstance(hidden, str | bytes) or not isinstance(hidden, Sequence) or not hidden:
        raise ArgumentError(f"hidden must be a sequence of widths such as (128, 64, 32), or None; got {hidden!r}")
    return tuple(_width("hidden must hold whole numbers", width) for width in hidden)


def _width(demand: str, width: Any) -> int:
    if not is_whole(width) or width < 1:
        raise ArgumentError(f"{demand} of at least 1; got {width!r}")
    return int(width)


def _kind(spec: DataSpec, net: Net, hidden: Sequence[int] | None) -> Literal["mlp", "conv"]:
    is_image = len(spec.shape) == 3
    stages = possible_stages(*spec.shape[1:]) if is_image else 0
    if net == "conv":
        if not is_image:
            raise ArgumentError(f"net='conv' needs images; these are samples of shape {spec.shape}. Use net='mlp'")
        if stages == 0:
            size = f"{spec.shape[1]} x {spec.shape[2]}"
            raise ArgumentError(f"images of {size} are too small for convolutions, which halve them. Use net='mlp'")
        if hidden is not None and len(hidden) > stages:
            raise ArgumentError(
                f"hidden={tuple(hidden)} asks for {len(hidden)} halvings, but images of {spec.shape[1]} x "
                f"{spec.shape[2]} allow {stages}. Give fewer channels, or net='mlp'"
            )
        return "conv"
    # widths that a user gives are a perceptron's unless channels are asked for
    return "conv" if net == "auto" and is_image and stages >= 2 and hidden is None else "mlp"


def _guess_hidden(spec: DataSpec, kind: Literal["mlp", "conv"]) -> tuple[int, ...]:
    if kind == "conv":
        stages = min(3, possible_stages(*spec.shape[1:]))
        return (32, 64, 128)[:stages]
    return (min(256, 32 * spec.width), min(128, 16 * spec.width))


def make_encoder(spec: DataSpec, shape: Shape, activation: Activation, outputs: int = 1) -> Stack:
    """The encoder; `outputs` times as wide as the code (2 for a mean and a variance)."""
    check_activation(activation)
    code = shape.latent * outputs
    if shape.net == "conv":
        return conv_encoder(_image(spec), shape.hidden, code, activation)
    return mlp((spec.width, *shape.hidden, code), activation, shape_in=spec.shape)


def make_decoder(spec: DataSpec, shape: Shape, activation: Activation, tied_to: Stack | None = None) -> Stack:
    """The decoder that mirrors `make_encoder`, sharing the weights of the encoder `tied_to` if one is given."""
    if shape.net == "conv":
        image = _image(spec)
        if tied_to is not None:
            return tied_conv_decoder(tied_to, image, activation)
        return conv_decoder(image, shape.hidden, shape.latent, activation)
    if tied_to is not None:
        return tied_mlp(tied_to, activation, shape_out=spec.shape)
    return mlp((shape.latent, *reversed(shape.hidden), spec.width), activation, shape_out=spec.shape)


@dataclass(frozen=True)
class Tokens:
    """How a code is cut into `count` tokens of `width` values; `grid` is (h, w) when they lie on an image."""

    count: int
    width: int
    grid: tuple[int, int] | None

    def split(self, code: Tensor) -> Tensor:
        """(B, width, h, w) or (B, count * width) to (B, count, width)."""
        return code.flatten(2).transpose(1, 2) if self.grid else code.view(len(code), self.count, self.width)

    def join(self, tokens: Tensor) -> Tensor:
        """The inverse of `split`."""
        if self.grid is None:
            return tokens.flatten(1)
        return tokens.transpose(1, 2).reshape(len(tokens), self.width, *self.grid)


def make_token_nets(
    spec: DataSpec, net: Net, hidden: Sequence[int] | None, count: int, width: int, activation: Activation
) -> tuple[Stack, Stack, Tokens]:
    """Encoder to tokens, mirrored decoder, and how tokens lie: on the image or in `count` groups of a flat code."""
    check_activation(activation)
    shape = decide(spec, net, hidden, count * width)
    if shape.net == "mlp":
        return make_encoder(spec, shape, activation), make_decoder(spec, shape, activation), Tokens(count, width, None)
    image = _image(spec)
    channels = shape.hidden if hidden is not None else shape.hidden[:2]
    grid = sizes(image[1], image[2], len(channels))[-1]
    nets = map_encoder(image, channels, width, activation), map_decoder(image, channels, width, activation)
    return *nets, Tokens(grid[0] * grid[1], width, grid)


def make_backbone(spec: DataSpec, backbone: Any = "auto") -> Backbone:
    """The backbone for samples that look like `spec`: (B, *shape) to (B, L).

    Parameters
    ----------
    spec : DataSpec
        What the samples look like.
    backbone : {"auto", "small", "resnet18", "resnet50", "vit", "mlp"} or Module, default="auto"
        "auto" is "small" for images of at most 64 pixels, "resnet18" for larger ones, "mlp" for all else. A module is
        copied, and may return vectors (B, L), maps (B, L, h, w) or an output of `transformers`; over processes, batch
        norms of its own go by the rows of each.

    Raises
    ------
    ArgumentError
        There is no such name, it does not suit the samples, or the module does not.
    """
    if isinstance(backbone, nn.Module):
        return wrapped(backbone, spec)
    if isinstance(backbone, type):
        raise ArgumentError(f"backbone must be a name or a module; got the class {backbone.__name__}: make one of it")
    if not isinstance(backbone, str) or backbone not in get_args(BackboneName):
        names = ", ".join(map(repr, get_args(BackboneName)))
        close = nearest(str(backbone), get_args(BackboneName))
        raise ArgumentError(f"backbone must be one of {names}, or a torch.nn.Module; got {backbone!r:.80}{close}")
    is_image = len(spec.shape) == 3
    name = _backbone_for(spec) if backbone == "auto" else backbone
    if name == "mlp":
        hidden = min(256, 32 * spec.width)
        return Backbone(perceptron(spec.width, (hidden, hidden, hidden)), spec, hidden)
    if not is_image:
        raise ArgumentError(f"backbone={name!r} needs images; these are samples of shape {spec.shape}. Use 'mlp'")
    body = _image_body(spec, name)
    return Backbone(body, spec, body.width)


def _backbone_for(spec: DataSpec) -> str:
    if len(spec.shape) != 3:
        return "mlp"
    return "small" if max(spec.shape[1:]) <= SMALL_IMAGE else "resnet18"


def _image_body(spec: DataSpec, name: str) -> "resnet.ResNet | ViT":
    channels, side = spec.shape[0], max(spec.shape[1:])
    if name == "small":
        return resnet.small(channels, side)
    if name == "vit":
        return ViT(spec.shape)
    make = resnet.resnet18 if name == "resnet18" else resnet.resnet50
    return make(channels, "small" if side <= SMALL_IMAGE else "large")


def latent_width(spec: DataSpec, latent: int | Literal["auto"]) -> int:
    """L of a generator; "auto" is 64, or the data's width where that is less.

    A generator bends its latents into the data, and narrow data of two columns are made of 64 numbers only by a map so
    steep that training hardly gets there.
    """
    return min(64, spec.width) if latent == "auto" else _width("latent must be 'auto' or a whole number", latent)


def make_generator(
    spec: DataSpec, latent: int, channels: Channels, norm: GeneratorNorm, *, sharp: bool = True
) -> Stack:
    """The generator for samples that look like `spec`: latents (B, L) to network values.

    Parameters
    ----------
    spec : DataSpec
        What the samples look like.
    latent : int
        L.
    channels : int or "auto"
        Beside the image, or the width of a perceptron's layers.
    norm : {"batch", "none"}
        Of a convolutional one; a perceptron has none.
    sharp : bool
        Whether a perceptron that makes few columns can make narrow modes; one that cannot is quicker to spread.
    """
    widths, unit = _player_widths(spec, channels), spec.values == "unit"
    if _is_played_on_maps(spec):
        return conv_generator(_image(spec), latent, widths, norm, unit=unit)
    return flat_generator(spec.shape, latent, widths, unit=unit, sharp=sharp)


def make_discriminator(
    spec: DataSpec, channels: Channels, norm: Norm, *, last_bias: bool = True, sharp: bool = True
) -> Discriminator:
    """The discriminator for samples that look like `spec`: network values to logits (B,).

    Parameters
    ----------
    spec, channels
        As for `make_generator`.
    norm : {"batch", "none", "spectral"}
        Of a convolutional one; "spectral" is a perceptron's, too.
    last_bias : bool
        Whether the last matrix has a bias; without one where the loss looks at differences of logits only.
    sharp : bool
        As for `make_generator`.
    """
    widths, unit = _player_widths(spec, channels), spec.values == "unit"
    if _is_played_on_maps(spec):
        return conv_discriminator(_image(spec), widths, norm, unit=unit, last_bias=last_bias)
    spectral = norm == "spectral"
    return flat_discriminator(spec.width, widths, unit=unit, spectral=spectral, sharp=sharp, last_bias=last_bias)


def make_unet(
    image: tuple[int, int, int], channels_out: int, channels: Channels, norm: UNetNorm = "instance", *, unit: bool
) -> UNet:
    """The net from images (C, H, W) to images (`channels_out`, H, W).

    Parameters
    ----------
    image
        (C, H, W) of what is given.
    channels_out
        C of what is made.
    channels : int or "auto"
        At full size, doubled at every halving, eightfold at most; "auto" is 16.
    norm, unit
        As `nets.unet.UNet` has them.
    """
    widths = _doubled(channels, levels(*image[1:]) + 1)
    return UNet(image[0], channels_out, widths, norm, unit=unit)


def make_patch_discriminator(
    image: tuple[int, int, int], channels: Channels, norm: PatchNorm, *, unit: bool
) -> PatchDiscriminator:
    """The discriminator of patches of images (C, H, W).

    Parameters
    ----------
    image
        (C, H, W) of all that is judged together.
    channels : int or "auto"
        Of the first stage, doubled after each; "auto" is 16.
    norm, unit
        As `nets.patch_discriminator.PatchDiscriminator` has them.

    Raises
    ------
    ArgumentError
        A side has fewer than 2 pixels.
    """
    if min(image[1:]) < 2:
        raise ArgumentError(
            f"images of {image[1]} x {image[2]} pixels have no patches to be judged: both sides must have at least 2"
        )
    return PatchDiscriminator(image[0], _doubled(channels, patch_stages(*image[1:])), norm, unit=unit)


def make_clip_players(spec: DataSpec, latent: int, channels: Channels) -> tuple[Stack, Discriminator]:
    """A generator and a discriminator for clips that look like `spec`.

    Parameters
    ----------
    spec : DataSpec
        (C, T, H, W).
    latent : int
        L.
    channels : int or "auto"
        Beside the clip, doubled at every halving, eightfold at most; "auto" is 16.

    Raises
    ------
    ArgumentError
        A side has fewer than 8 pixels.
    """
    clip_channels, frames, height, width = spec.shape
    stages = halvings(height, width)
    if not stages:
        raise ArgumentError(
            f"frames of {height} x {width} pixels are too small for convolutions, which halve them: both sides must "
            "have at least 8. Open the files with a larger size="
        )
    widths, shape = _doubled(channels, stages), (clip_channels, frames, height, width)
    return clip_generator(shape, latent, widths), clip_discriminator(shape, widths)


def _doubled(channels: Channels, count: int) -> tuple[int, ...]:
    least = 16 if channels == "auto" else _width("channels must be 'auto' or a whole number", channels)
    return tuple(least * min(2**level, 8) for level in range(count))


def _is_played_on_maps(spec: DataSpec) -> bool:
    return len(spec.shape) == 3 and halvings(*spec.shape[1:]) > 0


def _player_widths(spec: DataSpec, channels: Channels) -> tuple[int, ...]:
    given = None if channels == "auto" else _width("channels must be 'auto' or a whole number", channels)
    if not _is_played_on_maps(spec):
        return (given or 128,) * 3
    least = given or 16
    return tuple(least * min(2**level, 8) for level in range(halvings(*spec.shape[1:])))


def decide_loss(spec: DataSpec, loss: Loss) -> Literal["bce", "mse"]:
    """`"auto"` is `bce` for images, `mse` for tables; `bce` on values outside [0, 1] is refused."""
    if loss not in get_args(Loss):
        raise not_a_choice("loss", loss, get_args(Loss))
    if loss == "bce" and spec.values != "unit":
        raise ArgumentError(
            "loss='bce' needs values in [0, 1], and these are standardised. Use loss='mse', or open the table with "
            "nolabel.open(source, scaling='minmax')"
        )
    if loss == "auto":
        return "bce" if spec.modality == "image" else "mse"
    return loss


def check_activation(activation: str) -> None:
    """Refuse an activation that is not known."""
    if activation not in get_args(Activation):
        raise not_a_choice("activation", activation, get_args(Activation))


def _image(spec: DataSpec) -> tuple[int, int, int]:
    channels, height, width = spec.shape
    return channels, height, width
