"""Two files from outside the repository: a part of the user's own is listed and checked like ours."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from command_line import Command, in_process

frostline = in_process
HEAD = """
from torch import nn
class Mine(nn.Module):
    '''Imported by nobody before the run.'''
    def __init__(self, width: int, classes: int, depth: int = 2) -> None: ...
"""


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """mylab/heads.py and conf/head/mine.yaml, in another folder than the one worked in."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "mylab"]:
        monkeypatch.delitem(sys.modules, name)  # modules of other tests
    folder = tmp_path_factory.mktemp("lab")
    (folder / "mylab").mkdir()
    (folder / "mylab" / "heads.py").write_text(HEAD)
    (folder / "conf" / "head").mkdir(parents=True)
    (folder / "conf" / "head" / "mine.yaml").write_text("# My own head\n_target_: mylab.heads.Mine\ndepth: 3\n")
    (folder / "conf" / "head" / "_base.yaml").write_text("depth: 3\n")
    return folder


def test_a_part_of_one_s_own_is_listed(frostline: Command, lab: Path) -> None:
    said = frostline("list", "head", "--config-dir", str(lab / "conf"))
    assert said.out.splitlines()[0] == "head"
    names = [line.split()[0] for line in said.out.splitlines()[1:]]
    assert names == sorted(names) and {"linear", "mine", "mlp"} <= set(names)
    assert re.search(r"  mine +My own head\n", said.out)


def test_a_part_of_one_s_own_is_checked(frostline: Command, lab: Path) -> None:
    own = ["--config-dir", str(lab / "conf"), "head=mine"]
    assert frostline("check", *own).status == 0
    assert "head.depth: 'deep' is not an integer; " in frostline("check", *own, "head.depth=deep").err
    assert "head.dept: no such key; did you mean head.depth?" in frostline("check", *own, "head.dept=3").err
    assert "head.width: is set from the encoder; remove it" in frostline("check", *own, "+head.width=3").err
    assert "mylab" not in sys.modules


def test_a_knob_that_its_yaml_leaves_out_is_told_how_to_be_set(frostline: Command, lab: Path) -> None:
    (lab / "conf" / "head" / "mine.yaml").write_text("_target_: mylab.heads.Mine\n")
    own = ["--config-dir", str(lab / "conf"), "head=mine"]
    assert "write +head.depth=3, or add it to the yaml" in frostline("check", *own, "head.depth=3").err
    assert frostline("check", *own, "+head.depth=3").status == 0


def test_a_part_below_the_working_folder_needs_no_flag(
    frostline: Command, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lab)
    assert frostline("check", "head._target_=mylab.heads.Mine", "~head.dropout").status == 0


def test_the_arms_of_one_s_own_studies_are_listed(frostline: Command, tmp_path: Path) -> None:
    assert "lab/arm" not in frostline("list").out
    arm = tmp_path / "experiments" / "lab" / "arm.yaml"
    arm.parent.mkdir(parents=True)
    arm.write_text("# @package _global_\n# Which question it answers\nseed: 4\n")
    assert re.search(r"^  lab/arm +Which question it answers$", frostline("list", "experiment").out, re.MULTILINE)
    assert frostline("check", "experiment=lab/arm").status == 0
