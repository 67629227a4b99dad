"""Large and small views through one backbone, for methods of multi-crop. No method is named here."""

from typing import Any

import torch
from torch import Tensor, nn

from nolabel.nets.backbones import Backbone
from nolabel.types import DataSpec
from nolabel.views.images import ImageViews
from nolabel.views.roles import MultiCrop


def crops_for(spec: DataSpec, views: Any, small: int, backbone: Backbone) -> MultiCrop:
    """Two large views and `small` small ones; these are as large as the sample if the backbone takes no other size.

    Raises
    ------
    ArgumentError
        The views cannot be had for such samples.
    """
    crops = MultiCrop(spec, views, small=small)
    made = crops.made[2]
    if small == 0 or not isinstance(made, ImageViews):
        return crops
    channels, height, width = spec.shape
    if backbone.takes((channels, *made.size_of((height, width)))):
        return crops
    return MultiCrop(spec, views, small=small, small_size=(height, width))


def features_of(backbone: nn.Module, large: list[Tensor], small: list[Tensor]) -> Tensor:
    """Features (V B, L) of all views, view after view; those of one size go through the backbone together."""
    return torch.cat([backbone(torch.cat(group)) for group in (large, small) if group])
