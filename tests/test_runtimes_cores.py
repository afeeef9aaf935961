import math
from pathlib import Path

import pytest

from segmenter.runtimes.cores import granted_cores, usable_cores


@pytest.fixture
def cgroups(tmp_path: Path) -> Path:
    """A folder of cgroups, and the file that says that this process is in /work/job."""
    (tmp_path / "own").write_text("0::/work/job\n", "utf-8")
    (tmp_path / "root" / "work" / "job").mkdir(parents=True)
    return tmp_path


def granted(cgroups: Path, limits: dict[str, str]) -> float:
    """What the files of these limits grant."""
    for name, text in limits.items():
        file = cgroups / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return granted_cores(cgroups / "root", cgroups / "own")


@pytest.mark.parametrize(
    ("limits", "expected"),
    # microseconds of processor a period, by the period
    [
        ({"work/job/cpu.max": "150000 100000\n"}, 1.5),
        ({"work/cpu.max": "200000 100000\n", "work/job/cpu.max": "max 100000\n"}, 2.0),
        ({"cpu.max": "50000 100000\n", "work/job/cpu.max": "300000 100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({}, math.inf),
    ],
)
def test_the_tightest_cgroup_above_a_process_grants_its_cores(
    cgroups: Path, limits: dict[str, str], expected: float
) -> None:
    assert granted(cgroups, limits) == expected


def test_nothing_is_limited_where_there_are_no_cgroups(tmp_path: Path) -> None:
    assert granted_cores(tmp_path / "none", tmp_path / "own") == math.inf


@pytest.mark.parametrize("threads", ["1", "1,2"])
def test_a_process_takes_no_more_cores_than_it_was_told(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert usable_cores() == 1


@pytest.mark.parametrize("threads", ["", "0", "many", "1000000"])
def test_what_says_nothing_of_cores_takes_none_away(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    every = usable_cores()
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert usable_cores() == every >= 1
