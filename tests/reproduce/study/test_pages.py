"""The tables on the page of each study that is committed, and in the README: rebuilt from results.csv, they are what
is printed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import report_folders
from command_line import Command, in_process
from frostline.report.read import results_csv as results
from frostline.report.read import run_folders as reading
from frostline.reproduce.study.attempts import Attempts
from frostline.reproduce.study.study import FILE, RESULTS
from frostline.reproduce.study.study_yaml import Reader

frostline = in_process
HOUSE = Path(__file__).resolve().parents[3]
STUDIES = sorted(file.parent for file in HOUSE.glob(f"experiments/*/{FILE}"))
MADE = [folder for folder in STUDIES if (folder / RESULTS).exists()]


def lines_of_tables(text: str) -> str:
    """The rows alone: notes and warnings may be told in other words on a page."""
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_all_runs_of_a_study_can_be_composed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOUSE)
    reader = Reader(Path("experiments", folder.name))
    attempts = Attempts(reader.study(), reader.problems)
    assert {cell.arm.name for cell in attempts.cells} == {arm.name for arm in attempts.study.arms}


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
    study, page = Reader(folder).study(), (folder / "README.md").read_text(encoding="utf-8")
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
