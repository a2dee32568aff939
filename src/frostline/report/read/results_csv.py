"""A study's results.csv: its complete runs, one a line, as whole as a table of them needs.

A column has the name of a choice or a config key, of a metric (with a slash), or of what environment.json tells
(`environment.commit`). What is the same in all runs stands once: in the first line, in the column `alike`.
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
from frostline.results.identity import ASIDE

ID, FOLDER, TEXTS, ALIKE = "id", "folder", "texts", "alike"
ENDING = ".csv"
PARTS = ("choices", "config", "metrics", "environment")
PLACE = "environment."
LEFT_OUT = re.compile(r"(.+/f1/.+)|(.+\.pin(\..+)?)")  # a score for each class, and where an encoder is fetched from


def results_as_csv(runs: Sequence[RunRecord]) -> str:
    """Numbers keep every bit."""
    parts = [_parts(run) for run in runs]
    alike = {name: _same([part[name] for part in parts]) for name in PARTS[:2] + PARTS[3:]}
    groups = list(dict.fromkeys(key for part in parts for key in part["choices"]))
    lines = [
        {
            ID: run.id,
            **{key: _written(value) for key, value in _columns(part, alike)},
            TEXTS: " ".join(map(str, run.supports)),
            FOLDER: run.folder,
        }
        for run, part in zip(runs, parts, strict=True)
    ]
    names = dict.fromkeys(key for line in lines for key in line)
    ends = [TEXTS, FOLDER, ALIKE]
    if lines:
        lines[0][ALIKE] = json.dumps({"groups": groups, **alike}, ensure_ascii=False, sort_keys=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*(name for name in names if name not in ends), *ends], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def read_results(path: str) -> list[RunRecord]:
    """The runs, in the order of their lines.

    Raises:
        UnreadableError: it is no results.csv of ours.
        OSError: it cannot be opened.
    """
    lines = list(csv.DictReader(io.StringIO(Path(path).read_text(encoding="utf-8"), newline="")))
    if not lines or not {ID, FOLDER, TEXTS, ALIKE} <= lines[0].keys():
        raise UnreadableError("it is no study's results.csv")
    try:
        alike = json.loads(lines[0][ALIKE])
        return [_run(line, alike) for line in lines]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(f"it is a damaged results.csv ({error})") from error


def _parts(run: RunRecord) -> dict[str, Mapping[str, Any]]:
    config = {key: value for key, value in run.config.items() if key.partition(".")[0] not in ASIDE}
    if "cache.dtype" in run.config:
        config["cache.dtype"] = run.config["cache.dtype"]
    found = {"choices": run.choices, "config": config, "metrics": run.metrics, "environment": run.environment}
    return {name: {k: v for k, v in part.items() if not LEFT_OUT.fullmatch(k)} for name, part in found.items()}


def _same(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all have, and all alike; 1 and 1.0 are told apart, as they are written."""
    first = parts[0] if parts else {}
    return {k: v for k, v in first.items() if all(k in part and _written(part[k]) == _written(v) for part in parts)}


def _columns(part: Mapping[str, Mapping[str, Any]], alike: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name in PARTS:
        for key, value in part[name].items():
            if key not in alike.get(name, ()):
                yield (PLACE + key if name == "environment" else key), value


def _run(line: Mapping[str, str], alike: Mapping[str, Any]) -> RunRecord:
    found: dict[str, dict[str, Any]] = {name: {} for name in PARTS}
    for key, text in line.items():
        if key not in (ID, FOLDER, TEXTS, ALIKE) and text:
            found[_part(key, alike["groups"])][key.removeprefix(PLACE)] = _value(text)
    choices, config, metrics, place = (_plain_all(alike.get(name, {})) | own for name, own in found.items())
    supports = tuple(map(int, line[TEXTS].split()))
    return RunRecord(line[FOLDER], COMPLETE, line[ID], choices, config, metrics, supports=supports, environment=place)


def _part(key: str, groups: Sequence[str]) -> str:
    if key.startswith(PLACE):
        return "environment"
    if key in groups:
        return "choices"
    return "metrics" if "/" in key.partition(".")[0] else "config"


def _written(value: Any) -> str:
    """A text as it is, unless it would be read as something else."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value if value and _value(value) == value else json.dumps(value, ensure_ascii=False)


def _value(text: str) -> Any:
    try:
        return _plain(json.loads(text))
    except ValueError:
        return text


def _plain_all(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value)) if isinstance(value, list) else value
