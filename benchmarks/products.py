"""Matrix products of perceptrons: MKL through `torch.nn.functional.linear`, beside oneDNN through `nolabel.nets`.

Prints microseconds a call, the least of several rounds, in turn; one thread unless --threads says otherwise.
"""

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from nolabel.nets.product import FOUND, times_transposed

SHAPES = [(256, 784, 32), (256, 32, 784), (128, 784, 400), (128, 400, 784), (4096, 784, 400)]  # (B, D, K)


def main() -> None:
    """Measure and print."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--rounds", type=int, default=20)
    chosen = made.parse_args()
    torch.set_num_threads(chosen.threads)
    print(f"torch {torch.__version__}, {chosen.threads} thread(s), oneDNN {'found' if FOUND else 'not found'}")
    print(f"{'B x D, K x D':>22} {'torch':>9} {'nolabel':>9} {'ratio':>6}   microseconds")
    for b, d, k in SHAPES:
        x, weight = torch.rand(b, d), torch.rand(k, d)
        theirs, ours = [], []
        for _ in range(chosen.rounds):
            theirs.append(_seconds(lambda x=x, weight=weight: F.linear(x, weight)))
            ours.append(_seconds(lambda x=x, weight=weight: times_transposed(x, weight)))
        least, most = min(ours) * 1e6, min(theirs) * 1e6
        print(f"{f'{b} x {d}, {k} x {d}':>22} {most:9.0f} {least:9.0f} {most / least:6.2f}")


def _seconds(call: Callable[[], object], calls: int = 20) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


if __name__ == "__main__":
    main()
