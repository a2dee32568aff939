"""The content of the local files that a run reads, and of a user's own modules: they are a part of the run's id.

A file that is edited in place, or another file of the same name in another folder, makes another run. Files in pinned
packages are left out, because their content is fixed, and so is what comes from a hub.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from frostline import session
from frostline.config.local_paths import OURS, path_digests, read_digest
from frostline.config.user_modules import user_modules
from frostline.errors import Problem, UserError, user_error
from frostline.models.source_runs import MODEL_PARTS, chain, read_config, source_run
from frostline.results.file_digest import combined, is_settled
from frostline.results.identity import CODE_KEYS, INPUTS, run_id
from frostline.types import Config


def with_inputs(config: Config) -> Config:
    """Return the config with the checksums of what it reads under the key `inputs`, without the key if it is nothing.

    Raises:
        UserError: a file cannot be read, or a module has changed since this process imported it.
    """
    without = {key: value for key, value in config.items() if key != INPUTS}
    inputs = local_inputs(without)
    return without | ({INPUTS: inputs} if inputs else {})


def local_inputs(config: Config) -> dict[str, str]:
    """Return key -> checksum of each file, folder, run or module of the user that a key of the config names."""
    return dict(_inputs(config, ""))


def raise_if_changed(config: Config) -> None:
    """Check, once the parts of a run are made, that their content is that in the run's id.

    Raises:
        UserError: a file or module has changed since the config was composed.
    """
    recorded: Mapping[str, str] = config.get(INPUTS, {})
    now = local_inputs({key: value for key, value in config.items() if key != INPUTS}) if recorded else {}
    do = "start the command again: with the changed content it is a new run"
    problems = [
        Problem(key, f"{describe_input(config, key)} has changed since the run began", do)
        for key in sorted({*recorded, *now})
        if recorded.get(key) != now.get(key)
    ]
    if problems:
        raise UserError(problems)


def describe_input(config: Config, key: str) -> str:
    """Return the name of the file, folder or module that a key of `inputs` is about."""
    value: Any = config
    for name in key.split("."):
        value = value[int(name)] if isinstance(value, list | tuple) else value[name]
    if key.rpartition(".")[2] in CODE_KEYS:
        return f"module {str(value).rpartition('.')[0]}, or one that it imports,"
    return f"'{value}'"


def _inputs(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return
    prefix = f"{key}." if key else ""
    for name, item in value.items():
        if name in CODE_KEYS and isinstance(item, str) and not item.startswith(OURS):
            yield from _code(f"{prefix}{name}", item)
        yield from _inputs(item, f"{prefix}{name}")
    if isinstance(value.get("_target_"), str) and value.get("pin") is None:
        yield from path_digests(value, prefix)
        yield from _run_digests(value, key)


def _run_digests(part: Mapping[str, Any], role: str) -> Iterator[tuple[str, str]]:
    """Yield the checksum of the run that a part is taken from: of its id, its weights and what its part reads."""
    if (run := source_run(part)) is None:
        return
    try:
        list(chain({role: part}, role))
    except UserError:  # the check reports it
        return
    config, key = read_config(run), f"{role}.path"
    content = local_inputs({name: config[name] for name in MODEL_PARTS[role]})
    yield key, combined(content | {"id": run_id(config), "weights": read_digest(key, run.best)})


def _code(key: str, target: str) -> Iterator[tuple[str, str]]:
    """Yield the checksum of the user's modules that a class or function is defined in."""
    modules = user_modules(target)
    if modules:
        yield key, combined({name: _module_digest(key, name, file) for name, file in modules.items()})


def _module_digest(key: str, name: str, file: Path) -> str:
    """Return the checksum of a module, which must be that of the code that this process has imported."""
    digest = read_digest(key, file)
    imported = session.current().imported
    if name not in sys.modules:
        imported[str(file)] = digest
        _remove_stale_bytecode(file)
    elif imported.setdefault(str(file), digest) != digest:
        raise user_error(key, f"'{file}' has changed since this process imported it", "start the command again")
    return digest


def _remove_stale_bytecode(file: Path) -> None:
    """Remove compiled code that Python would take for that of a changed file: it compares sizes and whole seconds."""
    with contextlib.suppress(OSError, NotImplementedError):
        compiled = Path(importlib.util.cache_from_source(str(file)))
        if not is_settled(file.stat().st_ctime_ns, compiled.stat().st_mtime_ns):
            compiled.unlink()
