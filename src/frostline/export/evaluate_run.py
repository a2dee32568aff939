"""Evaluation of a run from the command line: its model, the texts, the scores, and the record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frostline.export.evaluate import score_splits, stored_evaluation, write_evaluation
from frostline.export.evaluation_data import read_dataset, read_file
from frostline.export.load import load_model
from frostline.results.atomic_files import read_json
from frostline.results.folder import EVALUATION, RunFolder
from frostline.types import Config


def evaluate_run(
    run: RunFolder, name: str, dataset: Config, file: Path | None, pairs: Mapping[str, str], keep: bool
) -> tuple[Mapping[str, Any], bool]:
    """Return the record of the evaluation, and whether it is new; it is written if it is.

    Args:
        name: of the test set, test_<name>.
        dataset: the config of the data set, or of how the file is written.
        pairs: names of classes in the data set -> those of the run.
        keep: leave out no text.

    Raises:
        UserError: the data set does not fit the run, or the name is taken.
        OSError: the record cannot be written.
    """
    trained = load_model(run.path)
    data = (
        read_dataset(trained, dataset, pairs, keep) if file is None else read_file(trained, file, dataset, pairs, keep)
    )
    if (stored := stored_evaluation(trained, name, data)) is not None:
        return stored, False
    scores = score_splits(trained, {name: data.split})[name]
    source: dict[str, Any] = {"config": dataset, "map": dict(pairs), "keep_training_texts": keep}
    if file is not None:
        with file.open("rb") as content:
            source |= {"file": str(file), "sha256": hashlib.file_digest(content, "sha256").hexdigest()}
    folder = write_evaluation(trained, name, data, source, scores)
    return read_json(folder / EVALUATION), True
