"""What is wrong with the checkpoint of an encoder, found once for a command and before its first job.

`check` and each run load a folder that was not seen before and test it, which imports torch; the result is recorded, so
that this happens once for its content. `plan` reads no weights. Nothing is downloaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator

from frostline.config.checks.downloads import is_in_hub_cache
from frostline.config.checks.head import head_problems
from frostline.errors import Problem, UserError
from frostline.models.encoders.verified import checkpoint_key, read_verified
from frostline.models.source_runs import original_part
from frostline.results.home_paths import expand_home
from frostline.types import Config

PRETRAINED = "frostline.models.encoders.pretrained.Pretrained"
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # variables of the hub's client
TRUE = ("1", "ON", "YES", "TRUE")
SECONDS = 2.5  # to wait for an answer of the hub
DO = "give an existing folder, or a hub id such as owner/model"


def encoder_problems(encoder: Config) -> list[Problem]:
    """Return the problems of an encoder that is no folder and cannot be downloaded; nothing is loaded or asked for."""
    if not _is_named_by_user(encoder) or expand_home(str(encoder["name"]), "encoder.name").is_dir():
        return []
    return list(_absence_problems(str(encoder["name"])))


def checkpoint_problems(configs: Iterable[Config], needs_answer: bool) -> list[Problem]:
    """Load each folder that was not loaded before, and ask the hub once for each model that must be downloaded.

    Heads that are layers of the encoder's family are built on the folders that can be loaded.

    Args:
        configs: of the jobs of a command.
        needs_answer: whether a hub that does not answer is a problem too, as it is before a run.
    """
    configs = list(configs)
    originals = (original_part(config, "encoder") for config in configs)
    distinct = {json.dumps(encoder, sort_keys=True, default=str): encoder for encoder in originals}
    chosen = [encoder for encoder in distinct.values() if _is_named_by_user(encoder)]
    folders = {checkpoint_key(encoder): encoder for encoder in chosen}
    unseen = [encoder for key, encoder in folders.items() if key is not None and read_verified(key) is None]
    models = {str(encoder["name"]): encoder.get("revision") for encoder in chosen if _is_to_download(encoder)}
    problems = [problem for encoder in unseen for problem in _load(encoder)]
    problems += [problem for name, revision in models.items() for problem in _ask_hub(name, revision, needs_answer)]
    return list(dict.fromkeys(problems)) or head_problems(configs)


def _is_named_by_user(encoder: Config) -> bool:
    """Return whether the encoder is a folder or a hub id that the user names."""
    return encoder["_target_"] == PRETRAINED and not isinstance(encoder.get("pin"), dict)


def _is_to_download(encoder: Config) -> bool:
    name = str(encoder.get("name"))
    return not expand_home(name, "encoder.name").is_dir() and not is_in_hub_cache(name)


def _absence_problems(name: str) -> Iterator[Problem]:
    offline = next((variable for variable in OFFLINE if os.environ.get(variable, "").upper() in TRUE), None)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        yield Problem("encoder.name", f"'{name}' is no folder", DO)
    elif offline and not is_in_hub_cache(name):
        what = f"'{name}' is neither a folder nor in the cache of the hub, and {offline} forbids a download"
        yield Problem("encoder.name", what, "give an existing folder, or a hub id that was downloaded before")


def _load(encoder: Config) -> list[Problem]:
    """Load a checkpoint and test it, and return what is wrong with it."""
    from frostline.instantiate import make

    try:
        make(encoder)
    except UserError as error:
        return error.problems
    return []


def _ask_hub(name: str, revision: str | None, needs_answer: bool) -> Iterator[Problem]:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        HfApi().model_info(name, revision=revision, timeout=SECONDS)
    except RepositoryNotFoundError:
        yield Problem("encoder.name", f"'{name}' is no folder, and the hub has no such model", DO)
    except RevisionNotFoundError:
        what = f"{revision!r}, but the hub has no such revision of '{name}'"
        yield Problem("encoder.revision", what, "name a branch, a tag or a commit")
    except Exception as error:  # whatever the client raises without an answer
        if needs_answer:
            reason = " ".join(str(error).split())[:120]
            yield Problem("encoder.name", f"'{name}' is no folder, and the hub cannot be reached ({reason})", DO)
