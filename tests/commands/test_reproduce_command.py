"""frostline diff and frostline reproduce: repeat a run, and explain differences.

Tests frostline.commands.diff, frostline.commands.reproduce, frostline.results.compare.runs.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import report_folders as folders
from command_line import Command, in_process
from frostline.data.datasets.vader import Vader
from frostline.results.atomic_files import read_json, write_json

frostline = in_process
SMALL = [f"dataset.{size}" for size in ("max_train=96", "max_val=48", "max_test=64", "max_length=16")]
RUN = [*SMALL, "trainer.max_epochs=2", "logger=csv"]
RESULTS = ("metrics", "curves", "predictions", "weights")


def one(frostline: Command, *words: str) -> Path:
    output = frostline(*RUN, *words)
    assert output.status == 0, output.err
    return Path(output.out.splitlines()[-1].removeprefix("results: ")).absolute()


def verdicts(output: str) -> dict[str, str]:
    """Aspect -> verdict."""
    lines = [line.split() for line in output.splitlines() if line and not line.startswith((" ", "likely", "also"))]
    return {words[0]: words[1] for words in lines if len(words) == 2}


def test_a_run_is_done_again_to_the_bit(frostline: Command) -> None:
    record = one(frostline, "freezing=top_k", "dataset.shifts=[vader_nyt]")
    before = Path(shutil.copytree(record, Path("reproduced", record.name)))  # as if it had been reproduced earlier
    files = {file: file.read_bytes() for file in before.rglob("*") if file.is_file()}
    output = frostline("reproduce", str(record))
    assert output.status == 0, output.err
    assert output.out.splitlines()[-1] == f"{record.name}: equal to the bit"
    assert {verdicts(output.out)[name] for name in ("config", "plan", *RESULTS)} == {"equal"}
    again = Path("reproduced", f"{record.name}-2")
    assert read_json(again / "result.json")["id"] == read_json(record / "result.json")["id"]
    assert (again / "checkpoints/best.safetensors").read_bytes() == (
        record / "checkpoints/best.safetensors"
    ).read_bytes()
    assert {file: file.read_bytes() for file in before.rglob("*") if file.is_file()} == files, "complete runs are kept"


def test_differences_are_printed_with_their_reason(frostline: Command) -> None:
    first, second = one(frostline, "freezing=frozen"), one(frostline, "freezing=frozen", "seed=2")
    output = frostline("diff", str(first), str(second))
    assert output.status == 1
    aspects = verdicts(output.out)
    assert (aspects["config"], aspects["plan"]) == ("differs", "equal")
    assert {aspects[name] for name in RESULTS} == {"differs"}
    assert "  seed: 1 | 2" in output.out.splitlines()
    assert "likely reason: another config: seed (1 | 2)" in output.out.splitlines()
    other = frostline("diff", str(first), str(one(frostline, "freezing=full"))).out.splitlines()
    assert "  optimizer.lr: 0.003 | 0.0001" in other
    assert not [line for line in other if "recommended" in line]  # from which the rate comes
    same = frostline("diff", str(first), str(first))
    assert (same.status, set(verdicts(same.out).values())) == (0, {"equal"})


def mine(count: int) -> None:
    raw = Vader("movies").load().train
    pd.DataFrame({"text": raw.texts[:count], "label": raw.labels[:count]}).to_csv("mine.csv", index=False)


def test_other_texts_are_refused(frostline: Command) -> None:
    mine(200)
    record = one(frostline, "freezing=frozen", "dataset=table", "dataset.train=mine.csv")
    mine(201)
    output = frostline("reproduce", str(record))
    assert output.status == 2
    [problem] = [line for line in output.problems() if line.startswith("dataset: ")]
    assert problem.startswith("dataset: the texts are not those of the record (fingerprint ")
    assert not Path("reproduced").exists()
    Path("mine.csv").unlink()
    output = frostline("reproduce", str(record))
    assert output.status == 2 and "dataset.train: " in output.err


@pytest.mark.slow
def test_a_recorded_difference_is_named(frostline: Command) -> None:
    """As if the record were of another torch and of a machine with other numbers."""
    record = one(frostline, "freezing=frozen")
    environment = read_json(record / "environment.json")
    write_json(record / "environment.json", environment | {"packages": environment["packages"] | {"torch": "2.0.0"}})
    result = read_json(record / "result.json")
    result["metrics"]["test/loss"] += 0.25
    write_json(record / "result.json", result)
    output = frostline("reproduce", str(record))
    assert output.status == 1
    assert verdicts(output.out)["metrics"] == "differs"
    assert f"likely reason: another version of torch (2.0.0 | {environment['packages']['torch']})" in output.out
    assert output.out.splitlines()[-1] == f"{record.name}: different"


@pytest.mark.slow
def test_the_recorded_threads_are_used(frostline: Command) -> None:
    """More of them than this machine has cores, too."""
    record = one(frostline, "freezing=frozen", "head=mlp")
    environment = read_json(record / "environment.json")
    threads = (os.cpu_count() or 1) + 1
    write_json(record / "environment.json", environment | {"threads": threads})
    assert frostline("reproduce", str(record)).status == 0
    assert read_json(Path("reproduced", record.name, "environment.json"))["threads"] == threads


@pytest.mark.slow
def test_another_number_of_threads_is_named_and_its_record_repeated(frostline: Command) -> None:
    """Two threads sum in another order; seen on x86_64: probabilities up to 6e-08 apart."""
    runs = []
    for threads in ("1", "2"):
        words = [*RUN, "freezing=full", f"hydra.run.dir=runs/{threads}"]
        environ = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-m", "frostline", *words], env=environ, check=True, capture_output=True)
        runs.append(f"runs/{threads}")
    output = frostline("diff", *runs)
    assert verdicts(output.out)["weights"] == "near"
    assert output.out.splitlines()[-1] == "likely reason: threads (1 | 2)"
    for run in runs:
        assert frostline("reproduce", run).out.splitlines()[-1] == f"{Path(run).name}: equal to the bit"


def test_recorded_versions_that_cannot_be_installed_are_reported(
    frostline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    folder = folders.run(Path("runs"), "full", environment={"python": platform.python_version()})
    environment = read_json(folder / "environment.json")
    write_json(folder / "environment.json", environment | {"packages": {"torch": "2.0.0+none", "frostline": "0.1"}})
    output = frostline("reproduce", str(folder), "--environment", "recorded")
    assert output.status == 1
    begin = "--environment: the recorded versions cannot be installed: "
    [line] = [line for line in output.err.splitlines() if line.startswith(begin)]
    assert "torch==2.0.0+none" in line and "PIP_EXTRA_INDEX_URL" in line
    assert not Path("reproduced").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["diff", "a"], "diff: takes two runs, not 1; give their folders"),
        (["diff", "a", "b"], "a: is no folder; give that of a run"),
        (
            ["diff", ".", "."],
            ".: holds no complete run: it has no result.json; give the folder of one that is complete",
        ),
        (["diff"], "diff: names no folder; give frostline diff PATH"),
        (["diff", "a", "b", "--tolerence=1"], "--tolerence=1: no such option of diff; did you mean --tolerance?"),
        (["reproduce"], "reproduce: names no folder; give frostline reproduce PATH"),
        (["reproduce", ".", "--environment", "old"], "--environment: no environment is called old"),
        (["diff", ".", ".", "--tolerance", "much"], "--tolerance: 'much' is no distance; give a number of at least 0"),
        (["diff", ".", ".", "--tolerance"], "--tolerance: has no value; give --tolerance NUMBER"),
    ],
)
def test_bad_input(frostline: Command, words: list[str], problem: str) -> None:
    output = frostline(*words)
    assert output.status == 2
    assert any(line.startswith(problem) for line in output.problems()), output.err
    assert "Traceback" not in output.err


def test_an_incomplete_record_is_reported(frostline: Command, tmp_path: Path) -> None:
    for name, text in (("whole", "{}"), ("half", '{"id": ')):
        Path(name).mkdir()
        for file in ("config.yaml", "environment.json", "result.json"):
            Path(name, file).write_text("{}")
        Path(name, "result.json").write_text(text)
    output = frostline("diff", "half", "whole")
    assert output.status == 2
    assert any(line.startswith("half/result.json: cannot be read") for line in output.problems())
    Path("whole/environment.json").unlink()
    assert "whole: lacks environment.json; give a complete run folder" in frostline("reproduce", "whole").err
    assert json.loads(Path("whole/result.json").read_text()) == {}
