"""Repeat a recorded run: ``python -m frostline.reproduce.rerun RECORD FOLDER``, which `frostline reproduce` starts.

It is a separate process because the number of threads is fixed when torch is imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

from frostline.errors import FrostlineError, UserError
from frostline.reproduce.recorded import data_problems, recorded_config
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder


def main() -> None:
    """Repeat the run of the command line; exit with the status of the error if there is one."""
    record, folder = (RunFolder(Path(word)) for word in sys.argv[1:])
    sys.path.append(str(Path.cwd()))  # as in a command, where parts of the user can be in the working folder
    try:
        repeat_run(record, folder)
    except FrostlineError as error:
        print(error.render() if isinstance(error, UserError) else error, file=sys.stderr)
        sys.exit(error.status)


def repeat_run(record: RunFolder, folder: RunFolder) -> None:
    """Train the recorded config again, with the recorded number of threads, in another folder.

    Raises:
        UserError: the config cannot be run on this machine, or the texts have changed.
    """
    import torch

    from frostline.data.build import load_corpus, load_shifts
    from frostline.training.run import run

    config, environment = recorded_config(record), read_json(record.environment)
    torch.set_num_threads(environment["threads"])  # OMP_NUM_THREADS alone would be limited to the number of cores
    corpus = load_corpus(config["dataset"])
    shifts = load_shifts(config["dataset"], corpus)
    if problems := data_problems(corpus, shifts, environment["data"]):
        raise UserError(problems)
    result = read_json(record.result)
    run(config, result["choices"], result["overrides"], folder.path)


if __name__ == "__main__":
    main()
