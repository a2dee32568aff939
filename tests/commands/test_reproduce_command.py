"""frostline diff and frostline reproduce: a run done again from its record, and what differs and why."""

from __future__ import annotations

import json
import os
import platform
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
    said = frostline(*RUN, *words)
    assert said.status == 0, said.err
    return Path(said.out.splitlines()[-1].removeprefix("results: ")).absolute()


def verdicts(said: str) -> dict[str, str]:
    """Aspect -> verdict."""
    lines = [line.split() for line in said.splitlines() if line and not line.startswith((" ", "likely", "also"))]
    return {words[0]: words[1] for words in lines if len(words) == 2}


def test_a_run_is_done_again_to_the_bit(frostline: Command) -> None:
    record = one(frostline, "freezing=top_k", "dataset.shifts=[vader_nyt]")
    said = frostline("reproduce", str(record))
    assert said.status == 0, said.err
    assert said.out.splitlines()[-1] == f"{record.name}: equal to the bit"
    assert {verdicts(said.out)[name] for name in ("config", "plan", *RESULTS)} == {"equal"}
    again = Path("reproduced", record.name)
    assert read_json(again / "result.json")["id"] == read_json(record / "result.json")["id"]
    assert (again / "checkpoints/best.safetensors").read_bytes() == (
        record / "checkpoints/best.safetensors"
    ).read_bytes()
    assert frostline("reproduce", str(record)).status == 0
    assert Path("reproduced", f"{record.name}-2", "result.json").exists()  # what is complete is left as it is


def test_differences_are_told_with_their_reason(frostline: Command) -> None:
    first, second = one(frostline, "freezing=frozen"), one(frostline, "freezing=frozen", "seed=2")
    said = frostline("diff", str(first), str(second))
    assert said.status == 1
    found = verdicts(said.out)
    assert (found["config"], found["plan"]) == ("differs", "equal")
    assert {found[name] for name in RESULTS} == {"differs"}
    assert "  seed: 1 | 2" in said.out.splitlines()
    assert "likely reason: another config: seed (1 | 2)" in said.out.splitlines()
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
    said = frostline("reproduce", str(record))
    assert said.status == 2
    [problem] = [line for line in said.problems() if line.startswith("dataset: ")]
    assert problem.startswith("dataset: the texts are not those of the record (fingerprint ")
    assert not Path("reproduced").exists()
    Path("mine.csv").unlink()
    gone = frostline("reproduce", str(record))
    assert gone.status == 2 and "dataset.train: " in gone.err


def test_a_recorded_difference_is_named(frostline: Command) -> None:
    """As if the record were of another torch and of a machine with other numbers."""
    record = one(frostline, "freezing=frozen")
    told = read_json(record / "environment.json")
    write_json(record / "environment.json", told | {"packages": told["packages"] | {"torch": "2.0.0"}})
    result = read_json(record / "result.json")
    result["metrics"]["test/loss"] += 0.25
    write_json(record / "result.json", result)
    said = frostline("reproduce", str(record))
    assert said.status == 1
    assert verdicts(said.out)["metrics"] == "differs"
    assert f"likely reason: another version of torch (2.0.0 | {told['packages']['torch']})" in said.out
    assert said.out.splitlines()[-1] == f"{record.name}: different"


def test_the_recorded_threads_are_used(frostline: Command) -> None:
    """More of them than this machine has cores, too."""
    record = one(frostline, "freezing=frozen", "head=mlp")
    told = read_json(record / "environment.json")
    threads = (os.cpu_count() or 1) + 1
    write_json(record / "environment.json", told | {"threads": threads})
    assert frostline("reproduce", str(record)).status == 0
    assert read_json(Path("reproduced", record.name, "environment.json"))["threads"] == threads


@pytest.mark.slow
def test_another_number_of_threads_is_named_and_its_record_repeated(frostline: Command) -> None:
    """Sums are taken in another order by two; seen on x86_64: chances up to 6e-08 apart."""
    runs = []
    for threads in ("1", "2"):
        words = [*RUN, "freezing=full", f"hydra.run.dir=runs/{threads}"]
        environ = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-m", "frostline", *words], env=environ, check=True, capture_output=True)
        runs.append(f"runs/{threads}")
    said = frostline("diff", *runs)
    assert verdicts(said.out)["weights"] == "near"
    assert said.out.splitlines()[-1] == "likely reason: threads (1 | 2)"
    for run in runs:
        assert frostline("reproduce", run).out.splitlines()[-1] == f"{Path(run).name}: equal to the bit"


def test_recorded_versions_that_cannot_be_had_are_told(
    frostline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    folder = folders.run(Path("runs"), "full", environment={"python": platform.python_version()})
    told = read_json(folder / "environment.json")
    write_json(folder / "environment.json", told | {"packages": {"torch": "2.0.0+none", "frostline": "0.1"}})
    said = frostline("reproduce", str(folder), "--environment", "recorded")
    assert said.status == 1
    told = "--environment: the recorded versions cannot be had: "
    [line] = [line for line in said.err.splitlines() if line.startswith(told)]
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
    said = frostline(*words)
    assert said.status == 2
    assert any(line.startswith(problem) for line in said.problems()), said.err
    assert "Traceback" not in said.err


def test_half_a_record_is_told(frostline: Command, tmp_path: Path) -> None:
    for name, text in (("whole", "{}"), ("half", '{"id": ')):
        Path(name).mkdir()
        for file in ("config.yaml", "environment.json", "result.json"):
            Path(name, file).write_text("{}")
        Path(name, "result.json").write_text(text)
    said = frostline("diff", "half", "whole")
    assert said.status == 2
    assert any(line.startswith("half/result.json: cannot be read") for line in said.problems())
    Path("whole/environment.json").unlink()
    assert "whole: lacks environment.json; give a whole run folder" in frostline("reproduce", "whole").err
    assert json.loads(Path("whole/result.json").read_text()) == {}
