"""A build of torchvision for CUDA, importable beside a torch without it.

It cannot be imported there unless the two operators that it misses are declared first; nothing else of it is touched.
"""

import torch

_KEPT: list[torch.library.Library] = []  # what is declared lasts as long as its library


def declare() -> None:
    """Declare the operators, once, before torchvision is imported."""
    if torch.version.cuda is None and not _KEPT:
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)
