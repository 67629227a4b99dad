"""Checkpoints: everything needed to go on exactly, written whole or not at all.

A checkpoint is one safetensors file with JSON in its header; nothing is pickled. It is written under a temporary name,
flushed to the disk, and renamed; the last two are kept. A kill in the middle of writing leaves a temporary file that is
ignored and later removed, and the older checkpoint stands. It knows nothing of what the tensors mean.
"""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that `path` is either as it was or holds all of `content`, even if the power fails.

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
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OutputError(
                f"the disk is full: {path} needs {len(content):,} bytes. What was there before is intact; "
                "free some space and go on with resume"
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
    header = {"format": str(FORMAT), "facts": json.dumps(checkpoint.facts)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    path = folder / f"step-{step:010d}.safetensors"
    write_whole(path, safetensors.torch.save(tensors, header))
    for old in [*_newest_first(folder)[KEPT:], *folder.glob(".*.part")]:
        old.unlink(missing_ok=True)
    return path


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[Problem]]:
    """The newest checkpoint that can be read, or None; and the newer ones that could not, with why."""
    problems: list[Problem] = []
    for path in _newest_first(folder):
        try:
            return read(path), problems
        except SavedModelError as error:
            problems.append(Problem(str(path), str(error)))
    return None, problems


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
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        version = int(header["format"])
        facts = json.loads(header["facts"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise SavedModelError(f"{path} is damaged or no checkpoint of nolabel: {error}") from error
    if version > FORMAT:
        raise SavedModelError(f"{path} has format {version}; this nolabel reads up to {FORMAT}. Upgrade nolabel")
    return Checkpoint(tensors, facts)
