"""The complete runs from which a run takes its encoder or its head: what their folders show without torch.

`encoder=run encoder.path=RUN` and `head=run head.path=RUN` name such a run. It may itself have taken its encoder from
a run, so that there is a chain of them; the first one has the part of another choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from frostline.errors import Problem, UserError
from frostline.results.atomic_files import read_json
from frostline.results.file_digest import file_digest
from frostline.results.folder import RunFolder
from frostline.results.home_paths import expand_home
from frostline.results.identity import run_id
from frostline.types import Config

TARGETS = {  # role -> the class of its choice `run`
    "encoder": "frostline.models.encoders.run.EncoderOfRun",
    "head": "frostline.models.heads.run.HeadOfRun",
}
ROLES = ("encoder", "adapter", "pooler", "head")  # the parts of a model
MODEL_PARTS = {"encoder": ("encoder", "adapter"), "head": ("head",)}  # role -> the parts of the run that it comes from
DO = "give the folder of a complete run"
MAX_LISTED = 20  # classes in a message


def source_run(part: Mapping[str, Any]) -> RunFolder | None:
    """Return the run that a part is taken from; None for a part of another choice.

    Raises:
        UserError: the path begins with a ~ that has no home folder.
    """
    role = next((role for role, target in TARGETS.items() if target == part.get("_target_")), None)
    if role is None or not isinstance(part.get("path"), str):
        return None
    return RunFolder(expand_home(part["path"], f"{role}.path"))


def run_problem(run: RunFolder, key: str) -> Problem | None:
    """Return why a folder is not that of a complete run with all of its files, or None if it is.

    key: names the folder in the message.
    """
    name = "" if key == str(run.path) else f"'{run.path}' "
    if not run.path.is_dir():
        return Problem(key, f"{name}is not a folder", DO)
    if not run.result.exists():
        is_checkpoint = key == "encoder.path" and (run.path / "config.json").exists()
        do = f"choose encoder=hub encoder.name={run.path}, as it has a config.json" if is_checkpoint else DO
        do = "start its command again, which resumes it" if run.job.exists() else do
        return Problem(key, f"{name}contains no complete run: it has no result.json", do)
    if missing := [file.name for file in (run.config, run.environment, run.best) if not file.exists()]:
        return Problem(key, f"{name}has no {' and no '.join(missing)}", "copy the whole folder of the run")
    try:
        parts = [read_config(run)[role]["_target_"] for role in ROLES]
        parts += [read_json(run.environment)["encoder"]["fingerprint"], *read_json(run.result)["classes"]]
    except Exception as error:  # whatever the parsers raise for damaged files
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        return Problem(key, f"{name}has a record that cannot be read ({reason})", "restore its files")
    return None


def merge_problem(run: RunFolder, key: str) -> Problem:
    """Return that the adapter of a run cannot be merged into the weights of its encoder."""
    adapter = read_config(run)["adapter"]["_target_"].rpartition(".")[2]
    what = f"'{run.path}' has the adapter {adapter}, which cannot be merged into the weights of the encoder"
    return Problem(key, what, "give a run with adapter=none, lora, dora or ia3")


def prompt_problem(run: RunFolder, key: str) -> Problem:
    """Return that the head of a run does not read pooled vectors."""
    what = f"the head of '{run.path}' reads no pooled vectors, but prompts or the states of all tokens"
    return Problem(key, what, "give a run with a head that reads vectors, such as head=linear")


def class_problem(run: RunFolder, key: str, names: Sequence[str], multi_label: bool) -> Problem | None:
    """Return why the head of a run is not for these classes, or None if it is. multi_label: of the data."""
    result = read_json(run.result)
    if (result.get("thresholds") is not None) != multi_label:
        trained, given = ("one class", "several") if multi_label else ("several classes", "one")
        what = f"the head of '{run.path}' predicts {trained} for a text, and texts of this data set have {given}"
        return Problem(key, what, "give a run on data of the same kind")
    if sorted(result["classes"]) == sorted(names):
        return None
    trained, given = _listed(result["classes"]), _listed(names)
    what = f"the head of '{run.path}' is for the classes {trained}, and the data has {given}"
    return Problem(key, what, "give a run on data with the same classes, or choose another head")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(str, names[:MAX_LISTED]))
    return f"{shown} and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else shown


def read_config(run: RunFolder) -> Config:
    """Return the recorded config of a run, which the caller must not change."""
    status = run.config.stat()
    return _parse(str(run.config), status.st_mtime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=1024)
def _parse(file: str, *version: int) -> Config:
    import yaml

    config: Config = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    return config


def original_part(config: Mapping[str, Any], role: str) -> Config:
    """Return the config of a part, or of the part that it was at the beginning of its chain of runs.

    Raises:
        UserError: a folder in the chain is not that of a complete run.
    """
    part: Config = config[role]
    for run in chain(config, role):
        part = read_config(run)[role]
    return part


def with_original_parts(config: Config) -> Config:
    """Return a config in which encoder and head are those at the beginnings of their chains of runs.

    They have the same blocks, and so the same plan.

    Raises:
        UserError: a folder in a chain is not that of a complete run.
    """
    return config | {role: original_part(config, role) for role in TARGETS}


def chain(config: Mapping[str, Any], role: str) -> Iterator[RunFolder]:
    """Yield the runs that the encoder or the head of a config comes from, the latest one first.

    Raises:
        UserError: a folder is not that of a complete run, or occurs twice.
    """
    key, seen = f"{role}.path", set[Path]()
    while (run := source_run(config[role])) is not None:
        problem = run_problem(run, key)
        if problem is None and run.path.resolve() in seen:
            problem = Problem(key, f"'{run.path}' is taken from itself", DO)
        if problem is not None:
            raise UserError(problem)
        seen.add(run.path.resolve())
        yield run
        config = read_config(run)


def describe_sources(config: Mapping[str, Any], memo: Path) -> dict[str, Any]:
    """Return, for environment.json, the runs that encoder and head come from; nothing where there are none.

    Of each: its folder, its id, the SHA-256 of its checkpoint, the fingerprint of the encoder that it began with, and
    its own sources. memo: the folder with the checksums of large files.
    """
    sources = {role: run for role in TARGETS if (run := source_run(config.get(role) or {})) is not None}
    return {role: _describe(run, memo) for role, run in sources.items()}


def _describe(run: RunFolder, memo: Path) -> dict[str, Any]:
    config = read_config(run)
    described = {
        "folder": str(run.path),
        "id": run_id(config),
        "checkpoint": file_digest(run.best, memo),
        "encoder": read_json(run.environment)["encoder"]["fingerprint"],
    }
    sources = describe_sources(config, memo)
    return described | ({"sources": sources} if sources else {})
