"""A folder that is complete or absent: it is written under another name beside its target and then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frostline.errors import Problem, UserError


def folder_problems(target: Path) -> Iterator[Problem]:
    """Yield a problem if the target exists, or would be inside of a file."""
    if os.path.lexists(target):
        yield Problem(str(target), "exists already", "give another folder, or remove it")
    elif file := next((parent for parent in target.parents if parent.exists() and not parent.is_dir()), None):
        yield Problem(str(target), f"would be inside {file}, which is a file", "give another folder")


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`, which gets its name at the end; after an error nothing remains.

    Raises:
        UserError: the target exists, or the folder cannot be written, for example because the disk is full.
    """
    if problems := list(folder_problems(target)):
        raise UserError(problems, "export")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _finish_files(temporary)
        temporary.rename(target)
    except Exception as error:
        if not isinstance(error, OSError) and "(os error " not in str(error):  # safetensors and tokenizers: no OSError
            raise
        what = f"cannot be written ({getattr(error, 'strerror', None) or error})"
        raise UserError(Problem(str(target), what, "choose another folder, or free space"), "export") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _finish_files(folder: Path) -> None:
    """Write the files to the disk, with the permissions of any new file: those of safetensors are narrower."""
    mode = folder.stat().st_mode & 0o666
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)
            with path.open("rb") as file:
                os.fsync(file.fileno())
