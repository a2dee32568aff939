"""A sweep of many jobs in one process keeps neither memory nor files nor threads of those that have ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from frostline.results import sweep_log
from killable_runs import attempt

SMALL = ["freezing=frozen", "logger=csv", "trainer.max_epochs=1", "dataset.max_train=32", "dataset.max_val=16"]
MORE = ["dataset.max_test=16", "dataset.batch_size=16"]
SWEEPS = {
    "basic": ["seed=range({0})"],
    "fused": ["hydra/launcher=fused", "hydra.sweeper.max_batch_size=100", "seed=range({0})"],
}
COUNTS = [
    pytest.param("basic", 200, marks=[pytest.mark.exhaustive, pytest.mark.timeout(3600)]),
    pytest.param("fused", 2000, marks=[pytest.mark.exhaustive, pytest.mark.timeout(3600)]),
]


@dataclass(frozen=True)
class Held:
    """By a process when so many jobs had ended: bytes that are resident, open files, threads."""

    jobs: int
    resident: int
    files: int
    threads: int


def held(pid: int, jobs: int) -> Held:
    place = Path("/proc") / str(pid)
    pages = int((place / "statm").read_text().split()[1])
    return Held(jobs, pages * 4096, len(list((place / "fd").iterdir())), len(list((place / "task").iterdir())))


def ended() -> int:
    return sum(len(sweep_log.finished_rows(sweep)) for sweep in Path("runs/default/.sweeps").glob("*"))


@pytest.mark.parametrize(("launcher", "count"), COUNTS)
def test_nothing_grows_over_the_second_half(
    launcher: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found: list[Held] = []
    with attempt("-m", *SMALL, *MORE, *(word.format(count) for word in SWEEPS[launcher])) as one:
        while one.status is None:
            now = ended()
            if now > (found[-1].jobs if found else 0):
                found += [look] if (look := held(one.process.pid, now)).resident else []  # 0: it is on its way out
            time.sleep(0.2)
        assert one.status == 0, one.said
    half = next(h for h in found if h.jobs >= count / 2)
    last = found[-1]
    print(f"{launcher}, {count} jobs: {half} to {last}")
    assert half.jobs + count / 4 < last.jobs
    assert last.resident < 1.03 * half.resident
    before = [look for look in found if look.jobs <= half.jobs]  # what is open for a moment, as at any time
    assert last.files <= max(look.files for look in before)
    assert last.threads <= max(look.threads for look in before)
