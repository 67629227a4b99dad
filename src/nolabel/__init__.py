"""nolabel: learn from data nobody has labelled.

    import nolabel
    model = nolabel.Autoencoder(latent=32).fit("photographs/")
    codes = model.transform("photographs/")

Public names are resolved when they are first used: importing nolabel imports neither torch nor anything else heavy, and
does nothing else (no seed, no logging, no device).
"""

import importlib
from pathlib import Path
from typing import Any

from nolabel._version import __version__
from nolabel.errors import nearest

_HOMES = {
    "open": "nolabel.data.source",
    "Dataset": "nolabel.data.dataset",
    "DataSpec": "nolabel.types",
    "Plan": "nolabel.training.plan",
    "load": "nolabel.methods._folder",
    "evaluate": "nolabel.evaluation.evaluate",
    "make_report": "nolabel.report.making",
}


def _methods() -> dict[str, str]:
    """Module of every method by its class's name in lower case; reads names of files and imports none."""
    folder = Path(__file__).parent / "methods"
    stems = (file.stem for file in folder.glob("[!_]*.py"))
    return {stem.replace("_", ""): f"nolabel.methods.{stem}" for stem in stems}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):  # inspect, pickle and notebooks probe for such names: answer at once
        raise AttributeError(f"module 'nolabel' has no attribute {name!r}")
    home = _HOMES.get(name) or (_methods().get(name.lower()) if name[:1].isupper() else None)
    if home is not None:
        value = getattr(importlib.import_module(home), name, None)
        if value is not None:
            return value
    raise AttributeError(f"module 'nolabel' has no attribute {name!r}{nearest(name, __dir__())}")


def __dir__() -> list[str]:
    from nolabel.methods import all_methods

    return sorted([*_HOMES, *all_methods(), "__version__"])


__all__ = ["__version__", *_HOMES]
