"""What an estimator leaves on disk: run folders and saved models. Nothing is pickled; loading executes no code.

    RUN/model/model.json          method, arguments, DataSpec, classes, history, health, versions, digests
    RUN/model/model.safetensors   weights
    RUN/model/next.safetensors    those of a model that replaces another, until model.json is its own
    RUN/checkpoint/               training/checkpoint.py
    RUN/metrics.jsonl             training/progress.py
    RUN/snapshots/                training/snapshots.py
    RUN/.lock                     training/lock.py, while a run is in it

A model names its method; only methods of this package are ever looked up, with arguments that their constructors know.
"""

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError

from nolabel._version import __version__
from nolabel.data.dataset import Dataset
from nolabel.data.source import LATER
from nolabel.data.sparse import plain_parts
from nolabel.errors import ArgumentError, OutputError, SavedModelError
from nolabel.methods import find_method
from nolabel.methods._objects import completed, is_named, named
from nolabel.methods._supervised import Supervised
from nolabel.training import lock
from nolabel.training.checkpoint import newest_facts, write_whole
from nolabel.training.health import Verdict
from nolabel.training.plan import Plan
from nolabel.training.progress import Bar, JsonLines, Lines, Listener, TensorBoard, watched
from nolabel.training.runtime import find_device
from nolabel.types import DataSpec
from nolabel.views.recipes import Unsaved

if TYPE_CHECKING:
    from nolabel.methods._base import Estimator

NOTHING: Mapping[str, Any] = MappingProxyType({})
FORMAT = 2  # 1 had no digest of model.json itself
PROOF = ("metrics.jsonl", "model/model.json", "checkpoint/step-*.safetensors")  # one of them makes a folder a run's
OURS = (  # all that a run leaves; nothing else is ever removed
    *PROOF,
    "model/model.safetensors",
    "model/next.safetensors",
    "model/.*.part",
    "checkpoint/.*.part",
    "checkpoint/step-*.damaged",
    "snapshots/step-*.safetensors",
    "snapshots/.*.part",
    "tensorboard/events.out.tfevents.*",
    "command.json",
    "embeddings.parquet",
    "evidence.json",
    "report.html",
)


# --- run folders -----------------------------------------------------------------------------------------------------


def is_writer() -> bool:
    """Whether this process writes files: the only one, or the first of several."""
    return int(os.environ.get("RANK", "0")) == 0


def check(out: str | Path | None, *, resume: bool, overwrite: bool) -> None:
    """Refuse a run folder that cannot be used, changing nothing.

    Raises
    ------
    OutputError
        The folder holds something and neither `resume` nor `overwrite` was said, or holds no run, or is a file.
    ArgumentError
        `resume` has no folder, or is said together with `overwrite`.
    """
    if out is None:
        for name, said in (("resume", resume), ("overwrite", overwrite)):
            if said:
                raise ArgumentError(f"{name}=True needs out=FOLDER, the run that is meant")
        return
    folder = named_folder("out", out)
    if resume and overwrite:
        raise ArgumentError("resume and overwrite exclude each other: go on with the old run, or replace it")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; out must be a folder")
    if is_writer():
        lock.refuse_held(folder)
        if not resume:
            _refuse_occupied(folder, overwrite)


def named_folder(argument: str, path: str | Path) -> Path:
    """A path that names a folder: the empty text does not, though it could be taken for the current one.

    Raises
    ------
    ArgumentError
        It is empty, or no path.
    """
    if not isinstance(path, str | os.PathLike) or not str(path).strip():
        raise ArgumentError(f"{argument} must name a folder ('.' is the current one); got {path!r}")
    return Path(path)


def _refuse_occupied(folder: Path, overwrite: bool) -> None:
    try:
        names = sorted({entry.name for entry in folder.iterdir()} - {lock.NAME}) if folder.exists() else []
    except OSError as error:
        raise OutputError(f"cannot look into the folder {folder}: {error.strerror or error}") from error
    if names and not overwrite:
        raise OutputError(
            f"{folder} exists and is not empty. Choose another folder, or say overwrite to replace the run in it, "
            "or resume to go on with it"
        )
    if names and not any(any(folder.glob(pattern)) for pattern in PROOF):
        raise OutputError(f"{folder} holds no run of nolabel ({', '.join(names[:5])}); it is not replaced")


