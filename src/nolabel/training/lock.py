"""One run at a time in a folder: a lock that the system gives back however the process ends.

The lock is on RUN/.lock (`flock`), and in it stands who holds it, to be told to whoever comes second. What a killed
process leaves is a file that nobody holds. A file system that knows no locks is used without; one that does not pass
them between machines guards each machine alone. It knows nothing of what a run is.
"""

import contextlib
import errno
import importlib
import importlib.util
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from nolabel.errors import OutputError

fcntl: Any = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None  # Windows has none

NAME = ".lock"
_MOMENT = 0.05  # seconds; whoever only looks holds the lock for less
_TRIES = 20  # at making a folder that others take away as often as we make it
_held: ContextVar[frozenset[tuple[Path, int]]] = ContextVar("_held", default=frozenset())  # folders, and their threads


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder` for the block; it is made if need be, and taken away again if it is left empty.

    Who holds it already may hold it again.

    Raises
    ------
    OutputError
        Somebody else holds it, or it cannot be made.
    """
    place = folder.resolve()
    ours = (place, threading.get_ident())  # a thread may be started with our context, and is somebody else
    if ours in _held.get():
        yield
        return
    made = [path for path in (place, *place.parents) if not path.exists()]
    try:
        descriptor = _made_and_taken(place)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    token = _held.set(_held.get() | {ours})
    try:
        yield
    finally:
        _held.reset(token)
        with contextlib.suppress(OSError):
            if _is_there(descriptor, place / NAME):
                (place / NAME).unlink()
        os.close(descriptor)
        with contextlib.suppress(OSError):
            for path in made:
                path.rmdir()


def refuse_held(folder: Path) -> None:
    """Raise OutputError if somebody else holds `folder`; changes nothing."""
    if (folder.resolve(), threading.get_ident()) in _held.get():
        return
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return
    try:
        _lock(descriptor, folder, shared=True)
    finally:
        os.close(descriptor)


def _made_and_taken(folder: Path) -> int:
    """The same as `_taken`, of a folder made if need be; another run may take it away before we are in it."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            folder.mkdir(parents=True, exist_ok=True)
            return _taken(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return _taken(folder)


def _taken(folder: Path) -> int:
    """The descriptor of the lock file, locked; that of a file which was removed meanwhile would guard nothing."""
    while True:
        descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock_soon(descriptor, folder)
            if _is_there(descriptor, folder / NAME):
                _sign(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock_soon(descriptor: int, folder: Path) -> None:
    try:
        _lock(descriptor, folder)
    except OutputError:
        time.sleep(_MOMENT)
        _lock(descriptor, folder)


def _lock(descriptor: int, folder: Path, *, shared: bool = False) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            return  # no locks here
        raise OutputError(
            f"{folder} is in use by another run ({_who(descriptor)}). Wait for it or stop it, or choose another folder"
        ) from None


def _is_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    signed = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(signed).encode(), 0)


def _who(descriptor: int) -> str:
    try:
        signed = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {signed['pid']} on {signed['host']}, since {signed['since']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "it does not say which"
