"""Checkpoints: everything needed to go on exactly, written whole or not at all.

A checkpoint is one safetensors file with JSON and a digest of everything in its header; nothing is pickled. It is
written under a temporary name, flushed to the disk, and renamed; the last two are kept. A kill in the middle of writing
leaves a temporary file that is ignored and later removed, and the older checkpoint stands. It knows nothing of what the
tensors mean.
"""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nolabel.errors import OutputError, Problem, SavedModelError

FORMAT = 1
KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and everything else as JSON."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def write_whole(path: Path, content: bytes, then: str = "try again") -> None:
    """Write a file so that `path` is either as it was or holds all of `content`, even if the power fails.

    `then` is what can be done once a full disk has space again.

    Raises
    ------
    OutputError
        The disk is full, or the file cannot be written; what was at `path` is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OutputError(
                f"the disk is full: {path} needs {len(content):,} bytes. What was there before is intact; "
                f"free some space and {then}"
            ) from error
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save(folder: Path, checkpoint: Checkpoint, step: int) -> Path:
    """Write the checkpoint of step `step` into `folder` and drop all but the newest two. Returns its path."""
    facts = json.dumps(checkpoint.facts)
    tensors = _separate(checkpoint.tensors)
    header = {"format": str(FORMAT), "facts": facts, "sha256": _digest(tensors, facts)}
    path = folder / f"step-{step:010d}.safetensors"
    older = bool(_newest_first(folder))
    then = "go on with resume" if older else "start again with overwrite: there was no checkpoint yet"
    write_whole(path, safetensors.torch.save(tensors, header), then)
    for old in [*_newest_first(folder)[KEPT:], *folder.glob(".*.part")]:
        old.unlink(missing_ok=True)
    return path


def _separate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, none sharing memory with another, as safetensors wants them: tied weights are copied."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        memory = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return found


def _digest(tensors: Mapping[str, Tensor], facts: str) -> str:
    digest = hashlib.sha256(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def refuse_another(folder: Path) -> None:
    """Refuse a folder that holds the checkpoints of another run, which a new one would mix with its own.

    Raises
    ------
    OutputError
        It holds one.
    """
    if _newest_first(folder):
        raise OutputError(f"{folder} holds checkpoints of another run: resume that one, or give a folder of its own")


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[Problem]]:
    """The newest checkpoint that can be read, or None; and the newer ones that are damaged, with why.

    Raises
    ------
    SavedModelError
        The newest is of a newer format: it is whole, and not to be passed over.
    """
    problems: list[Problem] = []
    for path in _newest_first(folder):
        try:
            return read(path), problems
        except _DamagedError as error:
            problems.append(Problem(str(path), str(error)))
    return None, problems


def newest_facts(folder: Path) -> Mapping[str, Any]:
    """The facts of the newest checkpoint whose header can be read, without its tensors; {} when there is none."""
    for path in _newest_first(folder):
        with contextlib.suppress(SafetensorError, OSError, KeyError, ValueError, RecursionError):
            with safe_open(path, framework="pt") as file:
                facts = json.loads((file.metadata() or {})["facts"])
            if isinstance(facts, dict):
                return facts
    return {}


def set_aside(problems: Sequence[Problem]) -> None:
    """Give damaged checkpoints another name, so that they neither count as one of those kept nor are met again.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """
    for problem in problems:
        path = Path(problem.where)
        try:
            path.replace(path.with_name(f"{path.name}.damaged"))
        except OSError as error:
            raise OutputError(f"cannot set the damaged {path} aside: {error.strerror or error}") from error


class _DamagedError(SavedModelError):
    """The file is not what was written."""


def read(path: Path) -> Checkpoint:
    """One checkpoint file.

    Raises
    ------
    SavedModelError
        It is damaged, or of a newer format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            version = int(header["format"])
            if version > FORMAT:
                raise SavedModelError(
                    f"{path} has format {version}; this nolabel reads up to {FORMAT}. Upgrade nolabel"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        if _digest(tensors, header["facts"]) != header["sha256"]:
            raise ValueError("its contents are not those that were written")
        return Checkpoint(tensors, json.loads(header["facts"]))
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        raise _DamagedError(f"{path} is damaged or no checkpoint of nolabel: {error}") from error