@contextmanager
def prepared(out: str | Path | None, *, resume: bool, overwrite: bool) -> Iterator[Path | None]:
    """The run folder, ours alone for the block; made if need be, and cleared of an earlier run unless that is gone on
    with. One that is left empty is taken away again.

    Raises
    ------
    OutputError
        It cannot be made or cleared, or another run is in it.
    """
    if out is None:
        yield None
        return
    folder = Path(out)
    if not is_writer():
        yield folder
        return
    with lock.held(folder):
        if not resume:
            _refuse_occupied(folder, overwrite)  # another run may have come and gone since we looked
            _clear(folder)
        yield folder


def _clear(folder: Path) -> None:
    try:
        for pattern in OURS:
            for file in folder.glob(pattern):
                file.unlink()
    except OSError as error:
        raise OutputError(f"cannot clear the folder {folder}: {error.strerror or error}") from error


def listeners(folder: Path | None, *, progress: bool, tensorboard: bool) -> list[Listener]:
    """Who is told how training goes."""
    found: list[Listener] = []
    if not is_writer():
        return found
    if folder is not None:
        found.append(JsonLines(folder / "metrics.jsonl"))
    if tensorboard:
        if folder is None:
            raise ArgumentError("tensorboard=True needs out=FOLDER to write to")
        found.append(TensorBoard(folder / "tensorboard"))
    if progress:
        found.append(Bar() if watched() else Lines())
    return found


def saved_seed(out: str | Path | None) -> int | None:
    """The seed of the run in `out`, if it has left a checkpoint."""
    facts = {} if out is None else newest_facts(Path(out) / "checkpoint")
    seed = facts.get("identity", {}).get("seed")
    return seed if isinstance(seed, int) else None


def fingerprint(data: Dataset, labels: torch.Tensor | None = None) -> str:
    """A short digest of the data: spec, number of samples, the values of up to 256 of them, and the labels in use."""
    index = torch.linspace(0, len(data) - 1, min(256, len(data))).long()
    stored, _ = data.rows(index)
    digest = hashlib.sha256(data.spec.to_json().encode())
    digest.update(str(len(data)).encode())
    for part in plain_parts(stored):
        digest.update(np.ascontiguousarray(part.numpy()).tobytes())
    if labels is not None:
        digest.update(labels.numpy().tobytes())
    return digest.hexdigest()[:16]


# --- arguments as JSON -----------------------------------------------------------------------------------------------


def arguments(model: "Estimator") -> dict[str, Any]:
    """The constructor's arguments as JSON can hold them."""
    kept = model.kept() if isinstance(model, Supervised) else {}
    given = model.get_params(deep=False)
    return {name: _saved(name, kept.get(name, value)) for name, value in given.items()}


def _saved(name: str, value: Any) -> Any:
    plain = _plain(value)
    return None if name in LATER and is_named(plain) else plain  # what reads the data says itself that it misses it


