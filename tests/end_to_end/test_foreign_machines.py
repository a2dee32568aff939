"""Commands on machines whose environment is not what a developer has: real processes of the installed command."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from command_line import Command, in_process
from frostline.data.downloads.package_cache import cache_folder

run_here = in_process
LIGHT = ["logger=csv", "debug=fast", "trainer=cpu", "freezing=frozen"]


def frostline(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "frostline"), *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environ, timeout=300, check=False)


def curve(study: str) -> pd.DataFrame:
    [file] = Path("runs", study).glob("*/metrics.csv")
    return pd.read_csv(file).query("name != 'time/epoch_seconds'")


def scores(table: str) -> list[list[str]]:
    """Return the first four columns of a table; the others depend on the speed and on the cache."""
    return [line.split()[:4] for line in table.splitlines()[:-2]]


STRAY = {"RANK": "1", "LOCAL_RANK": "2", "WORLD_SIZE": "4", "SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train"}


def test_variables_of_other_programs_change_nothing(run_here: Command) -> None:
    alone = run_here(*LIGHT, "study=alone")
    assert alone.status == 0, alone.err
    stray = frostline(*LIGHT, "study=stray", **STRAY, SLURM_NTASKS="4", SLURM_PROCID="3")
    assert stray.returncode == 0, stray.stderr
    assert scores(stray.stdout) == scores(alone.out)
    pd.testing.assert_frame_equal(curve("stray"), curve("alone"))
    assert "RANK=1, LOCAL_RANK=2, SLURM_PROCID=3: ignored" in stray.stderr
    wrong = frostline("head.droput=0.1", **STRAY)
    assert wrong.returncode == 2
    assert "head.droput: no such key" in wrong.stderr


@pytest.fixture
def shadowing_folder() -> None:
    """Put a file with the name of each module of the standard library into the working folder."""
    for name in filter(find_spec, sys.stdlib_module_names):  # some are not there on this system
        Path(f"{name}.py").write_text(f"raise ImportError('{name}.py of the working folder')\n")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["trainer=ddp", "trainer.devices=2"], marks=pytest.mark.slow),
        pytest.param(["-m", "hydra/launcher=joblib", "seed=1,2"], marks=pytest.mark.slow),
        pytest.param(["-m", "hydra/launcher=submitit_local", "seed=1,2"], marks=pytest.mark.slow),
    ],
    ids=["ddp", "joblib", "submitit_local"],
)
def test_files_of_the_working_folder_replace_no_module_of_python(shadowing_folder: None, words: list[str]) -> None:
    done = frostline(*LIGHT, *words)
    assert done.returncode == 0, done.stderr
    assert "of the working folder" not in done.stderr
    assert len(list(Path("runs").glob("*/*/result.json"))) == (2 if "-m" in words else 1)


def test_an_encoding_without_the_characters_of_a_table_gets_others() -> None:
    """The plan shows · for a frozen block."""
    tables = [frostline("plan", "freezing=lp_ft", PYTHONIOENCODING=encoding) for encoding in ("utf-8", "ascii")]
    assert [done.returncode for done in tables] == [0, 0]
    assert "·" in tables[0].stdout
    assert tables[1].stdout == tables[0].stdout.replace("·", ".")


NO_PASSWD = """
import pwd
def missing(user): raise KeyError("getpwuid(): uid not found")
pwd.getpwuid = missing
from frostline.cli import main
main()
"""


@pytest.mark.parametrize("home", [None, pytest.param("/proc/missing", marks=pytest.mark.slow)])
def test_a_user_without_a_home_is_told_which_variable_to_set(home: str | None) -> None:
    """Some containers run as a user that the system does not know, and with a home folder that is read-only."""
    variables = ("HOME", "FROSTLINE_CACHE", "XDG_CACHE_HOME", "USER", "LOGNAME")
    environ = {k: v for k, v in os.environ.items() if k not in variables} | ({"HOME": home} if home else {})
    command = [sys.executable, "-P", "-c", NO_PASSWD, *LIGHT]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=300, check=False)
    assert done.returncode == 2
    [_, problem] = done.stderr.splitlines()
    assert problem.startswith("  FROSTLINE_CACHE: ") and "set this environment variable to a folder" in problem
    assert not Path("runs").exists()
    done = subprocess.run(
        command, capture_output=True, text=True, env=environ | {"FROSTLINE_CACHE": str(cache_folder())}
    )
    assert done.returncode == 0, done.stderr
