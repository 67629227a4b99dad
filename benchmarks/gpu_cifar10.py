"""On a GPU: SimCLR and BYOL with ResNet-18 on CIFAR-10, 200 epochs in bf16, in pieces of a few minutes.

    python benchmarks/gpu_cifar10.py --method SimCLR --minutes 9     (again and again, until it says that it is done)

A piece ends with a checkpoint and the next one goes on from it, to the same end as an unbroken run. When all epochs are
done it prints the seconds of all pieces, the share of them in which the GPU had nothing to do (`nvidia-smi`, once a
second), and the accuracy of 200 nearest neighbours at the last epoch. `--tiny` is one epoch of a few images on a CPU.
"""

import argparse
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import torch

import nolabel
from harness.cifar import K, by_neighbours, cifar
from nolabel.errors import TrainingInterrupted


def main() -> None:
    """One piece of a run."""
    chosen = _options()
    folder = Path(chosen.out) / chosen.method
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (cifar(split, 125 if chosen.tiny else None) for split in ("train", "test"))
    run = folder / "run"
    began = (run / "checkpoint").is_dir()
    stop = threading.Timer(60 * chosen.minutes, os.kill, (os.getpid(), signal.SIGTERM))
    stop.daemon = True
    stop.start()
    start = time.perf_counter()
    done, model = True, _model(chosen)
    with _Watch() as watch:
        try:
            model.fit(train, out=run, resume=began, progress=True)
        except TrainingInterrupted:
            done = False
    stop.cancel()
    pieces = _kept(folder, time.perf_counter() - start, watch.loads)
    seconds = sum(piece["seconds"] for piece in pieces)
    print(
        f"{chosen.method}: {len(model.history_)} of {chosen.epochs} epochs, {seconds:.0f} s in {len(pieces)} piece(s)"
    )
    if not done:
        print("not done: say the same again")
        return
    loads = [load for piece in pieces for load in piece["loads"]]
    idle = f"{100 - np.mean(loads):.1f} %" if loads else "not known"
    print(f"GPU idle: {idle}; waiting for data: {np.mean([one['waiting'] for one in model.history_]):.1%}")
    print(f"accuracy of {K} neighbours at the last epoch: {by_neighbours(model.transform, train, test):.4f}")


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--method", choices=["SimCLR", "BYOL"], default="SimCLR")
    made.add_argument("--epochs", type=int, default=200)
    made.add_argument("--batch-size", type=int, default=512)
    made.add_argument("--minutes", type=float, default=9.0, help="of one piece")
    made.add_argument("--out", default="benchmarks/.work/gpu_cifar10")
    made.add_argument("--tiny", action="store_true", help="one epoch of 125 images, on a CPU if need be")
    chosen = made.parse_args()
    if chosen.tiny:
        chosen.epochs, chosen.batch_size = 1, 32
    elif not torch.cuda.is_available():
        made.exit(0, "no GPU here: nothing measured\n")
    return chosen


def _model(chosen: argparse.Namespace) -> nolabel.SimCLR | nolabel.BYOL:
    cls = getattr(nolabel, chosen.method)
    plan = {"precision": "bf16", "checkpoint_seconds": 60.0}
    return cls(backbone="resnet18", epochs=chosen.epochs, batch_size=chosen.batch_size, random_state=0, plan=plan)


def _kept(folder: Path, seconds: float, loads: list[float]) -> list[dict]:
    """What all pieces so far took."""
    file = folder / "pieces.json"
    pieces = json.loads(file.read_text()) if file.is_file() else []
    pieces.append({"seconds": seconds, "loads": loads})
    file.write_text(json.dumps(pieces))
    return pieces


class _Watch:
    """Per cent of the time in which the GPU worked, once a second, while the block runs."""

    def __enter__(self) -> "_Watch":
        self.loads: list[float] = []
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _look(self) -> None:
        ask = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while torch.cuda.is_available() and not self._over.wait(1):
            said = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.split()
            self.loads += [float(said[0])] if said else []


if __name__ == "__main__":
    main()
