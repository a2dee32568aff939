"""Read run folders, made on any machine, and the runs of a study's results.csv."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from frostline.report.read import results_csv
from frostline.report.read.find import FAILURE, JOB, PRUNED_FILE, RESULT, find_run_folders
from frostline.report.read.runs import ARM, CHOSEN, COMPLETE, FAILED, PRUNED, UNFINISHED, UNREADABLE, RunRecord
from frostline.report.read.yaml_sections import UnreadableError, flatten, flatten_yaml
from frostline.results.folder import RunFolder
from frostline.results.identity import fill_defaults, without_modules
from frostline.results.study_record import StudyRecord, read_record

STUDY_FILE = "study.yaml"  # beside results.csv
PACKAGES = ("torch", "lightning", "transformers", "peft", "numpy", "tokenizers", "safetensors", "torchmetrics")
EVALUATIONS = RunFolder(Path()).evaluations.name
TRUNCATED = "truncated"  # entry of a run's environment: the largest share of truncated texts, and its split
DATA_NOTES = "notes"  # entry of a run's environment: name, count and message of each note on its data
NOT_SCORES = ("choices", "config", "metrics", "thresholds")  # mappings of a result.json without further scores


def read_runs(paths: Sequence[str]) -> list[RunRecord]:
    """Read all runs at or below the paths, sorted by folder, each folder once; then the runs of results.csv files."""
    files = [path for path in paths if path.endswith(results_csv.SUFFIX) and Path(path).is_file()]
    folders = find_run_folders([path for path in paths if path not in files])
    parents = {folder: Path(folder).parent for folder in folders}
    records = {parent: read_record(parent) for parent in set(parents.values())}
    runs = [
        run
        for folder, names in sorted(folders.items())
        for run in _with_arms(read_folder(folder, names), records[parents[folder]])
    ]
    return runs + [run for file in dict.fromkeys(files) for run in _read_csv(file)]


def _with_arms(run: RunRecord, record: StudyRecord | None) -> Iterator[RunRecord]:
    """Yield the run once for each arm of its study, with the choices `arm` and `chosen` as in results.csv."""
    arms = record.arms_of(Path(run.folder).name) if record else []
    for arm, chosen in arms:
        yield in_study(run, arm, chosen, record.seeds if record else ())
    if not arms:
        yield run


def in_study(run: RunRecord, arm: str, chosen: bool, seeds: Sequence[int]) -> RunRecord:
    """Return the run with its arm and whether it is chosen among its choices, and the seeds of the study."""
    choices = {ARM: arm, CHOSEN: "yes" if chosen else "no"}
    return replace(run, choices=choices | dict(run.choices), study_seeds=seeds)


def _read_csv(file: str) -> list[RunRecord]:
    try:
        runs = results_csv.read_results(file)
    except (OSError, ValueError) as error:
        return [RunRecord(file, UNREADABLE, why=str(error))]
    seeds = _seeds_of_study(Path(file).with_name(STUDY_FILE))
    return [replace(run, study_seeds=seeds) for run in runs] if seeds else runs


def _seeds_of_study(file: Path) -> tuple[int, ...]:
    """Return the seeds of a study.yaml beside results.csv; none if it is not there or has mistakes."""
    try:
        seeds = flatten_yaml(file.read_text(encoding="utf-8")).get("seeds")
    except (OSError, ValueError):
        return ()
    return tuple(seed for seed in seeds if type(seed) is int) if isinstance(seeds, tuple) else ()


def read_folder(folder: str, files: set[str]) -> RunRecord:
    """Read one run folder. files: the names of its files."""
    try:
        return _complete_run(folder, files) if RESULT in files else _incomplete_run(folder, files)
    except (OSError, ValueError, UnreadableError) as error:
        why = "the file is truncated" if isinstance(error, json.JSONDecodeError) else str(error)
        return RunRecord(folder, UNREADABLE, why=why)


def _complete_run(folder: str, files: set[str]) -> RunRecord:
    path = RunFolder(Path(folder)).result
    result = json.loads(path.read_bytes())
    _check_result(result)
    confusion, supports = _read_confusion(result)
    evaluations = RunFolder(Path(folder)).read_evaluations() if EVALUATIONS in files else {}
    run_config = result.get("config")
    config = flatten(without_modules(run_config)) if isinstance(run_config, dict) else _read_config(folder, files)
    return RunRecord(
        folder,
        COMPLETE,
        id=result["id"],
        choices=result["choices"],
        config=fill_defaults(config) or {"seed": result["seed"]},
        metrics=_all_metrics(result) | _further_metrics(evaluations),
        confusion=confusion,
        supports=supports,
        environment=_environment_of(folder, files) | _further_data(evaluations),
        written=path.stat().st_mtime,
    )


def _read_confusion(result: Mapping[str, Any]) -> tuple[dict[tuple[int, int], int], tuple[int, ...]]:
    """Return the cells that are not 0, from the full matrix or from the lists of many classes, and texts by class."""
    if "thresholds" in result:
        return {}, ()
    if cells := result.get("confusion_cells"):
        columns = (map(int, cells[name]) for name in ("true", "predicted", "texts"))
        confusion = {(true, predicted): texts for true, predicted, texts in zip(*columns, strict=True)}
        supports = [0] * len(result["classes"])
        for (true, _), texts in confusion.items():
            supports[true] += texts
        return confusion, tuple(supports)
    matrix = result.get("confusion") or ()
    confusion = {(i, j): texts for i, row in enumerate(matrix) for j, texts in enumerate(row) if texts}
    return confusion, tuple(map(sum, matrix))


def _check_result(result: Any) -> None:
    """Raise UnreadableError if it is not the result of a run."""
    types = {"id": str, "choices": dict, "metrics": dict, "seed": int}
    if not isinstance(result, dict):
        raise UnreadableError("it is not the result of a run")
    wrong = [key for key, kind in types.items() if not isinstance(result.get(key), kind)]
    if wrong:
        raise UnreadableError(f"it is not the result of a run: no {', '.join(wrong)}")
    if texts := [key for key, value in result["metrics"].items() if not isinstance(value, int | float)]:
        raise UnreadableError(f"not a number: {', '.join(texts)}")


def _all_metrics(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics and the values of other mappings, named like parameters/total and cost/seconds."""
    metrics = dict(result["metrics"])
    for part, values in result.items():
        items = values.items() if isinstance(values, dict) and part not in NOT_SCORES else ()
        metrics |= {f"{part}/{name}": value for name, value in items if isinstance(value, int | float)}
    return metrics


