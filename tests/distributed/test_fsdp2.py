"""Parameters shared out among two ranks (FSDP2): the run of one process, its record whole, and killed without harm.

Tests frostline.training.fsdp.
"""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from test_ranks import DATA, check_record, distance

from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from killable_runs import differences_after_kills, epoch
from runs import place, strategy

frostline = in_process
RUN = ["logger=csv", "trainer.accelerator=cpu", *DATA]  # both splits that are scored have batches for one rank alone
STRATEGIES = {name: strategy(name) for name in ("full", "frozen", "top_k", "gradual", "lp_ft")}
STRATEGIES |= {"lora": ["adapter=lora", "freezing=lp_ft", "freezing.probe_epochs=2"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_shards_learn_what_one_process_learns(frostline: Command, plain: list[str], name: str) -> None:
    """Weights of all that learns, whole and by the same names; scores; each phase's end."""
    words = [*RUN, *plain, *STRATEGIES[name], "trainer.max_epochs=5", "optimizer=sgd", "head.dropout=0"]
    assert frostline(*words, "hydra.run.dir=one").status == 0
    said = frostline(*words, "trainer=fsdp2", "trainer.accelerator=cpu", "hydra.run.dir=two")
    assert said.status == 0, said.err
    one, two = place("one"), place("two")
    assert distance(one, two) < 1e-5
    ours, theirs = read_json(two.result), read_json(one.result)
    assert ours["metrics"] == pytest.approx(theirs["metrics"], abs=1e-5)
    assert ours["parameters"] == theirs["parameters"]
    told = [{key: phase[key] for key in ("name", "epochs", "steps")} for phase in ours["phases"]]
    assert told == [{key: phase[key] for key in ("name", "epochs", "steps")} for phase in theirs["phases"]]
    check_record(two)


@pytest.mark.slow
@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_what_is_frozen_stays_to_the_bit_and_what_is_frozen_again_too(frostline: Command, adapter: str) -> None:
    """AdamW, whose momentum and decay would move what a phase lets rest."""
    phases = "[{name: a, epochs: 1, rules: [['*', 1.0]]}, {name: b, rules: [['head.*', 1.0], ['*', null]]}]"
    words = [*RUN, "freezing=rules", f"freezing.phases={phases}", "trainer=fsdp2", "trainer.accelerator=cpu"]
    words += ["trainer.monitor=null", "scheduler=constant", f"adapter={adapter}"]
    assert frostline(*words, "trainer.max_epochs=2", "hydra.run.dir=two").status == 0
    assert frostline(*words, "trainer.max_epochs=3", "hydra.run.dir=three").status == 0
    kept, later = (load_file(place(run).best) for run in ("two", "three"))
    assert {key for key in kept if not torch.equal(kept[key], later[key])} == {"head.out.weight", "head.out.bias"}


@pytest.mark.slow
def test_a_killed_run_of_shards_ends_with_the_same_weights() -> None:
    words = ["logger=csv", "trainer=fsdp2", "trainer.accelerator=cpu", "trainer.checkpoint_seconds=0"]
    words += ["trainer.max_epochs=3", *strategy("lp_ft"), "dataset.max_train=96", "dataset.max_val=24"]
    words += ["dataset.max_test=24", "dataset.batch_size=16"]
    assert differences_after_kills(words, epoch(1, of=3), epoch(2, of=3)) == []
