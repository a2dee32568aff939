"""Runs with adapters are kept, killed, resumed, shared by ranks and computed again as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.training.build import Built, build
from killable_runs import differences_after_kills, epoch, forks
from parts import choices
from prepared_run import trained_run
from runs import place, reached

frostline = in_process
ADAPTERS = [name for name in choices("adapter") if name != "none"]
FEW = ["dataset.max_train=96", "dataset.max_val=24", "dataset.max_test=24", "dataset.batch_size=16"]


def show(folder: Path, file: Path, threads: int) -> None:
    """What another process does: writes the test logits of a run's best weights, made from its folder alone."""
    torch.set_num_threads(threads)  # sums are cut by threads: equal to the bit only where both have as many
    built = build(yaml.safe_load((folder / "config.yaml").read_text()))
    built.classifier.checkpoint_state.restore(load_file(folder / "checkpoints" / "best.safetensors"))
    torch.save(logits(built), file)


def logits(built: Built) -> Tensor:
    ids, mask = built.tokens["test"].padded(np.arange(8))
    with torch.no_grad():
        found: Tensor = built.classifier.eval()({"input_ids": ids, "attention_mask": mask})
    return found


@pytest.mark.parametrize(
    "name", [n if n in ("lora", "prompt") else pytest.param(n, marks=pytest.mark.slow) for n in ADAPTERS]
)
def test_a_new_process_that_reads_the_kept_weights_gives_equal_logits(job: Any, name: str) -> None:
    """Adapter and head, both."""
    words = ["trainer.max_epochs=2", "trainer.monitor=null", "optimizer.lr=0.01", "trainer=cpu"]
    found = job(f"adapter={name}", *words, *FEW)
    fit = trained_run(found)
    RunFolder(found.folder).config.write_text(yaml.safe_dump(found.config))
    about_it = (found.folder.absolute(), Path("logits.pt").absolute(), torch.get_num_threads())
    other = forks().Process(target=show, args=about_it)
    other.start()
    other.join()
    assert torch.equal(torch.load("logits.pt", weights_only=True), logits(fit.built))


ADAPTED = ["logger=csv", "trainer.checkpoint_seconds=0", "trainer.max_epochs=3"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_killed_run_with_an_adapter_ends_with_the_same_weights(name: str) -> None:
    """In the probe, in the epoch after it, and to the bit: the dropout of adapters and hosts too."""
    inside = ["adapter.dropout=0.1"] if name in ("lora", "dora") else []
    words = [*ADAPTED, f"adapter={name}", *inside, "freezing=lp_ft", "freezing.probe_epochs=1", *FEW]
    assert differences_after_kills(words, lambda one: reached(place("killed")) >= 2, epoch(2, of=3)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ADAPTERS)
def test_two_ranks_with_an_adapter_are_equal_to_the_bit(frostline: Command, name: str) -> None:
    """Each rank's digest is held against the other's after every phase: a difference ends the run."""
    words = ["logger=csv", "trainer=ddp", "trainer.accelerator=cpu", f"adapter={name}", "freezing=gradual", *FEW]
    said = frostline(*words, "trainer.max_epochs=4", "trainer.devices=2")
    assert said.status == 0, said.err
    [result] = Path("runs/default").glob("*/result.json")
    assert read_json(RunFolder(result.parent).environment)["ranks"] == 2
    phases = [phase["weights"] for phase in read_json(result)["phases"]]
    assert len(set(phases)) == len(phases) >= 2, "every phase has learned something"
