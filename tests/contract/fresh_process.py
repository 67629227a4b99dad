"""Run in a process of its own, where some packages cannot be imported and no type checker looks on.

    python fresh_process.py FOLDER

It imports every module, reads every saved model and trains every method. FOLDER holds METHOD-KIND/ (saved models) and
KIND.npy (samples), and receives METHOD-KIND.npy (codes) and METHOD.txt: what was found wrong with its manners, or
nothing.
"""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

FORBIDDEN = ("torchvision", "torchaudio", "torchcodec", "torchtext")


class Blocker:
    """Makes some packages impossible to import, as they are on machines where their libraries do not fit."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse what is forbidden."""
        if name.split(".")[0] in FORBIDDEN:
            self.asked.add(name)
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
        return None


def main(folder: Path) -> None:
    """Import, load, embed, train."""
    sys.meta_path.insert(0, Blocker())  # type: ignore[arg-type]
    import numpy as np
    import torch

    import nolabel

    torch.set_num_threads(1)
    for info in pkgutil.walk_packages(nolabel.__path__, "nolabel."):
        if not info.name.endswith("__main__"):
            importlib.import_module(info.name)
    for saved in sorted(path for path in folder.iterdir() if path.is_dir()):
        X = np.load(folder / f"{saved.name.rpartition('-')[2]}.npy")
        np.save(folder / f"{saved.name}.npy", nolabel.load(saved).transform(X))
    train_all(folder)


def train_all(folder: Path) -> None:
    """What a checker of types would be in the way of: global generators are watched, and NumPy's numbers are given."""
    from contract.checks import estimator, reproducing, samples
    from nolabel.methods import all_methods

    made = {kind: make() for kind, make in samples.MAKERS.items()}
    for name, cls in all_methods().items():
        try:
            kinds = samples.kinds(cls)
            reproducing.global_state_is_untouched(cls, made[kinds[0]])
            for kind in kinds:
                estimator.takes_numbers_of_numpy(cls, made[kind])
            found = ""
        except AssertionError as error:
            found = str(error)
        (folder / f"{name}.txt").write_text(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
