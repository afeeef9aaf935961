"""How many cores this process may use: what it is granted, not what the machine has."""

import math
import os
from pathlib import Path

CGROUPS, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
THREADS = "OMP_NUM_THREADS"  # how users, schedulers and Ray say how many cores a process shall take


def usable_cores() -> int:
    """Cores by affinity, at most the quota of a container, at most OMP_NUM_THREADS; one at least."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get(THREADS, "").split(",")[0]  # a list is for nested levels
    if wanted.isdecimal() and int(wanted):
        n_cores = min(n_cores, int(wanted))
    return max(1, math.ceil(min(n_cores, granted_cores(CGROUPS, OWN_CGROUP))))


def granted_cores(cgroups: Path, own: Path) -> float:
    """Cores that the cgroups above this process grant it, infinite where none limits it or there are none.

    Args:
        cgroups: Where the cgroups are mounted.
        own: The file that says which is this process's.
    """
    granted = [math.inf]
    place = next((line[4:] for line in _read(own).splitlines() if line.startswith("0::/")), "")
    folder = cgroups / place
    for each in (folder, *folder.parents):
        granted += _share(_read(each / "cpu.max").split())
    granted += _share([_read(cgroups / f"cpu/cpu.cfs_{part}_us").strip() for part in ("quota", "period")])  # version 1
    return min(granted)


def _share(quota: list[str]) -> list[float]:
    """Microseconds of processor a period, by the period; nothing of `max` and of -1, which are no limit."""
    known = len(quota) == 2 and all(part.isdecimal() for part in quota)
    return [int(quota[0]) / int(quota[1])] if known else []


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError:
        return ""
