"""What a number was measured on."""

import os
import platform
import subprocess
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from harness.places import ROOT

BUSY = 0.5  # load of the machine, a core, above which timings are not to be trusted


def facts(threads: int) -> dict[str, object]:
    """The machine, the threads a contender may use, and the versions that matter."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": _version("torch"),
        "numpy": _version("numpy"),
        "commit": _commit(),
    }


def sentence(found: dict[str, object]) -> str:
    """The facts in a line or two, with a warning when something else is running."""
    text = (
        f"{found['cpu']}, {found['cores']} cores, {found['threads']} threads a contender, {found['memory_gb']} GB, "
        f"{found['system']}, Python {found['python']}, torch {found['torch']}, load {found['load_before']} before"
    )
    if float(str(found["load_before"])) > BUSY * int(str(found["cores"])):
        text += "\nThe machine is busy with something else: do not trust these timings."
    return text


def _cpu() -> str:
    """Name, and family and model, for virtual machines hide the name."""
    fields: dict[str, str] = {}
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    if "model name" not in fields:
        return platform.processor() or platform.machine()
    widest = next((flag for flag in ("avx512f", "avx2", "avx") if flag in fields.get("flags", "").split()), "no AVX")
    return f"{fields['model name']} (family {fields.get('cpu family')}, model {fields.get('model')}, {widest})"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """The checked-out commit, with a mark when the source differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+changes" if git("status", "--porcelain", "src") else "")
    except OSError:
        return "unknown"
