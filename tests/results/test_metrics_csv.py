"""metrics.csv: one line a value, every bit of it kept, and cut back to where a killed run goes on."""

from __future__ import annotations

import csv
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from frostline.results.metrics_csv import HEADER, append_metrics, cut_after

CUTTER = """
import sys
from pathlib import Path
from frostline.results import metrics_csv
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    metrics_csv.cut_after(path, 10**9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.csv"


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_value_is_a_line(path: Path) -> None:
    append_metrics(path, 10, 0, {"train/loss": 0.5, "val/f1/so, so": 1.0})
    append_metrics(path, 20, 1, {"train/loss": 0.25})
    assert rows(path) == [
        ["step", "epoch", "name", "value"],
        ["10", "0", "train/loss", "0.5"],
        ["10", "0", "val/f1/so, so", "1.0"],
        ["20", "1", "train/loss", "0.25"],
    ]


@pytest.mark.parametrize("value", [1 / 3, 0.1 + 0.2, 5e-324, 1e300, -0.0, float("inf")])
def test_every_bit_of_a_value_is_kept(path: Path, value: float) -> None:
    append_metrics(path, 1, 0, {"x": value})
    assert float(rows(path)[1][3]).hex() == value.hex()


def test_a_value_that_is_no_number_is_kept_too(path: Path) -> None:
    append_metrics(path, 1, 0, {"x": float("nan")})
    assert math.isnan(float(rows(path)[1][3]))


def test_what_was_written_after_a_step_is_cut(path: Path) -> None:
    for step in (10, 20, 30):
        append_metrics(path, step, step // 10, {"train/loss": 1 / step})
    before = rows(path)
    cut_after(path, 20)
    assert rows(path) == before[:3]
    append_metrics(path, 30, 3, {"train/loss": 1 / 30})
    assert rows(path) == before


def test_final_scores_are_cut_as_they_will_be_written_again(path: Path) -> None:
    append_metrics(path, 10, 0, {"val/loss": 0.5})
    append_metrics(path, 10, 0, {"test/loss": 0.4, "test_other/loss": 0.3})
    cut_after(path, 10)
    assert [row[2] for row in rows(path)[1:]] == ["val/loss"]


def test_a_new_start_cuts_everything(path: Path) -> None:
    append_metrics(path, 0, 0, {"x": 1.0})
    cut_after(path, -1)
    assert rows(path) == [HEADER]


def test_no_file_is_nothing_to_cut(path: Path) -> None:
    cut_after(path, 10)
    assert not path.exists()


def test_a_line_cut_short_anywhere_is_dropped(path: Path) -> None:
    """Half a number must not be taken for a number."""
    append_metrics(path, 10, 1, {"train/loss": 0.123456, "val/f1/雪": 0.654321})
    whole = path.read_bytes()
    last = whole.rstrip().rfind(b"\n") + 1
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        cut_after(path, 10)
        assert path.read_bytes() == whole[:last], whole[last:end]


def test_a_header_cut_short_is_written_again(path: Path) -> None:
    for text in ("", "st", "step,epoch,name,value"):
        path.write_text(text)
        cut_after(path, 10)
        assert rows(path) == [HEADER]


def test_a_process_killed_while_it_cuts_loses_no_line(path: Path) -> None:
    for step in range(5000):
        append_metrics(path, step, 0, {"train/loss": 1 / (step + 1)})
    whole = path.read_bytes()
    for delay in (0.0, 0.01, 0.02, 0.03, 0.05):
        with subprocess.Popen([sys.executable, "-c", CUTTER, str(path)], stdout=subprocess.PIPE) as cutter:
            assert cutter.stdout is not None and cutter.stdout.readline() == b"ready\n"
            time.sleep(delay)
            cutter.send_signal(signal.SIGKILL)
        assert path.read_bytes() == whole
