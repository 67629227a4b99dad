"""RUN/evidence.json: what `evaluate` found, and of what, so that a report can tell whether it still fits.

Beside the evidence it holds `about`: digests of the model, the data and the labels. Only this file knows it.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nolabel.cli import speech

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset
    from nolabel.evaluation.evidence import Evidence
    from nolabel.methods._base import Embedder

FILE = "evidence.json"


def measure(model: "Embedder", data: "Dataset", run: Path, **wishes: Any) -> "Evidence":
    """Evaluate, write RUN/evidence.json, and return the evidence."""
    from nolabel.evaluation.evaluate import evaluate
    from nolabel.training.checkpoint import write_whole

    speech.remark("measuring the model beside raw values, PCA and the untrained network ...")
    evidence = evaluate(model, data, **wishes)
    facts = {**evidence.to_dict(), "about": _about(model, data)}
    write_whole(run / FILE, json.dumps(facts, indent=1, ensure_ascii=False).encode(errors="replace"))
    return evidence


def still_fits(model: "Embedder", data: "Dataset", run: Path) -> bool:
    """Whether RUN/evidence.json was measured of this very model, data and labels."""
    try:
        kept: Mapping[str, Any] = json.loads((run / FILE).read_text(encoding="utf-8"))
        return bool(kept["about"] == _about(model, data)) and {"rows", "notes", "samples"} <= set(kept)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _about(model: "Embedder", data: "Dataset") -> dict[str, str]:
    from nolabel.methods._folder import fingerprint

    weights = hashlib.sha256()
    for name, value in sorted(model.learner_.state_dict().items()):
        weights.update(name.encode())
        weights.update(value.detach().cpu().contiguous().numpy().tobytes())
    labels = b"none" if data.labels is None else data.labels.tobytes() + "\0".join(data.classes).encode()
    return {
        "model": weights.hexdigest()[:16],
        "data": fingerprint(data),
        "labels": hashlib.sha256(labels).hexdigest()[:16],
    }
