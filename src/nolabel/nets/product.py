"""a bᵀ of two matrices on a CPU, by oneDNN's kernels where PyTorch's default (MKL) would be slower.

MKL uses the narrow instructions on processors of other makers: on an AMD Zen 5 oneDNN takes half to three quarters of
its time (decisions/0007-products.md). The operator is PyTorch's own but not part of its public interface, so its
absence is expected, and then the default is used. Both sum in float32; they differ by rounding. Knows nothing of
layers.
"""

import torch
from torch import Tensor

WORTH = 2**21  # multiplications below which the call costs more than it saves


def _find() -> bool:
    try:
        available = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
        return available and callable(torch.ops.mkldnn._linear_pointwise)
    except (AttributeError, RuntimeError):
        return False


FOUND = _find()


def suits(a: Tensor, b: Tensor) -> bool:
    """Whether `times_transposed` has a faster road for a (N, D) and b (K, D)."""
    return (
        FOUND
        and a.ndim == 2
        and a.dtype == b.dtype == torch.float32
        and a.device.type == b.device.type == "cpu"
        and a.shape[0] * a.shape[1] * b.shape[0] >= WORTH
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and bool(torch.backends.mkldnn.enabled)
    )


def times_transposed(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """A bᵀ + bias: (N, D), (K, D) and (K,) to (N, K). Without gradient."""
    if suits(a, b):
        return torch.ops.mkldnn._linear_pointwise(a, b, bias, "none", [], "")  # type: ignore[no-any-return]
    return torch.nn.functional.linear(a, b, bias)
