"""frostline init: a new project is known to `frostline` in its folder, its experiment runs, and its tests pass.

Tests frostline.commands.init, frostline.config.project.template, frostline.config.project.pyproject.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import frostline as fl
from command_line import Command, in_process
from frostline.config.arguments import parse_arguments

frostline = in_process


def test_a_new_project_is_listed_checked_run_and_tested(
    frostline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = frostline("init", "my-lab")
    assert done.status == 0 and "frostline experiment=first" in done.out
    project = tmp_path / "my-lab"
    assert [entry.name for entry in tmp_path.iterdir() if "my" in entry.name] == ["my-lab"]
    monkeypatch.chdir(project)
    listed = frostline("list", "head", "dataset", "experiment")
    assert "scaled  " in listed.out and "Reviews that are good or bad" in listed.out and "  first  " in listed.out
    checked = frostline("check", "experiment=first")
    assert checked.status == 0 and checked.out.startswith("ok: 1 job\n  runs/first/frozen-bert_tiny-scaled-reviews-s1-")
    assert frostline("plan", "experiment=first").status == 0
    ran = frostline("experiment=first", "trainer.max_epochs=1")
    assert ran.status == 0, ran.err
    assert fl.run("experiment=first trainer.max_epochs=1").how == "already complete"
    paths = [str(Path(fl.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    tested = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert tested.returncode == 0 and "2 passed" in tested.stdout, tested.stdout + tested.stderr


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("here", "'here' exists"),
        ("file.txt", "is no name of a project"),
        ("1st", "is no name of a project"),
        ("json", "is the name of another Python module"),
        ("Torch", "is the name of another Python module"),
        ("nowhere/lab", "'nowhere' is no folder"),
    ],
)
def test_a_wrong_name_leaves_nothing(frostline: Command, tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    done = frostline("init", name)
    assert done.status == 2 and what in done.err
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "here" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("words", [[], ["one", "two"]])
def test_it_takes_one_name(frostline: Command, words: list[str]) -> None:
    done = frostline("init", *words)
    assert done.status == 2 and "give frostline init NAME" in done.err


def test_a_folder_that_cannot_be_written_is_an_error(
    frostline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(Path, "write_text", full)
    done = frostline("init", "lab")
    assert done.status == 2 and "No space left on device" in done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_the_folder_of_a_project_is_read_in_its_own_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf" / "head").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "inner").mkdir()
    assert parse_arguments(["seed=1"]).config_dir is None, "a folder conf alone is not read"
    (tmp_path / "pyproject.toml").write_text('[tool.frostline]\nconfig-dir = "conf"\n')
    assert parse_arguments(["seed=1"]).argv == ["--config-dir", "conf", "seed=1"]
    assert parse_arguments(["--config-dir", "other"]).config_dir == "other"
    monkeypatch.chdir("inner")
    assert parse_arguments(["seed=1"]).config_dir is None, "nor is that of a parent folder"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[tool.frostline]\nconfig-dir = ".."', "config-dir: '..' is not a folder below"),
        ('[tool.frostline]\nconfig-dir = "/etc"', "'/etc' is not a folder below"),
        ('[tool.frostline]\nconfig-dir = "nowhere"', "'nowhere' is not a folder below"),
        ("[tool.frostline]\nconfig-dir = 3", "3 is not a folder below"),
        ('[tool.frostline]\nconfig_dir = "conf"', "no such key; did you mean config-dir?"),
        ("[tool.frostline\n", "cannot be read"),
        ("[tool]\nfrostline = 1\n#tool.frostline", "tool.frostline: is no table"),
    ],
)
def test_a_wrong_table_is_an_error(frostline: Command, tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    done = frostline("check", "seed=1")
    assert done.status == 2 and problem in done.err and "pyproject.toml: tool.frostline" in done.err


@pytest.mark.parametrize("text", ["[tool.ruff]\n", "[tool.ruff\n", '[tool.ruff]\nsrc = ["tool.frostline"]\n'])
def test_the_tables_of_other_tools_do_not_matter(frostline: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert frostline("list", "head").status == 0
