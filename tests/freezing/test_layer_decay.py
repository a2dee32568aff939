"""freezing.layer_decay: any strategy at layer-wise rates."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Command, in_process
from frostline.config import jobs as command
from frostline.freezing.plan import Plan
from frostline.models.build import build_model
from parts import plan_of

frostline = in_process


def plan(*words: str) -> Plan:
    [job] = command.jobs_of_command(list(words))
    return plan_of(job.config, build_model(job.config, classes=["a", "b", "c"], weights=False)[0])


def test_a_decay_of_one_changes_nothing() -> None:
    assert plan("freezing=gradual", "freezing.layer_decay=1") == plan("freezing=gradual")


def test_it_is_what_discriminative_does_to_full() -> None:
    decayed = plan("freezing=full", f"freezing.layer_decay={1 / 2.6}", "trainer.max_epochs=3").phases[0].multipliers
    named = plan("freezing=discriminative", "trainer.max_epochs=3").phases[0].multipliers
    assert decayed == {name: pytest.approx(rate) for name, rate in named.items()}


def test_what_learns_and_the_frost_line_stay_as_they_are() -> None:
    with_it, without = plan("freezing=chain_thaw", "freezing.layer_decay=0.5"), plan("freezing=chain_thaw")
    assert [phase.frost_line for phase in with_it.phases] == [phase.frost_line for phase in without.phases]
    assert [with_it.trainable(phase) for phase in with_it.phases] == [without.trainable(p) for p in without.phases]


def test_a_strategy_of_one_s_own_has_it_too(frostline: Command, tmp_path: Path) -> None:
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "ends.py").write_text(
        "from frostline.freezing.plan import Phase\n"
        "def ends(blocks):\n"
        "    rules = (('head.*', 1.0), ('encoder.embeddings.*', 1.0), ('*', None))\n"
        "    return (Phase('ends', rules),)\n"
    )
    group = tmp_path / "conf" / "freezing"
    group.mkdir(parents=True)
    (group / "ends.yaml").write_text("# The two ends learn\n_target_: mylab.ends.ends\n")
    said = frostline("plan", "--config-dir", "conf", "freezing=ends", "freezing.layer_decay=0.5")
    assert said.out.splitlines()[1].split()[:6] == ["ends", "1-3", "0.125", "·", "·", "1"]
