"""A real Slurm does a sweep as this machine does it by itself, over its nodes too, and takes up a job that it ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from frostline.results.atomic_files import read_json
from killable_runs import attempt, complete, soon
from launcher_sweeps import TINY, assert_same_results, results
from runs import differences
from slurm_cluster import SECONDS, cluster, lacking

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SLURM = ["hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=10", "logger=csv"]


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    """Its commands work; as the nodes' names are known to no resolver, ranks are told where the first one is."""
    if (why := lacking()) is not None:
        pytest.skip(f"a Slurm of one's own {why}")
    resource_tracker.ensure_running()  # else it would know the cluster too, and end with it
    with cluster() as environ, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", environ["SLURM_CONF"])
        patch.setenv("MASTER_ADDR", "127.0.0.1")
        patch.delenv("OMP_NUM_THREADS", raising=False)
        yield


def command(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=True).stdout.strip()


def messages() -> str:
    return "\n".join(file.read_text() for file in Path("runs").glob("*/.sweeps/*/.submitit/*/*.err"))


def test_a_sweep(slurm: None) -> None:
    words = ["-m", *TINY, "freezing=frozen,full", "seed=1,2"]
    said = complete(*words, *SLURM)
    assert "Traceback" not in messages()
    found = results()
    places = [read_json(file) for file in Path("runs").glob("*/*/environment.json")]
    assert [place["threads"] for place in places] == [1] * 4
    complete(*words, "logger=csv", "paths.runs=basic")
    assert_same_results(found, results(Path("basic")))
    assert [line.split()[:2] for line in said.splitlines() if line.startswith(("frozen ", "full "))] == [
        [freezing, seed] for freezing in ("frozen", "full") for seed in ("1", "2")
    ]


def test_a_run_over_two_nodes_is_that_of_one_process(slurm: None, plain: list[str]) -> None:
    words = ["-m", *TINY, *plain, "freezing=full", "optimizer=sgd"]
    two = ["trainer=ddp", "trainer.accelerator=cpu", "hydra.launcher.nodes=2"]
    complete(*words, *SLURM, *two)
    [ran] = [file.parent for file in Path("runs").glob("*/*/result.json")]
    assert read_json(ran / "environment.json")["ranks"] == 2
    assert "Traceback" not in messages()
    complete(*words, "logger=csv", "paths.runs=basic")
    [(_, one)], [(_, other)] = results().items(), results(Path("basic")).items()
    assert one == pytest.approx(other, abs=1e-6)


def test_a_job_that_is_cancelled_and_requeued_goes_on_in_its_folder(slurm: None) -> None:
    words = ["-m", *TINY, "freezing=full", "trainer.max_epochs=8", "trainer.checkpoint_seconds=0"]
    with attempt(*words, *SLURM) as one:
        one.until(lambda: "epoch 2 of 8" in messages())
        job = command("squeue", "--noheader", "--format=%A")
        command("scancel", job)
        assert soon(lambda: "CG" not in command("squeue", "--noheader", "--format=%t"))
        assert not list(Path("runs").glob("*/*/result.json"))
        command("scontrol", "requeue", job)
        assert one.wait() == 0, one.said + messages()
    assert "going on from step" in messages()
    complete(*words, "logger=csv", "paths.runs=whole")
    [killed], [whole] = (list(Path(root).glob("*/*/result.json")) for root in ("runs", "whole"))
    assert differences(str(killed.parent), str(whole.parent)) == []


def test_a_changed_byte_of_the_texts_is_a_new_run(slurm: None) -> None:
    table = Path("my.csv")
    table.write_text("text,label\n" + "".join(f"film number {n:02},{'pn'[n % 2]}\n" for n in range(40)))
    words = ["-m", "encoder=bert_tiny", "dataset=table", "dataset.train=my.csv", "freezing=frozen"]
    words += ["trainer.max_epochs=1", "trainer=cpu", *SLURM]
    complete(*words)
    first = {file: file.read_bytes() for file in Path("runs").glob("*/*/result.json")}
    before, text = table.stat(), table.read_text()
    table.write_text(text.replace("film number 07", "film number 77"))
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "'my.csv' has changed since" in complete(*words)
    second = {file: file.read_bytes() for file in Path("runs").glob("*/*/result.json")}
    assert (len(first), len(second)) == (1, 2) and first.items() < second.items()
    table.touch()
    complete(*words)
    assert {file: file.read_bytes() for file in Path("runs").glob("*/*/result.json")} == second
    assert "Traceback" not in messages()
