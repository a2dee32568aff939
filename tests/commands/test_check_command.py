"""frostline check: print what a command would do, and do nothing."""

from __future__ import annotations

from pathlib import Path

from command_line import Command, in_process

frostline = in_process


def test_the_folder_of_a_correct_command_is_printed_and_nothing_is_written(frostline: Command, tmp_path: Path) -> None:
    result = frostline("check", "freezing=frozen")
    first, second = result.out.splitlines()
    assert (result.status, first) == (0, "ok: 1 job")
    assert second.startswith("  runs/default/frozen-bert_tiny-vader_movies-s1-")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_one_that_the_run_takes(frostline: Command) -> None:
    folder = frostline("check", "freezing=direct", "debug=one_batch").out.splitlines()[1].strip()
    result = frostline("freezing=direct", "debug=one_batch")
    assert result.out.splitlines()[-1] == f"results: {folder}"


def test_each_job_of_a_sweep_is_listed(frostline: Command) -> None:
    lines = frostline("check", "-m", "seed=1,2,3").out.splitlines()
    assert lines[0] == "ok: 3 jobs"
    assert [line.split("-")[3] for line in lines[1:]] == ["s1", "s2", "s3"]


def test_of_a_long_sweep_only_the_number_of_jobs_is_printed(frostline: Command) -> None:
    assert frostline("check", "-m", "seed=range(21)").out.splitlines() == ["ok: 21 jobs"]


def test_mistakes_of_several_jobs_are_reported_once_each(frostline: Command) -> None:
    result = frostline("check", "-m", "seed=1,2", "optimizer.lr=-1,0", "head.droput=0.1")
    assert result.status == 2
    assert result.problems() == [
        "head.droput: no such key; did you mean head.dropout?",
        "optimizer.lr: -1 is not above 0; give a number above 0",
        "optimizer.lr: 0 is not above 0; give a number above 0",
    ]


def test_its_help_begins_with_its_usage(frostline: Command) -> None:
    for flag in ("-h", "--help"):
        result = frostline("check", flag)
        assert result.out.startswith(
            "usage: frostline check [-m] [KEY=VALUE ...]\n\nReport every mistake of a command at once"
        )
        assert result.status == 0
