"""A run belongs to the content that it has read: after an edit the same command is another run, beside the old one."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from command_line import Command, in_process

frostline = in_process
TABLE = ["dataset=table", "dataset.train=my.csv"]
RUN = [*TABLE, "freezing=frozen", "debug=fast", "logger=csv", "trainer=cpu"]
POOLER = """
from frostline.models.poolers.mean import Mean
class Scaled(Mean):
    def forward(self, states, mask):
        return SCALE * super().forward(states, mask)
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "my.csv"
    rows = [f"{'good' if i % 2 else 'bad'} film number {i:02},{'pos' if i % 2 else 'neg'}" for i in range(60)]
    file.write_text("text,label\n" + "\n".join(rows) + "\n")
    return file


def edit(file: Path, old: str = "film number 07", new: str = "book number 07") -> None:
    """Change a text in place; the size and the time of the last modification stay."""
    before, text = file.stat(), file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def folders(study: str = "runs/default") -> dict[str, bytes]:
    """Return the complete runs of a study with the bytes of their results."""
    return {file.parent.name: file.read_bytes() for file in sorted(Path(study).glob("*/result.json"))}


def test_an_edited_csv_is_a_new_run_and_a_touched_one_is_not(frostline: Command, table: Path) -> None:
    frostline(*RUN)
    first, text = folders(), table.read_text()
    os.utime(table, ns=(1, 1))
    assert "complete since an earlier run" in frostline(*RUN).err
    edit(table)
    told = r"dataset\.train: 'my\.csv' has changed since [\d: -]{16} \(runs/default/.*\): a new run"
    assert re.search(told, frostline("check", *RUN).out)
    said = frostline(*RUN)
    assert re.search(told, said.err) and "complete since" not in said.err
    second = folders()
    assert len(first) == 1 and len(second) == 2 and first.items() < second.items()
    said = frostline(*RUN)
    assert "complete since an earlier run" in said.err and "has changed since" not in said.err
    table.write_text(text)
    assert f"complete since an earlier run: {Path('runs/default', *first).absolute()}" in frostline(*RUN).err
    assert folders() == second
    page = frostline("report", "runs", "--rows", "freezing")
    assert "inputs.dataset.train differs between runs of one cell" in page.out + page.err


def test_an_unfinished_run_of_the_old_content_is_left_as_it_is(frostline: Command, table: Path) -> None:
    frostline(*RUN)
    (old,) = Path("runs/default").glob("frozen*")
    (old / "result.json").unlink()
    before = {file: file.read_bytes() for file in old.rglob("*") if file.is_file()}
    edit(table)
    assert frostline(*RUN).status == 0
    assert {file: file.read_bytes() for file in old.rglob("*") if file.is_file()} == before
    assert len(folders()) == 1


def test_a_folder_that_was_named_is_not_taken_for_other_content(frostline: Command, table: Path) -> None:
    frostline(*RUN, "hydra.run.dir=mine")
    edit(table)
    said = frostline(*RUN, "hydra.run.dir=mine")
    assert said.status == 2
    (problem,) = said.problems()
    assert re.match(
        r"hydra\.run\.dir: 'my\.csv' has changed since the run in '.*/mine'; choose another folder", problem
    )


@pytest.mark.parametrize(
    "launcher",
    [
        "basic",
        "fused",
        pytest.param("joblib", marks=pytest.mark.slow),
        pytest.param("submitit_local", marks=pytest.mark.slow),
        pytest.param("ray", marks=pytest.mark.slow),
    ],
)
def test_a_sweep_is_done_again_on_the_new_content(frostline: Command, table: Path, launcher: str) -> None:
    sweep = ["-m", *RUN, "seed=1,2", f"hydra/launcher={launcher}"]
    assert frostline(*sweep).status == 0
    first = folders()
    edit(table)
    said = frostline(*sweep)
    assert (said.status, said.err.count("complete since")) == (0, 0)
    assert re.search(r"'my\.csv' has changed since .*: 2 new runs", said.err)
    assert (len(first), len(folders())) == (2, 4) and first.items() < folders().items()
    results = {file: file.read_bytes() for file in Path("runs").glob("*/*/result.json")}
    assert frostline(*sweep).status == 0
    assert results == {file: file.read_bytes() for file in Path("runs").glob("*/*/result.json")}, (
        "nothing is done again"
    )
    assert frostline("status").status == 0


def test_a_search_over_new_content_is_a_new_search(frostline: Command, table: Path) -> None:
    search = ["-m", *RUN, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "optimizer.lr=interval(0.001,0.1)"]
    assert frostline(*search).status == 0
    first = folders()
    edit(table)
    assert frostline(*search).status == 0
    assert (len(first), len(folders())) == (2, 4) and first.items() < folders().items()
    frostline(*search)
    assert len(folders()) == 4


def test_cached_states_of_an_own_pooler_are_not_used_after_its_edit(frostline: Command, table: Path) -> None:
    Path("mylab").mkdir()
    file = Path("mylab/poolers.py")
    run = [*RUN, "pooler._target_=mylab.poolers.Scaled", "cache.mode=on"]
    entries: list[set[Path]] = []
    for scale in ("1.0", "0.0"):
        sys.modules.pop("mylab.poolers", None)
        file.write_text(POOLER.replace("SCALE", scale))
        assert frostline(*run).status == 0
        assert frostline(*run, "seed=2").status == 0
        entries.append(set(Path("store").glob("*/manifest.json")))
    assert entries[0] < entries[1] and len(entries[1]) == 2 * len(entries[0])
    scores = [json.loads(content)["metrics"]["test/loss"] for content in folders().values()]
    assert len(scores) == 4 and len(set(scores)) > 2


def test_cached_states_of_an_encoder_folder_are_not_used_after_its_edit(
    frostline: Command, table: Path, plain: list[str]
) -> None:
    from safetensors.torch import load_file, save_file

    run = [*RUN, *plain, "cache.mode=on"]
    assert frostline(*run).status == 0
    assert frostline(*run, "seed=2").status == 0
    before, entries = folders(), set(Path("store").glob("*/manifest.json"))
    file = Path("plain/model.safetensors")
    weights = load_file(file)
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    weights[name] = weights[name].roll(1, dims=0)
    save_file(weights, file, {"format": "pt"})
    said = frostline(*run)
    assert said.status == 0 and "encoder.name: 'plain' has changed since" in said.err
    (new,) = folders().keys() - before.keys()
    assert len(before) == 2 and new not in before
    assert entries and len(set(Path("store").glob("*/manifest.json"))) == 2 * len(entries)
