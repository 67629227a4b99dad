"""The blocks of an encoder, in the order in which a sample meets them: what is frozen, and what learns more slowly.

Found by letting a few samples through, so any module has them. A block is the largest module that holds some weights of
the encoder and not all, and is no mere list (`Sequential`, `ModuleList`): a residual block, a transformer's layer, a
linear layer of a perceptron. Norms, biases and the like that stand alone belong to the block before them.

It knows no kind of network by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nolabel.nets.stack import Stack

_LISTS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, Stack)


@dataclass(frozen=True)
class Block:
    """modules: names of the modules in it.  parameters: names of the parameters in it, all of them in use."""

    modules: tuple[str, ...]
    parameters: tuple[str, ...]


def used_parameters(root: nn.Module, encode: Callable[[Tensor], Tensor], x: Tensor) -> list[str]:
    """Names of the parameters of `root` that the gradient of `encode(x)` reaches, in the order of registration."""
    named = {name: value for name, value in root.named_parameters() if value.requires_grad}
    with torch.enable_grad():
        z = encode(x)
    if not named or not z.requires_grad:
        return []
    gradients = torch.autograd.grad(z.sum(), list(named.values()), allow_unused=True)
    return [name for name, gradient in zip(named, gradients) if gradient is not None]


def blocks_of(root: nn.Module, encode: Callable[[Tensor], Tensor], x: Tensor) -> list[Block]:
    """The blocks that `encode`, a function of modules in `root`, uses; the one nearest the data is first.

    Parameters
    ----------
    root
        Module whose names are given.
    encode
        (B, *shape) to (B, L).
    x
        A few samples.
    """
    used = used_parameters(root, encode, x)
    owners: dict[str, list[str]] = {}
    for name in used:
        owners.setdefault(name.rpartition(".")[0], []).append(name)
    met = [name for name in _order(root, lambda: encode(x)) if name in owners]
    order = [*(name for name in owners if name not in met), *met]  # used without being called: nearest the data
    modules, shapes = dict(root.named_modules()), {name: p.ndim for name, p in root.named_parameters()}
    places: dict[str, list[str]] = {}
    for owner in order:
        places.setdefault(_place(owner, order, modules), []).append(owner)
    found: list[list[str]] = []
    loose: list[str] = []  # without a matrix, and with no block before them
    for inside in places.values():
        if any(shapes[name] > 1 for owner in inside for name in owners[owner]):
            found.append([*loose, *inside])
            loose = []
        elif found:
            found[-1] += inside
        else:
            loose += inside
    if loose:
        found.append(loose)
    return [Block(tuple(inside), tuple(name for owner in inside for name in owners[owner])) for inside in found]


def _order(root: nn.Module, run: Callable[[], Any]) -> list[str]:
    """Names of the modules in the order in which they are first called."""
    met: dict[str, None] = {}
    hooks = [
        module.register_forward_pre_hook(lambda *_, name=name: met.setdefault(name))
        for name, module in root.named_modules()
    ]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return list(met)


def _place(owner: str, owners: Sequence[str], modules: dict[str, nn.Module]) -> str:
    """The outermost module around `owner` that holds some and not all of `owners`, and is no mere list."""
    parts = owner.split(".")
    for length in range(1, len(parts)):
        around = ".".join(parts[:length])
        inside = sum(other == around or other.startswith(f"{around}.") for other in owners)
        if inside < len(owners) and not isinstance(modules[around], _LISTS):
            return around
    return owner
