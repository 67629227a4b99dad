"""nolabel: learn from data nobody has labelled.

    import nolabel
    model = nolabel.Autoencoder(latent=32).fit("photographs/")
    codes = model.transform("photographs/")

Public names are resolved when they are first used: importing nolabel imports neither torch nor anything else heavy, and
does nothing else (no seed, no logging, no device).
"""

from typing import Any

from nolabel._version import __version__

_HOMES = {
    "open": "nolabel.data.source",
    "Dataset": "nolabel.data.dataset",
    "DataSpec": "nolabel.types",
    "Plan": "nolabel.training.plan",
    "load": "nolabel.methods._folder",
    "evaluate": "nolabel.evaluation.evaluate",
    "cluster": "nolabel.evaluation.clustering",
    "probe": "nolabel.evaluation.probing",
    "Probe": "nolabel.evaluation.probing",
    "finetune": "nolabel.evaluation.finetuning",
    "suggest": "nolabel.evaluation.suggesting",
    "label_budget": "nolabel.evaluation.budget",
    "judge": "nolabel.evaluation.judging",
    "latent_directions": "nolabel.evaluation.latent_directions",
    "compression": "nolabel.evaluation.compression",
    "make_report": "nolabel.report.making",
}


def _methods() -> dict[str, str]:
    """Module of every method by the name of its class; reads the methods' files and imports none."""
    import re  # only here: `nolabel` on the command line shall heed Ctrl-C from its first milliseconds on
    from pathlib import Path

    found = {}
    for file in (Path(__file__).parent / "methods").glob("[!_]*.py"):
        wanted = file.stem.replace("_", "")
        name = re.search(rf"^class ({wanted})\b", file.read_text(encoding="utf-8"), re.IGNORECASE | re.MULTILINE)
        if name:
            found[name[1]] = f"nolabel.methods.{file.stem}"
    return found


def __getattr__(name: str) -> Any:
    if name.startswith("_"):  # inspect, pickle and notebooks probe for such names: answer at once
        raise AttributeError(f"module 'nolabel' has no attribute {name!r}")
    import importlib

    from nolabel.errors import nearest

    home = _HOMES.get(name) or _methods().get(name)
    if home is None:
        raise AttributeError(f"module 'nolabel' has no attribute {name!r}{nearest(name, __dir__())}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*_HOMES, *_methods(), "__version__"])


__all__ = ["__version__", *_HOMES]
