"""A virtual environment for each peer, made from its list in `peers/` when it is first needed."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from harness.places import BENCHMARKS, ENVIRONMENTS


def python_of(peer: str) -> Path:
    """The interpreter of the environment for `peers/PEER.txt`; made, or made anew when the list has changed."""
    wanted = BENCHMARKS / "peers" / f"{peer}.txt"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    place = ENVIRONMENTS / peer
    stamp = place / "made-from"
    if not (stamp.is_file() and stamp.read_text() == digest):
        print(f"making {place} from {wanted.name}; this downloads packages the first time ...", flush=True)
        _make(place, wanted)
        stamp.write_text(digest)
    return place / "bin" / "python"


def _make(place: Path, wanted: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    install = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(wanted)]
    subprocess.run([str(place / "bin" / "python"), *install], check=True)
