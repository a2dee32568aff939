"""Run folders, read as they are here, whatever machine they were made on.

The runs of a study's results.csv are read as if their folders were here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from frostline.report.read import results_csv as results
from frostline.report.read.find import FAILURE, JOB, PRUNED_FILE, RESULT, find_run_folders
from frostline.report.read.runs import COMPLETE, FAILED, PRUNED, UNFINISHED, UNREADABLE, RunRecord
from frostline.report.read.yaml_sections import UnreadableError, flatten, flatten_yaml
from frostline.results.identity import without_modules

PACKAGES = ("torch", "lightning", "transformers", "peft", "numpy", "tokenizers", "safetensors", "torchmetrics")
OF_NO_SCORE = ("choices", "config", "metrics", "thresholds")  # mappings of a result.json that hold none of their own


def read_runs(paths: Sequence[str]) -> list[RunRecord]:
    """All runs at or below these folders, each folder once, in the order of their names; then those of results.csv."""
    files = [path for path in paths if path.endswith(results.ENDING) and Path(path).is_file()]
    found = find_run_folders([path for path in paths if path not in files])
    return [_run(*one) for one in sorted(found.items())] + [run for file in dict.fromkeys(files) for run in _told(file)]


def _told(file: str) -> list[RunRecord]:
    """The runs of a results.csv."""
    try:
        return results.read_results(file)
    except (OSError, ValueError) as error:
        return [RunRecord(file, UNREADABLE, why=str(error))]


def _run(folder: str, files: set[str]) -> RunRecord:
    try:
        if RESULT in files:
            return _complete(folder, files)
        return _without_result(folder, files)
    except (OSError, ValueError, UnreadableError) as error:
        return RunRecord(folder, UNREADABLE, why=_brief(error))


def _complete(folder: str, files: set[str]) -> RunRecord:
    path = Path(folder, RESULT)
    result = _json(path)
    _check(result)
    confusion = () if "thresholds" in result else result.get("confusion") or ()
    config = (
        flatten(without_modules(result["config"])) if isinstance(result.get("config"), dict) else _config(folder, files)
    )
    return RunRecord(
        folder,
        COMPLETE,
        id=result["id"],
        choices=result["choices"],
        config=config or {"seed": result["seed"]},
        metrics=_numbers(result),
        confusion=confusion,
        supports=tuple(map(sum, confusion)),
        environment=_environment(folder, files),
        written=path.stat().st_mtime,
    )


def _check(result: Any) -> None:
    """Raises UnreadableError where it is not a result of ours."""
    wanted = {"id": str, "choices": dict, "metrics": dict, "seed": int}
    if not isinstance(result, dict):
        raise UnreadableError("it is not a run's")
    wrong = [key for key, kind in wanted.items() if not isinstance(result.get(key), kind)]
    numbers = [] if wrong else [key for key, value in result["metrics"].items() if not isinstance(value, int | float)]
    if wrong or numbers:
        raise UnreadableError(
            f"it is not a run's: no {', '.join(wrong)}" if wrong else f"no number: {', '.join(numbers)}"
        )


def _numbers(result: Mapping[str, Any]) -> dict[str, float]:
    """The metrics, and as in W&B's summary parameters/total, cost/seconds, and what a head has recorded."""
    parts = dict(result["metrics"])
    for part, own in result.items():
        pairs = own.items() if isinstance(own, dict) and part not in OF_NO_SCORE else ()
        parts |= {f"{part}/{name}": value for name, value in pairs if isinstance(value, int | float)}
    return parts


def _without_result(folder: str, files: set[str]) -> RunRecord:
    state = FAILED if FAILURE in files else PRUNED if PRUNED_FILE in files else UNFINISHED
    note = {FAILED: FAILURE, PRUNED: PRUNED_FILE}.get(state)
    why = _json(Path(folder, note)) if note else {}
    job = _json(Path(folder, JOB)) if JOB in files else {}
    return RunRecord(
        folder,
        state,
        id=job.get("id", ""),
        choices=job.get("choices", {}),
        config=_config(folder, files),
        why=str(why.get("what", "")).split("\n")[0] if isinstance(why, dict) else "",
    )


def _config(folder: str, files: set[str]) -> dict[str, Any]:
    """Of config.yaml; empty where there is none that can be read: that is a doubt, and no reason to drop a result."""
    if "config.yaml" not in files:
        return {}
    try:
        return flatten_yaml(Path(folder, "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _environment(folder: str, files: set[str]) -> dict[str, Any]:
    if "environment.json" not in files:
        return {}
    try:
        return comparable_environment(_json(Path(folder, "environment.json")))
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def comparable_environment(told: Mapping[str, Any]) -> dict[str, Any]:
    """What of an environment.json can make numbers differ, by the names that warnings use."""
    git, data, packages = told.get("git") or {}, told.get("data") or {}, told.get("packages") or {}
    shifts = (data.get("shifts") or {}).items()
    return {
        "commit": git.get("commit"),
        "dirty": git.get("dirty"),
        "device": told.get("device"),
        "processes": told.get("ranks"),
        "threads": told.get("threads"),
        "python": told.get("python"),
        "data": data.get("fingerprint"),
        "encoder": (told.get("encoder") or {}).get("fingerprint"),
        **{f"shift {name}": shift.get("fingerprint") for name, shift in shifts},
        **{name: packages[name] for name in PACKAGES if name in packages},
    }


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _brief(error: BaseException) -> str:
    return "it is half written" if isinstance(error, json.JSONDecodeError) else str(error)