def description(model: "Estimator") -> dict[str, Any]:
    """What a fitted model is, weights apart: enough to make its like again, wherever it was kept."""
    return {
        "method": type(model).__name__,
        "arguments": arguments(model),
        "seed": model.seed_,
        "spec": json.loads(model.spec_.to_json()),
        "n_features": model.n_features_in_,
        "feature_names": _names(model, "feature_names_in_"),
        "classes": _names(model, "classes_"),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Plan):
        return value.stated()
    if is_dataclass(value) and type(value).__module__.startswith("nolabel.") and not isinstance(value, type | Unsaved):
        return _plain(asdict(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.random.RandomState):
        return None  # the seed drawn from it is saved beside
    return named(value)


# --- saved models ----------------------------------------------------------------------------------------------------


def refuse_no_model(folder: Path) -> None:
    """Refuse to write a model among other things; a model that is there already may be replaced.

    Raises
    ------
    OutputError
        The folder is a file, or holds something and no model.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder for the model")
    if (folder / "model.json").is_file() or not folder.exists():
        return
    names = sorted(path.name for path in folder.iterdir())
    if names:
        raise OutputError(
            f"{folder} holds something that is no model ({', '.join(names[:5])}); name a folder of its own"
        )


def save(model: "Estimator", folder: Path) -> Path:
    """Write the model; see the head of this file.

    One that is there is replaced at the moment in which model.json is: until then, whatever ends the process, it is
    whole, and from then on the new one is, whose weights are found under either name.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in model.learner_.state_dict().items()}
    content = safetensors.torch.save(weights)
    facts = {
        "format": FORMAT,
        **description(model),
        "history": model.history_,
        "health": [asdict(verdict) for verdict in model.health_],
        "versions": versions(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    _finish(folder)
    replaces = (folder / "model.json").exists()
    write_whole(folder / ("next.safetensors" if replaces else "model.safetensors"), content)
    write_whole(folder / "model.json", json.dumps(sealed(facts), indent=1).encode())
    _finish(folder)
    for cut_short in folder.glob(".*.part"):  # by a kill
        if cut_short.name.startswith((".model.", ".next.")):
            cut_short.unlink(missing_ok=True)
    return folder


def _finish(folder: Path) -> None:
    """Give the weights of a new model their name; drop those of one that never came to be."""
    following = folder / "next.safetensors"
    content = _content(following)
    if content is None:
        return
    with suppress(OSError):  # they are found under this name, too
        if hashlib.sha256(content).hexdigest() == _digest_of_weights(folder):
            following.replace(folder / "model.safetensors")
        else:
            following.unlink()


def _digest_of_weights(folder: Path) -> object:
    try:
        return json.loads((folder / "model.json").read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None  # there is no model that could be read


def sealed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with their digest, by which a change since they were written is noticed. It proves no origin."""
    return {**facts, "digest": _digest(facts)}


def _digest(facts: Mapping[str, Any]) -> str:
    content = {name: value for name, value in facts.items() if name != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _names(model: "Estimator", attribute: str) -> list[Any] | None:
    value = getattr(model, attribute, None)
    return None if value is None else value.tolist()


def versions() -> dict[str, str]:
    """What made a model."""
    return {
        "nolabel": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def load(path: str | Path, **given: Any) -> "Estimator":
    """A model that `save` wrote.

    Loading executes no code from the folder: the method is looked up by name in this package, arguments are JSON,
    weights are safetensors.

    Parameters
    ----------
    path : path
        The model's folder, or the run folder around it.
    **given
        Arguments of the model that are objects, for no file can hold those: a network of your own as
        `backbone=MyNet()`, whose weights are then those that were saved, or views of your own. Without `views` a model
        can do all but train.

    Raises
    ------
    SavedModelError
        The folder holds no model, or one that is damaged, foreign, or written by a newer nolabel; or the model was made
        with an object that is not given.
    ArgumentError
        What is given is none of the model's objects, or does not suit it.
    """
    folder = named_folder("path", path)
    if (folder / "model" / "model.json").is_file():
        folder = folder / "model"
    facts = _facts(folder)
    try:
        return _revive(facts, folder, given)
    except SavedModelError:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        if given and isinstance(error, ArgumentError):
            raise  # what came is at fault, not what was saved
        raise SavedModelError(f"{folder / 'model.json'} is damaged: {type(error).__name__}: {error}") from error


def _facts(folder: Path) -> dict[str, Any]:
    file = folder / "model.json"
    if not file.is_file():
        raise SavedModelError(f"{folder} holds no model of nolabel (there is no {file.name} in it)")
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        version = int(facts["format"])
        made_by = facts["versions"]["nolabel"]
    except OSError as error:
        raise SavedModelError(f"cannot read {file}: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise SavedModelError(f"{file} is damaged: {type(error).__name__}: {error}") from error
    if version > FORMAT:
        raise SavedModelError(
            f"{folder} was written by nolabel {made_by} in format {version}; this is nolabel {__version__}, which "
            f"reads formats up to {FORMAT}. Upgrade with: pip install -U nolabel"
        )
    if version > 1 and facts.get("digest") != _digest(facts):
        raise SavedModelError(
            f"{file} is damaged: it was changed after it was saved (its contents do not match its digest). "
            "Copy the folder anew, or fit again"
        )
    return facts  # type: ignore[no-any-return]


def described(facts: Mapping[str, Any], file: Path, given: Mapping[str, Any] = NOTHING) -> "Estimator":
    """The estimator of a `description`, found in `file`: it has no learner yet, which `build` makes.

    `given` are those of its arguments that JSON cannot hold.

    Raises
    ------
    SavedModelError
        It has arguments that the method does not know, or one is missing.
    """
    cls = find_method(str(facts["method"]))
    arguments = completed(facts["arguments"], given, file.parent)
    unknown = sorted(set(arguments) - set(cls._get_param_names()))
    if unknown:
        raise SavedModelError(f"{file} gives {cls.__name__} arguments it has not: {', '.join(unknown)}")
    model = cls(**arguments)
    model.spec_ = DataSpec.from_json(json.dumps(facts["spec"]))
    model.seed_ = int(facts["seed"])
    model.n_features_in_ = int(facts["n_features"])
    if facts["feature_names"] is not None:
        model.feature_names_in_ = np.asarray(facts["feature_names"], dtype=object)
    if facts["classes"] is not None:
        model.classes_ = np.asarray(facts["classes"])
    return model


def _revive(facts: Mapping[str, Any], folder: Path, given: Mapping[str, Any]) -> "Estimator":
    model = described(facts, folder / "model.json", given)
    model.history_ = list(facts["history"])
    model.health_ = [Verdict(**verdict) for verdict in facts["health"]]
    model._stream = None
    weights = _weights(folder, str(facts["sha256"]))
    _refuse_other_shapes(model, weights, folder, given)
    model.learner_ = model._new_learner(model.seed_)
    model.learner_.load_state_dict(weights)
    model.learner_.eval()
    model._n_features_out = model._code_width()
    model.learner_.to(_device_here(model))
    return model


def _refuse_other_shapes(
    model: "Estimator", weights: Mapping[str, torch.Tensor], folder: Path, given: Mapping[str, Any]
) -> None:
    """Compare the learner that the arguments ask for with the weights *before* memory is taken for it."""
    with torch.device("meta"):
        asked = {name: tuple(tensor.shape) for name, tensor in model.build(model.spec_).state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if asked != found and given:
        different = sorted(name for name in asked.keys() | found.keys() if asked.get(name) != found.get(name))
        raise ArgumentError(
            f"{', '.join(given)} must be made as for the model in {folder}; it has other weights than those that were "
            f"saved: {', '.join(different[:3])}{', ...' if len(different) > 3 else ''}"
        )
    if asked != found:
        raise SavedModelError(f"{folder} is damaged: its arguments ask for other weights than those that were saved")


def _device_here(model: "Estimator") -> torch.device:
    """The device that the model's plan asks for, or the CPU where that one is not."""
    try:
        return find_device(model._whole_plan().device)
    except ArgumentError:
        return torch.device("cpu")


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _weights(folder: Path, digest: str) -> dict[str, torch.Tensor]:
    file = folder / "model.safetensors"
    content = _content(folder / "next.safetensors")  # of a model that was being replaced when its process was killed
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise SavedModelError(f"cannot read {file}: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise SavedModelError(f"{file} is damaged: its contents are not those that were saved. Copy the folder anew")
    try:
        weights: dict[str, torch.Tensor] = safetensors.torch.load(content)
        return weights
    except SafetensorError as error:
        raise SavedModelError(f"{file} is damaged: {error}") from error
