"""A study's results.csv: one complete run a line, with everything that a table needs.

A column is a choice, a config key, a metric (with a slash), or an entry of the environment (`environment.commit`).
Values that are equal in all runs are written once, in the column `alike` of the first line.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from frostline.report.read.runs import COMPLETE, RunRecord
from frostline.report.read.yaml_sections import UnreadableError
from frostline.results.identity import NOT_IN_ID, fill_defaults, leave_defaults_out

ID, FOLDER, TEXTS, ALIKE = "id", "folder", "texts", "alike"
SEEDS = "seeds"  # in `alike`: the seeds that the study asks for
SUFFIX = ".csv"
SECTIONS = ("choices", "config", "metrics", "environment")
PREFIX = "environment."
LEFT_OUT = re.compile(r"(.+/f1/.+)|(.+\.pin(\..+)?)")  # scores of single classes, and the download of an encoder


def results_as_csv(runs: Sequence[RunRecord]) -> str:
    """Write runs as csv. Floats keep all bits."""
    records = [_sections(run) for run in runs]
    common: dict[str, Any] = {
        name: _common([record[name] for record in records]) for name in SECTIONS if name != "metrics"
    }
    groups = list(dict.fromkeys(key for record in records for key in record["choices"]))
    lines = [
        {
            ID: run.id,
            **{key: _encode(value) for key, value in _columns(record, common)},
            TEXTS: " ".join(map(str, run.supports)),
            FOLDER: run.folder,
        }
        for run, record in zip(runs, records, strict=True)
    ]
    names = dict.fromkeys(key for line in lines for key in line)
    last = [TEXTS, FOLDER, ALIKE]
    if lines:
        seeds = sorted({seed for run in runs for seed in run.study_seeds})
        common |= {SEEDS: seeds} if seeds else {}
        lines[0][ALIKE] = json.dumps({"groups": groups, **common}, ensure_ascii=False, sort_keys=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*(name for name in names if name not in last), *last], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def read_results(path: str) -> list[RunRecord]:
    """Read the runs of a results.csv, in the order of its lines.

    Raises:
        UnreadableError: it is no results.csv of a study.
        OSError: it cannot be opened.
    """
    lines = list(csv.DictReader(io.StringIO(Path(path).read_text(encoding="utf-8"), newline="")))
    if not lines or not {ID, FOLDER, TEXTS, ALIKE} <= lines[0].keys():
        raise UnreadableError("it is no results.csv of a study")
    try:
        common = json.loads(lines[0][ALIKE])
        return [_decode_run(line, common) for line in lines]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(f"it is a damaged results.csv ({error})") from error


def _sections(run: RunRecord) -> dict[str, Mapping[str, Any]]:
    changed = leave_defaults_out(run.config)
    config = {key: value for key, value in changed.items() if key.partition(".")[0] not in NOT_IN_ID}
    if "cache.dtype" in run.config:
        config["cache.dtype"] = run.config["cache.dtype"]
    sections = {"choices": run.choices, "config": config, "metrics": run.metrics, "environment": run.environment}
    return {
        name: {key: value for key, value in section.items() if not LEFT_OUT.fullmatch(key)}
        for name, section in sections.items()
    }


def _common(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the items that all sections share. 1 and 1.0 differ, because they are written differently."""
    first = sections[0] if sections else {}
    return {
        key: value
        for key, value in first.items()
        if all(key in section and _encode(section[key]) == _encode(value) for section in sections)
    }


def _columns(record: Mapping[str, Mapping[str, Any]], common: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name in SECTIONS:
        for key, value in record[name].items():
            if key not in common.get(name, ()):
                yield (PREFIX + key if name == "environment" else key), value


def _decode_run(line: Mapping[str, str], common: Mapping[str, Any]) -> RunRecord:
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for key, text in line.items():
        if key not in (ID, FOLDER, TEXTS, ALIKE) and text:
            sections[_section_of(key, common["groups"])][key.removeprefix(PREFIX)] = _decode(text)
    choices, config, metrics, environment = (
        {key: _lists_to_tuples(value) for key, value in common.get(name, {}).items()} | section
        for name, section in sections.items()
    )
    supports = tuple(map(int, line[TEXTS].split()))
    return RunRecord(
        line[FOLDER],
        COMPLETE,
        line[ID],
        choices,
        fill_defaults(config),
        metrics,
        supports=supports,
        environment=environment,
        from_csv=True,
        study_seeds=tuple(common.get(SEEDS, ())),
    )


def _section_of(column: str, groups: Sequence[str]) -> str:
    if column.startswith(PREFIX):
        return "environment"
    if column in groups:
        return "choices"
    return "metrics" if "/" in column.partition(".")[0] else "config"


def _encode(value: Any) -> str:
    """Write a value as JSON; a text without quotes, unless it would be read back as something else."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value if value and _decode(value) == value else json.dumps(value, ensure_ascii=False)


def _decode(text: str) -> Any:
    try:
        return _lists_to_tuples(json.loads(text))
    except ValueError:
        return text


def _lists_to_tuples(value: Any) -> Any:
    return tuple(map(_lists_to_tuples, value)) if isinstance(value, list) else value
