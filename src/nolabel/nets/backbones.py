"""A backbone: whatever turns network values into vectors, as every self-supervised method wants it.

    (B, *shape) → normalise → body → pool → (B, L)

`Backbone` wraps a body of ours or any module of a user's: torchvision's, timm's, transformers', their own. It owns the
scaling of pixels, the layout in memory and the pooling, so that a body is nothing but layers. Knows nothing of losses.
"""

import copy
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.nets.resnet import ResNet
from nolabel.types import DataSpec

CENTRE, SCALE = 0.5, 0.25  # of pixels in [0, 1]: near the mean and deviation of photographs


@final
class Backbone(nn.Module):
    """Normalisation, body and pooling: (B, *shape) to (B, L).

    Parameters
    ----------
    body
        Any module whose output `pooled` understands.
    spec
        What the samples look like; images of other sizes are taken, too, if the body does.
    width
        L.

    Attributes
    ----------
    width : int
        L, the width of the features.
    """

    def __init__(self, body: nn.Module, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.body = body
        self.width = width
        self.shape = tuple(spec.shape)
        self.refusals = {self.shape: ""}  # why samples of a shape are not taken, "" if they are; of the shapes met
        self.is_unit = spec.values == "unit"
        # the layout that convolutions want; a module of a user's may rely on the ordinary one
        self.layout = torch.channels_last if isinstance(body, ResNet) else torch.contiguous_format

    def forward(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B L"]:
        """Features; images may have any height and width that the body takes.

        Raises
        ------
        ArgumentError
            It does not take samples of that shape.
        """
        shape = tuple(x.shape[1:])
        if shape != self.shape and not self.takes(shape):
            raise ArgumentError(
                f"{self.refusals[shape]}. It was made for samples of shape {self.shape}: leave size out of views, or "
                "give another backbone"
            )
        return pooled(self.body(self.normalised(x)))

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether samples of that shape become vectors as wide as others do; tried once for each shape."""
        if shape not in self.refusals:
            try:
                found = pooled(_tried(self.body, shape)).shape
                said = f"backbone makes {tuple(found)} of 2 samples of shape {shape}, of others (2, {self.width})"
                self.refusals[shape] = "" if found == (2, self.width) else said
            except ArgumentError as error:
                self.refusals[shape] = str(error)
        return not self.refusals[shape]

    def normalised(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B *shape"]:
        """What the body is given: values about 0, images with channels last in memory."""
        if self.is_unit:
            x = (x - CENTRE) / SCALE
        return x.contiguous(memory_format=self.layout)


def pooled(output: Any) -> Tensor:
    """Vectors (B, L) from what a body says: vectors, maps (B, L, h, w), or an output of `transformers`.

    Of the latter its `pooler_output` if it has one, or else the mean over the tokens of its `last_hidden_state`.

    Raises
    ------
    ArgumentError
        It is none of these.
    """
    found = _tensor_of(output)
    if isinstance(found, Tensor) and found.is_floating_point() and found.ndim in (2, 4):
        return found.flatten(1) if found.ndim == 2 else found.mean((2, 3))
    raise ArgumentError(
        f"backbone must turn samples (B, *shape) into vectors (B, L) or maps (B, L, h, w); it gave {_told(output)}. "
        "Wrap it in a module whose forward returns one of these"
    )


def _tensor_of(output: Any) -> Any:
    pooler = getattr(output, "pooler_output", None)
    if isinstance(pooler, Tensor):
        return pooler.flatten(1)
    hidden = getattr(output, "last_hidden_state", None)
    if isinstance(hidden, Tensor):
        return hidden.mean(1) if hidden.ndim == 3 else hidden
    return output


def _told(output: Any) -> str:
    if isinstance(output, Tensor):
        return f"a tensor {tuple(output.shape)} of {str(output.dtype).removeprefix('torch.')}"
    return f"{type(output).__name__}"


def wrapped(module: nn.Module, spec: DataSpec) -> Backbone:
    """A user's module as a backbone: a copy of it, tried on two samples of zeros.

    Raises
    ------
    ArgumentError
        It cannot be copied, does not take such samples, or does not give a vector for each.
    """
    try:
        body = copy.deepcopy(module)
    except Exception as error:
        raise ArgumentError(
            f"backbone {type(module).__name__} cannot be copied: {type(error).__name__}: {error}"
        ) from error
    features = pooled(_tried(body, spec.shape))
    if len(features) != 2 or not features.shape[1]:
        raise ArgumentError(
            f"backbone must give one vector for each sample; of 2 samples it made {len(features)} of width "
            f"{features.shape[1]}"
        )
    return Backbone(body, spec, features.shape[1])


def _tried(body: nn.Module, shape: tuple[int, ...]) -> Any:
    """What a body says of two samples of zeros; it and the global generator stay as they were."""
    device = next((weight.device for weight in body.parameters()), torch.device("cpu"))
    modes = [(part, part.training) for part in body.modules()]
    buffers = {name: buffer.clone() for name, buffer in body.named_buffers()}
    try:
        # the device is said, for a caller may have set another as the default
        with torch.no_grad(), torch.random.fork_rng(devices=[]), device:
            return body.eval()(torch.zeros(2, *shape, device=device))
    except Exception as error:
        raise ArgumentError(
            f"backbone {type(body).__name__} does not take samples of shape {shape}: {type(error).__name__}: {error}"
        ) from error
    finally:
        for part, training in modes:
            part.training = training
        for name, buffer in body.named_buffers():
            if name in buffers:
                buffer.copy_(buffers[name])
