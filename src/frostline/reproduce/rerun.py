"""A recorded run, done once more: ``python -m frostline.reproduce.rerun RECORD FOLDER``; started by `reproduce`.

A process of its own, as the number of threads is settled when torch is loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from frostline.errors import FrostlineError, UserError
from frostline.reproduce.recorded import config_of, data_problems
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder


def main() -> None:
    record, folder = (RunFolder(Path(word)) for word in sys.argv[1:])
    try:
        again(record, folder)
    except FrostlineError as error:
        print(error.render() if isinstance(error, UserError) else error, file=sys.stderr)
        sys.exit(error.status)


def again(record: RunFolder, folder: RunFolder) -> None:
    """Do the run of the record in the folder.

    Raises:
        UserError: its config cannot be run here, or its texts are no longer those that they were.
    """
    import torch

    from frostline.data.build import load_corpus, load_shifts
    from frostline.training.run import run

    config, told = config_of(record), read_json(record.environment)
    torch.set_num_threads(told["threads"])  # more than there are cores, too, which what is in the environment is cut to
    corpus = load_corpus(config["dataset"])
    shifts = load_shifts(config["dataset"], corpus)
    if problems := data_problems(corpus, shifts, told["data"]):
        raise UserError(problems)
    result = read_json(record.result)
    run(config, result["choices"], result["overrides"], folder.path)


if __name__ == "__main__":
    main()
