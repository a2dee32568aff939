"""The committed ids of each study are those of its runs today, and its page and the README print the tables that follow
from results.csv."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import pytest

import report_folders
import study_ids
from command_line import Command, in_process
from frostline.report.read import results_csv as results
from frostline.report.read import run_folders as reading
from frostline.reproduce.study.study import FILE, RESULTS
from frostline.reproduce.study.study_yaml import StudyReader

frostline = in_process
HOUSE = Path(__file__).resolve().parents[3]
STUDIES = sorted(file.parent for file in HOUSE.glob(f"experiments/*/{FILE}"))
MADE = [HOUSE / "experiments" / name for name in study_ids.STUDIES]


def lines_of_tables(text: str) -> str:
    """The rows alone: notes and warnings may be told in other words on a page."""
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


def longest_is_slow(name: str) -> Any:
    """Return the parameter of a study; the one with by far the most runs takes as long as all others."""
    return pytest.param(name, marks=pytest.mark.slow if name == "inadequacy" else [])


@pytest.mark.slow
@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_all_runs_of_a_study_can_be_composed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOUSE)
    attempts = study_ids.attempts(folder.name)
    assert {cell.arm.name for cell in attempts.cells} == {arm.name for arm in attempts.study.arms}


@pytest.mark.parametrize("name", [longest_is_slow(name) for name in study_ids.STUDIES])
def test_the_committed_ids_and_configs_are_those_of_the_runs_of_today(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a change of ours makes them others, `python tests/support/study_ids.py --write` writes them anew."""
    monkeypatch.chdir(HOUSE)
    before, now = study_ids.recorded(name), study_ids.computed(name)
    assert [run.id for run in before] == [run.id for run in now]
    assert (HOUSE / "experiments" / name / RESULTS).read_text(encoding="utf-8") == results.results_as_csv(now)


def test_a_recorded_config_that_is_not_the_composed_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOUSE)
    [study, *_] = study_ids.STUDIES
    first, *rest = study_ids.recorded(study)
    other = dataclasses.replace(first, config={**first.config, "dataset.batch_size": 33})
    monkeypatch.setattr(study_ids, "recorded", lambda _: [other, *rest])
    with pytest.raises(ValueError, match=r"disagree: \{'dataset.batch_size': \(33, "):
        study_ids.computed(study)


def test_a_table_that_is_not_its_csv_s_is_found(frostline: Command) -> None:
    """Else what follows would show nothing while no study is made."""
    made = report_folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    Path(RESULTS).write_text(results.results_as_csv(reading.read_runs(list(map(str, made.values())))))
    rows = lines_of_tables(frostline("report", RESULTS).out)
    page = f"# Study\n\n{rows}\n\nNotes.\n"
    assert rows.count("\n") == 3
    assert rows in page
    assert rows not in page.replace("0.", "1.", 1)


@pytest.mark.parametrize("folder", MADE, ids=lambda folder: folder.name)
def test_the_page_prints_what_the_csv_says(frostline: Command, folder: Path) -> None:
    study, page = StudyReader(folder).study(), (folder / "README.md").read_text(encoding="utf-8")
    assert study.tables
    for name, words in study.tables.items():
        said = frostline("report", str(folder / RESULTS), *words)
        assert said.status == 0, said.err
        rows = lines_of_tables(said.out)
        assert rows == lines_of_tables((folder / name).read_text(encoding="utf-8"))
        assert rows in page, f"{folder.name}: the page does not print {name} as it is"


def test_the_readme_opens_with_what_a_study_says(frostline: Command) -> None:
    page = (HOUSE / "README.md").read_text(encoding="utf-8")
    [typed] = [line for line in page.splitlines() if line.startswith("$ frostline report experiments/")]
    _, _, verb, csv, *words = shlex.split(typed)
    rows = lines_of_tables(frostline(verb, str(HOUSE / csv), *words).out)
    assert rows.count("\n") > 3
    assert rows in page
