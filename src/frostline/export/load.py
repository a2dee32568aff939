"""Loading of the trained model of a run, with the training texts where its head needs them."""

from __future__ import annotations

from pathlib import Path

from frostline.data.build import load_corpus
from frostline.data.corpus import Split
from frostline.errors import user_error
from frostline.models.trained import TrainedModel, load_trained
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.types import Config


def load_model(folder: str | Path | RunFolder) -> TrainedModel:
    """Return the trained model of a run folder.

    Raises:
        UserError: it contains no complete run, or what the model needs has changed since.
    """
    run = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder))

    def demonstrations(dataset: Config) -> Split:
        corpus, recorded = load_corpus(dataset), read_json(run.environment)["data"]["fingerprint"]
        if corpus.fingerprint != recorded:
            what = "the training texts, some of which are demonstrations in its prompts, have changed"
            raise user_error(f"{run.path}: dataset", what, "put the data set back as it was, or repeat the run")
        return corpus.train

    return load_trained(run, demonstrations)
