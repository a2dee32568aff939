"""The list of jobs that have ended holds whatever other machines and kills do to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from frostline.results import sweep_log
from frostline.results.summary_table import FAILED, RESUMED, Row


def row(folder: str, how: str = RESUMED) -> Row:
    return Row(folder, {"freezing": "full"}, ["seed=1"], how=how)


def test_what_is_half_written_is_not_there_yet(tmp_path: Path) -> None:
    sweep_log.log_finished(row("a"), str(tmp_path))
    with (tmp_path / "jobs.jsonl").open("a") as file:
        file.write('{"folder": "b", "choi')
    assert sweep_log.finished_rows(tmp_path) == [row("a")]


def test_a_job_that_was_done_again_is_told_as_it_ended_last(tmp_path: Path) -> None:
    for one in (row("a", FAILED), row("b"), row("a")):
        sweep_log.log_finished(one, str(tmp_path))
    assert sweep_log.finished_rows(tmp_path) == [row("a"), row("b")]


def test_many_may_write_at_once(tmp_path: Path) -> None:
    rows = [Row(str(i), {}, ["long" * 5000]) for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: sweep_log.log_finished(one, str(tmp_path)), rows))
    assert sorted(sweep_log.finished_rows(tmp_path), key=lambda one: int(one.folder)) == rows
