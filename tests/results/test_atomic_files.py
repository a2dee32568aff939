"""Files are whole or absent, whenever the writer is killed."""

from __future__ import annotations

import json
import math
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from frostline.results.atomic_files import PART, atomic_write, read_json, write_json, write_text

WRITER = """
import sys
from pathlib import Path
from frostline.results.atomic_files import write_json
path, size = Path(sys.argv[1]), 300_000
for turn in range(10**9):
    write_json(path, {"turn": turn, "body": str(turn % 10) * size, "end": turn})
    if turn == 0:
        print("ready", flush=True)
"""


def test_a_value_comes_back_as_it_went(tmp_path: Path) -> None:
    value = {"text": "naïve 雪 \\n \n", "list": [1, 2.5, None, True], "tiny": 1e-308, "third": 1 / 3, "none": {}}
    write_json(tmp_path / "file.json", value)
    assert read_json(tmp_path / "file.json") == value


def test_a_loss_that_is_no_number_can_be_stored(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"loss": float("nan")})
    assert math.isnan(read_json(tmp_path / "file.json")["loss"])


def test_a_file_is_readable_by_people(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"name": "雪"})
    assert (tmp_path / "file.json").read_text(encoding="utf-8") == '{\n  "name": "雪"\n}\n'


def test_nothing_is_left_beside_a_file(tmp_path: Path) -> None:
    for turn in range(3):
        write_text(tmp_path / "file", str(turn))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_value_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"old": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "file.json", {"new": object()})
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "file.json", "half \ud800 of it")
    assert read_json(tmp_path / "file.json") == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    """Eight times, each at another moment of its writing."""
    path, chance = tmp_path / "file.json", random.Random(1)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
            time.sleep(chance.random() * 0.05)
            writer.send_signal(signal.SIGKILL)
        found = json.loads(path.read_text())
        assert found["end"] == found["turn"]
        assert found["body"] == str(found["turn"] % 10) * 300_000


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        turns = list[int]()
        while len(turns) < 50 or turns[-1] == turns[0]:  # on a busy machine the writer may not have had a turn by then
            found = read_json(path)
            assert found["turn"] == found["end"]
            turns.append(found["turn"])
        writer.kill()
    assert turns == sorted(turns)


def test_a_large_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    for turn in ("first", "second"):
        with atomic_write(path) as part:
            part.write_text(turn)
            assert path.exists() == (turn == "second")
        assert [file.name for file in tmp_path.iterdir()] == ["weights"]
        assert path.read_text() == turn


def test_what_is_cut_short_leaves_the_old_file_and_a_part_that_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert (tmp_path / f"weights{PART}").read_text() == "half"
    with atomic_write(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_a_large_file_is_open_to_those_that_other_files_are_open_to(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with atomic_write(tmp_path / "weights") as part:
        part.unlink()
        part.touch(mode=0o600)  # as safetensors does
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "other").stat().st_mode
