"""Loops compiled by numba, and run over parts of their rows on torch's threads.

Compiled code is kept on disk (numba's cache), so that only the very first use waits for the compiler. numba takes half
a second to import: only files of loops import this one, and those are imported when they are first used. It knows no
loop.
"""

import inspect
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch
from numba import njit

PARTS = 4  # of the work for each thread, so that one that is held up does not hold up all


def compiled(*, fastmath: bool = False) -> Callable[[Any], Any]:
    """Compile a loop; what a checker of types has put around it is taken off, for numba cannot read that."""

    def compile_(loop: Any) -> Any:
        return njit(inspect.unwrap(loop), nogil=True, cache=True, error_model="numpy", fastmath=fastmath)

    return compile_


def on_threads(loop: Callable[[int, int], Any], cuts: Sequence[int]) -> None:
    """Run `loop(first, last)` between every two neighbours of `cuts`, on as many threads as torch may use."""
    list(_pool(torch.get_num_threads(), os.getpid()).map(loop, cuts[:-1], cuts[1:]))


@cache
def _pool(threads: int, _process: int) -> ThreadPoolExecutor:
    """Threads that stay: starting them anew took a third of the time of a batch's views. A fork has none of them."""
    return ThreadPoolExecutor(threads, thread_name_prefix="nolabel")