def _further_metrics(evaluations: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of further test sets, which `frostline evaluate` wrote beside the result."""
    return {name: value for record in evaluations.values() for name, value in record["metrics"].items()}


def _further_data(evaluations: Mapping[str, Any]) -> dict[str, str]:
    """Return the fingerprints of further test sets under the names that those of shifts have."""
    return {f"shift {name}": record["data"]["fingerprint"] for name, record in evaluations.items()}


def _incomplete_run(folder: str, files: set[str]) -> RunRecord:
    paths = RunFolder(Path(folder))
    state = FAILED if FAILURE in files else PRUNED if PRUNED_FILE in files else UNFINISHED
    reason_file = {FAILED: paths.failure, PRUNED: paths.pruned}.get(state)
    reason = json.loads(reason_file.read_bytes()) if reason_file else {}
    job = json.loads(paths.job.read_bytes()) if JOB in files else {}
    return RunRecord(
        folder,
        state,
        id=job.get("id", ""),
        choices=job.get("choices", {}),
        config=_read_config(folder, files),
        why=str(reason.get("what", "")).split("\n")[0] if isinstance(reason, dict) else "",
    )


def _read_config(folder: str, files: set[str]) -> dict[str, Any]:
    """Return config.yaml, flat; empty if it cannot be read, which is a warning and no reason to drop a result."""
    path = RunFolder(Path(folder)).config
    if path.name not in files:
        return {}
    try:
        return flatten_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _environment_of(folder: str, files: set[str]) -> dict[str, Any]:
    path = RunFolder(Path(folder)).environment
    if path.name not in files:
        return {}
    try:
        return comparable_environment(json.loads(path.read_bytes()))
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}


def comparable_environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of an environment.json that can change results, under the names that warnings use."""
    git, data = environment.get("git") or {}, environment.get("data") or {}
    packages = environment.get("packages") or {}
    shifts = (data.get("shifts") or {}).items()
    return {
        "commit": git.get("commit"),
        "dirty": git.get("dirty"),
        "device": environment.get("device"),
        "precision": environment.get("precision"),
        "processes": environment.get("ranks"),
        "threads": environment.get("threads"),
        "python": environment.get("python"),
        "data": data.get("fingerprint"),
        **({"val_texts": texts["val"]} if "val" in (texts := data.get("texts") or {}) else {}),
        "encoder": (environment.get("encoder") or {}).get("fingerprint"),
        TRUNCATED: _most_truncated(environment.get("tokens") or {}),
        DATA_NOTES: tuple((note["name"], note["count"], note["message"]) for note in data.get("notes") or ()),
        **{f"shift {name}": shift.get("fingerprint") for name, shift in shifts},
        **{name: packages[name] for name in PACKAGES if name in packages},
    }


def _most_truncated(tokens: Mapping[str, Mapping[str, int]]) -> tuple[float, str] | None:
    """Return the largest share of texts of a split that were truncated, and the split; None if it is not recorded."""
    shares = [(counts["truncated"] / counts["texts"], split) for split, counts in tokens.items() if counts["texts"]]
    return max(shares, default=None)
