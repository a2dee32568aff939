"""The ids of the runs in each study's results.csv, computed anew.

    python tests/support/study_ids.py            # print how many ids are no longer those of a new run
    python tests/support/study_ids.py --write    # and write them

An id is computed from study.yaml as `frostline reproduce` composes it; that of an external run from what its script
keeps of the composed config. The recorded config decides which run of the study a line is, and must agree with the
composed one in every key that it has. Nothing else in the file changes. Use it after a change of what an id depends
on, such as a new config key or another name of a class; a second time it changes nothing.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import io
import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from frostline.config.renamed import RENAMED
from frostline.report.read import results_csv
from frostline.report.read.runs import ARM, CHOSEN, RunRecord, names_value
from frostline.report.read.yaml_sections import flatten
from frostline.reproduce.study.cells import EXPERIMENT, Cell
from frostline.reproduce.study.external import run_config
from frostline.reproduce.study.runs import StudyRuns
from frostline.reproduce.study.study import FILE, RESULTS
from frostline.reproduce.study.study_yaml import StudyReader
from frostline.results.identity import CODE_KEYS, fill_defaults, run_id, without_modules

OURS = "frostline."
HOUSE = Path(__file__).resolve().parents[2]
STUDIES = sorted(file.parent.name for file in HOUSE.glob(f"experiments/*/{RESULTS}") if (file.parent / FILE).exists())


@cache
def attempts(study: str) -> StudyRuns:
    """Return the runs of a study, composed with the repository as the working folder."""
    reader = StudyReader(Path("experiments", study))
    return StudyRuns(reader.study(), reader.problems)


def recorded(study: str) -> list[RunRecord]:
    return results_csv.read_results(str(HOUSE / "experiments" / study / RESULTS))


def computed(study: str) -> list[RunRecord]:
    """Return the recorded runs with the id, the folder and the config that they have if they are made today."""
    return [_computed(run, attempts(study)) for run in recorded(study)]


def _computed(run: RunRecord, study: StudyRuns) -> RunRecord:
    cell = _cell(run, study)
    run_today = study.compose_run(cell, _choice(run, study.search_space(cell)), run.seed)
    job, config, choices = run_today.job, run_today.job.config, run.choices
    if cell.arm.script:
        config = run_config(job.config, _script(study.study.folder / cell.arm.script).config)
    else:
        choices = {key: run.choices[key] for key in (ARM, CHOSEN, *job.choices)}
        assert choices == run.choices == {key: run.choices[key] for key in (ARM, CHOSEN)} | job.choices, run.folder
    made = dataclasses.replace(run, id=run_id(config), folder=str(run_today.folder), choices=choices)
    composed = fill_defaults(flatten(without_modules(config)))
    if composed.get("trainer.min_steps"):  # which adds epochs when the texts are known
        composed["trainer.max_epochs"] = run.config["trainer.max_epochs"]
    made = dataclasses.replace(made, config=composed)
    if wrong := _disagreements(run.config, made.config):
        raise ValueError(f"{run.folder}: recorded and composed config disagree: {wrong}")
    return made


def _cell(run: RunRecord, study: StudyRuns) -> Cell:
    """Return the cell that has the run's arm and its value of each key that the arm is crossed with."""
    cells = [cell for cell in study.cells if cell.arm.name == run.choices[ARM]]
    [found] = [cell for cell in cells if all(_value(run, key) == value for key, value in cell.values.items())]
    return found


def _value(run: RunRecord, key: str) -> str:
    value = str(run.value(key))
    return value.rpartition("/")[2] if key == EXPERIMENT else value


def _choice(run: RunRecord, choices: list[str]) -> str:
    """Return the override that the run was given of those that were tried, "" where there was none to choose."""
    pairs = {choice: choice.split("=", 1) for choice in choices}
    found = [choice for choice, (key, value) in pairs.items() if names_value(run.value(_new_key(key)), value)]
    assert len(found) == bool(choices), f"{run.folder}: {len(found)} of {choices}"
    return found[0] if found else ""


@cache
def _script(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"script_{file.stem}", HOUSE / file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _disagreements(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the recorded values that the composed config does not have.

    Keys that came later and classes of ours that were renamed are no disagreement.
    """
    named = {_new_key(key): value for key, value in before.items()}
    return {
        key: (value, now.get(key)) for key, value in named.items() if not _agree(key, value, now.get(key, KeyError))
    }


def _new_key(key: str) -> str:
    for old, new in RENAMED.items():
        if key == old or key.startswith(f"{old}."):
            return new + key.removeprefix(old)
    return key


def _agree(key: str, before: Any, now: Any) -> bool:
    if key.endswith(CODE_KEYS) and f"{before}".startswith(OURS):
        return f"{now}".startswith(OURS)
    return bool(before == now)


def other_columns(text: str, configs: set[str]) -> list[dict[str, Any]]:
    """Return all of a results.csv as it is written, less ids, folders and configs."""
    rows: list[dict[str, Any]] = [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""))]
    alike = json.loads(rows[0].pop(results_csv.ALIKE))
    own = {key: value for key, value in alike.items() if key in ("choices", "environment")}
    left_out = configs | {results_csv.ID, results_csv.FOLDER, results_csv.ALIKE}
    return [own, *({k: v for k, v in row.items() if k not in left_out and v} for row in rows)]


def write(study: str, before: list[RunRecord], now: list[RunRecord]) -> None:
    """Write results.csv anew, and the folders that the study's tables name.

    Raises:
        ValueError: more than ids, folders and configs would change.
    """
    folder = HOUSE / "experiments" / study
    old, new = (folder / RESULTS).read_text(encoding="utf-8"), results_csv.results_as_csv(now)
    configs = {key for run in (*before, *now) for key in run.config}
    if other_columns(old, configs) != other_columns(new, configs):
        raise ValueError(f"{study}: columns would change that are neither id, folder nor config")
    (folder / RESULTS).write_text(new, encoding="utf-8")
    for name in attempts(study).study.tables:
        text = (folder / name).read_text(encoding="utf-8")
        for run, made in zip(before, now, strict=True):
            text = text.replace(run.folder, made.folder)
        (folder / name).write_text(text, encoding="utf-8")


def main() -> None:
    os.chdir(HOUSE)
    for study in STUDIES:
        before, now = recorded(study), computed(study)
        ids = sum(a.id != b.id for a, b in zip(before, now, strict=True))
        text = (HOUSE / "experiments" / study / RESULTS).read_text(encoding="utf-8")
        changes = "changes" if text != results_csv.results_as_csv(now) else "stays as it is"
        print(f"{study}: {len(now)} runs, {ids} other ids; the file {changes}")
        if "--write" in sys.argv:
            write(study, before, now)


if __name__ == "__main__":
    main()
