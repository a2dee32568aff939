"""Each fault among runs has a warning; others have none.

Tests frostline.report.warnings.budgets, frostline.report.warnings.failed, frostline.report.warnings.hidden_factors,
frostline.report.warnings.missing, frostline.report.warnings.provenance.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import report_folders as folders
from command_line import Command, in_process

frostline = in_process
STRATEGIES = ["bitfit", "frozen", "full", "lp_ft"]
SEEDS = [1, 2, 3, 4, 5]
DATASETS = ["vader_movies", "vader_nyt", "vader_tweets"]
Runs = dict[tuple[str, str, int], Path]


def sixty(root: Path) -> Runs:
    """Make runs of 4 strategies with 5 seeds on 3 data sets, without faults."""
    collected: Runs = {}
    for dataset in DATASETS:
        more: dict[str, Any] = {"choices": {"dataset": dataset}, "config": {"dataset.domain": dataset[6:]}}
        made = folders.grid(root, STRATEGIES, SEEDS, **more)
        collected |= {(freezing, dataset, seed): folder for (freezing, seed), folder in made.items()}
    return collected


def warnings(frostline: Command, *words: str) -> list[str]:
    result = frostline("report", "runs", "--rows", "freezing", "--cols", "dataset", "--format", "json", *words)
    assert result.status == 0, result.err
    collected: list[str] = json.loads(result.out)["warnings"]
    return collected


def test_runs_without_faults_have_no_warnings(frostline: Command) -> None:
    sixty(Path("runs"))
    assert warnings(frostline) == []
    assert warnings(frostline, "--per-seed", "--baseline", "freezing=frozen") == []
    assert warnings(frostline, "--where", "freezing=full,frozen", "--metric", "test/loss,cost/seconds") == []


def absent(runs: Runs) -> Path:
    shutil.rmtree(runs["full", "vader_nyt", 3])
    return Path("freezing=full, dataset=vader_nyt: seed 3")


def failed(runs: Runs) -> Path:
    return folders.failed(runs["full", "vader_nyt", 3])


def unfinished(runs: Runs) -> Path:
    (runs["full", "vader_nyt", 3] / "result.json").unlink()
    return runs["full", "vader_nyt", 3]


def pruned(runs: Runs) -> Path:
    folder = unfinished(runs)
    (folder / "pruned.json").write_text(
        json.dumps({"what": "val/f1_macro 0.1 after epoch 1", "trial": 1, "search": "a"})
    )
    return folder


def half_written(runs: Runs) -> Path:
    file = runs["full", "vader_nyt", 3] / "result.json"
    file.write_text(file.read_text()[:200])
    return file.parent


def foreign(runs: Runs) -> Path:
    runs["full", "vader_nyt", 3].joinpath("result.json").write_text('{"results": [1, 2]}')
    return runs["full", "vader_nyt", 3]


def changed(file: str, changes: dict[str, Any]) -> Callable[[Runs], Path]:
    def change(runs: Runs) -> Path:
        folders.edit(runs["full", "vader_nyt", 3] / file, changes)
        return runs["full", "vader_nyt", 3]

    return change


def doubled(runs: Runs) -> Path:
    old = runs["full", "vader_nyt", 3]
    again = Path(shutil.copytree(old, f"{old}-rerun1"))
    folders.edit(again / "result.json", {"metrics": {"test/f1_macro": 0.123}})
    return again


def reconfigured(key: str, value: Any) -> Callable[[Runs], Path]:
    """Replace a run of a cell by one with another config."""

    def change(runs: Runs) -> Path:
        shutil.rmtree(runs["full", "vader_nyt", 3])
        config = {"dataset.domain": "nyt", key: value}
        return folders.run(Path("runs"), "full", 3, 0.7, choices={"dataset": "vader_nyt"}, config=config)

    return change


def collapsed(runs: Runs) -> Path:
    shutil.rmtree(runs["full", "vader_nyt", 3])
    more: dict[str, Any] = {"choices": {"dataset": "vader_nyt"}, "config": {"dataset.domain": "nyt"}}
    return folders.run(Path("runs"), "full", 3, 0.5, **more)


def recordless(runs: Runs) -> Path:
    (runs["full", "vader_nyt", 3] / "environment.json").unlink()
    return runs["full", "vader_nyt", 3]


ALONE = {  # fault -> its warning, the only one
    "absent": (absent, "1 cell without runs that other cells have"),
    "commit": (
        changed("environment.json", {"git": {"commit": "ffff"}}),
        "1 of 60 runs are of another commit",
    ),
    "dirty": (changed("environment.json", {"git": {"dirty": True}}), "uncommitted changes"),
    "data": (changed("environment.json", {"data": {"fingerprint": "ffff"}}), "read other texts"),
    "encoder": (changed("environment.json", {"encoder": {"fingerprint": "ffff"}}), "started from other weights"),
    "torch": (changed("environment.json", {"packages": {"torch": "1.0"}}), "another version of torch"),
    "threads": (changed("environment.json", {"threads": 16}), "another number of threads"),
    "device": (changed("environment.json", {"device": "cuda"}), "another device"),
    "truncation": (
        changed("environment.json", {"tokens": {"test": {"texts": 64, "truncated": 7, "tokens": 900, "cut": 9}}}),
        "1 run in which more than a tenth of the texts of a split are truncated",
    ),
    "precision": (changed("environment.json", {"precision": "bf16-mixed"}), "another precision than trainer.precision"),
    "no record": (recordless, "without a readable environment.json"),
    "collapsed": (collapsed, "1 run collapsed"),
    "hidden key": (reconfigured("head.dropout", 0.5), "head.dropout differs between runs of one cell"),
    "rounded": (reconfigured("cache.dtype", "float16"), "cache.dtype differs between runs of one cell"),
    "study": (reconfigured("study", "another"), "study differs between runs of one cell"),
}
WITH_A_GAP = {  # faults that also leave a seed without a run
    "failed": (failed, "1 run failed without a result"),
    "unfinished": (unfinished, "killed, or still running"),
    "pruned": (pruned, "pruned by a search"),
    "half written": (half_written, "the file is truncated"),
    "foreign": (foreign, "it is not the result of a run"),
}


@pytest.mark.parametrize("fault", ALONE)
def test_each_fault_is_named_and_nothing_else(fault: str, frostline: Command) -> None:
    plant, sentence = ALONE[fault]
    where = plant(sixty(Path("runs")))
    (warning,) = warnings(frostline)
    assert sentence in warning and str(where) in warning


@pytest.mark.parametrize("fault", WITH_A_GAP)
def test_a_run_without_a_result_is_named_and_so_is_its_gap(fault: str, frostline: Command) -> None:
    plant, sentence = WITH_A_GAP[fault]
    where = plant(sixty(Path("runs")))
    lost, gap = warnings(frostline)
    assert sentence in lost and str(where) in lost
    assert "freezing=full, dataset=vader_nyt: seed 3" in gap


def test_a_run_repeated_with_another_result_is_named_and_the_newest_used(frostline: Command) -> None:
    runs = sixty(Path("runs"))
    again = doubled(runs)
    os.utime(runs["full", "vader_nyt", 3] / "result.json", (1, 1))
    (warning,) = warnings(frostline)
    assert "repeated with different results" in warning and f"{again} (newest, used)" in warning
    report = json.loads(frostline("report", "runs", "--cols", "dataset", "--format", "json").out)
    (cell,) = (row for row in report["rows"] if (row["freezing"], row["dataset"]) == ("full", "vader_nyt"))
    assert cell["values"]["3"] == 0.123 and cell["n"] == 5


def test_a_copy_counts_once_and_is_no_fault(frostline: Command) -> None:
    runs = sixty(Path("runs"))
    shutil.copytree(runs["full", "vader_nyt", 3], "runs/copy")
    assert warnings(frostline) == []


def test_all_faults_together_are_all_named(frostline: Command) -> None:
    """Seven in one folder of sixty runs, each with the run or key concerned."""
    runs = sixty(Path("runs"))
    shutil.rmtree(runs["lp_ft", "vader_movies", 5])
    folders.failed(runs["bitfit", "vader_movies", 1])
    folders.edit(runs["frozen", "vader_tweets", 2] / "environment.json", {"git": {"commit": "ffff"}})
    folders.edit(runs["frozen", "vader_movies", 2] / "environment.json", {"data": {"fingerprint": "ffff"}})
    again = doubled(runs)
    more: dict[str, Any] = {"choices": {"dataset": "vader_tweets"}}
    shutil.rmtree(runs["lp_ft", "vader_tweets", 4])
    shutil.rmtree(runs["lp_ft", "vader_tweets", 2])
    hidden = folders.run(
        Path("runs"), "lp_ft", 4, 0.8, **more, config={"dataset.domain": "tweets", "pooler._target_": "mylab.Max"}
    )
    flat = folders.run(Path("runs"), "lp_ft", 2, 0.5, **more, config={"dataset.domain": "tweets"})
    collected = warnings(frostline)
    expected = {
        "failed": runs["bitfit", "vader_movies", 1],
        "other cells have": "freezing=lp_ft, dataset=vader_movies: seed 5",
        "another commit": runs["frozen", "vader_tweets", 2],
        "other texts": runs["frozen", "vader_movies", 2],
        "repeated with different": again,
        "pooler._target_ differs": hidden,
        "collapsed": flat,
    }
    for sentence, where in expected.items():
        (warning,) = (line for line in collected if sentence in line)
        assert str(where) in warning
    assert len(collected) == len(expected)


def test_entries_of_many_classes_share_a_warning(frostline: Command) -> None:
    """Two keys are named; of three or more entries only the mapping is named."""
    runs = sixty(Path("runs"))
    folder = runs["full", "vader_nyt", 3]
    shutil.rmtree(folder)
    words = {"head.words": dict(zip("abc", "def", strict=True)), "loss.label_smoothing": 0.1, "loss.gamma": 2}
    folders.run(Path("runs"), "full", 3, choices={"dataset": "vader_nyt"}, config={"dataset.domain": "nyt"} | words)
    assert [line.partition(":")[0] for line in warnings(frostline)] == [
        "3 entries of head.words differ between runs of one cell and are not shown",
        "loss.gamma differs between runs of one cell and is not shown",
        "loss.label_smoothing differs between runs of one cell and is not shown",
    ]


def test_a_value_with_a_newline_is_printed_on_one_line(frostline: Command) -> None:
    runs = sixty(Path("runs"))
    shutil.rmtree(runs["full", "vader_nyt", 3])
    config = {"dataset.domain": "nyt", "head.template": "{text}\nIt was"}
    folders.run(Path("runs"), "full", 3, choices={"dataset": "vader_nyt"}, config=config)
    [warning] = warnings(frostline)
    assert "{text} It was in runs" in warning


def test_rows_with_other_budgets_are_named(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    folders.grid(Path("runs"), ["bitfit"], [1, 2], config={"trainer.max_epochs": 20, "dataset.batch_size": 8})
    collected = warnings(frostline)
    assert collected == [
        "rows differ in trainer.max_epochs in dataset=vader_movies: "
        "20 in freezing=bitfit; 5 in freezing=frozen and freezing=full",
        "rows differ in dataset.batch_size in dataset=vader_movies: "
        "8 in freezing=bitfit; 32 in freezing=frozen and freezing=full",
    ]


def test_a_row_without_training_needs_no_budget(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    folders.grid(Path("runs"), ["direct"], [1, 2], config={"trainer.max_epochs": 0}, trainable=0)
    assert warnings(frostline) == []


def test_rates_tried_are_counted_beyond_what_is_shown(frostline: Command) -> None:
    """One row shows the best of three learning rates, the other its only one."""
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    for rate in (0.1, 0.2):
        folders.run(Path("runs"), "full", 1, config={"optimizer.lr": rate})
    (warning,) = warnings(frostline, "--where", "optimizer.lr=0.003")
    assert "1 learning rate in freezing=frozen; 3 learning rates in freezing=full" in warning


def test_a_key_that_differs_between_columns_is_named(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    more: dict[str, Any] = {"choices": {"dataset": "vader_nyt"}}
    folders.grid(
        Path("runs"), ["frozen", "full"], [1, 2], **more, config={"dataset.domain": "nyt", "loss.label_smoothing": 0.1}
    )
    (warning,) = warnings(frostline)
    assert warning.startswith(
        "loss.label_smoothing differs between the columns of a row and is not shown: freezing=frozen: 0 in"
    )


def test_folds_are_no_fault_but_an_absent_one_is(frostline: Command) -> None:
    made = {}
    for fold in range(3):
        made[fold] = folders.grid(
            Path("runs"), ["frozen", "full"], [1, 2], config={"dataset.folds": 3, "dataset.fold": fold}
        )
    assert warnings(frostline) == []
    shutil.rmtree(made[2]["full", 1])
    (warning,) = warnings(frostline)
    assert "freezing=full, dataset=vader_movies: seed 1 at dataset.fold=2" in warning


def test_drawn_weights_may_differ_by_seed(frostline: Command) -> None:
    for seed in (1, 2):
        more = {"config": {"encoder.untrained": True}, "environment": {"encoder": {"fingerprint": str(seed)}}}
        folders.grid(Path("runs"), ["frozen", "full"], [seed], **more)
    assert warnings(frostline) == []


def test_scores_that_are_no_numbers_are_named_and_left_out(frostline: Command) -> None:
    runs = sixty(Path("runs"))
    file = runs["full", "vader_nyt", 3] / "result.json"
    folders.edit(file, {"metrics": {"test/loss": float("nan")}})
    (warning,) = warnings(frostline, "--metric", "test/loss")
    assert "1 run whose test/loss is not finite" in warning and str(file.parent) in warning
