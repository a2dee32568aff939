"""A trained model as a folder for another library."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from frostline.errors import UserError
from frostline.export.card import model_card
from frostline.export.folder import atomic_folder, folder_problems
from frostline.models.trained import TrainedModel

CARD = "README.md"
FORMATS = {
    "transformers": "frostline.export.formats.transformers_folder",
    "peft": "frostline.export.formats.peft_folder",
    "sentence-transformers": "frostline.export.formats.sentence_transformers_folder",
    "onnx": "frostline.export.formats.onnx_folder",
}


def export_model(trained: TrainedModel, target: Path, format: str = "transformers", with_head: bool = False) -> str:
    """Write the model with its card to a new folder and compare it with the trained one; return what was written.

    with_head: of sentence-transformers, write the head too.

    Raises:
        UserError: the format cannot hold the model, the folder exists already or cannot be written, or the exported
            model would predict differently.
    """
    writer: Any = importlib.import_module(FORMATS[format])
    head = {"with_head": with_head} if format == "sentence-transformers" else {}
    paths = {"target": target.absolute()} if format == "peft" else {}
    if problems := [*folder_problems(target), *writer.problems(trained, **head)]:
        raise UserError(problems, "export")
    with atomic_folder(target) as folder:
        description: str = writer.write(trained, folder, **head, **paths)
        if trained.folder.environment.exists():  # a card says what the record of a run says
            (folder / CARD).write_text(model_card(trained, format), encoding="utf-8")
    return description
