"""Data sets of the Hugging Face hub, or a local folder in one of its layouts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frostline.data.checks import (
    column_problems,
    label_of,
    label_problems,
    naming_problems,
    text_columns,
    texts_of,
)
from frostline.data.corpus import Labelled, RawData
from frostline.data.downloads.package_cache import home_folder
from frostline.errors import Problem, UserError, did_you_mean, user_error

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

SECONDS_TO_ANSWER = 10.0


class Hub:
    """Splits by name; val and test are cut from train where they are null. Two text columns make pairs."""

    def __init__(
        self,
        name: str,
        config: str | None = None,
        revision: str | None = None,
        train: str = "train",
        val: str | None = None,
        test: str | None = "test",
        text_column: str | Sequence[str] = "text",
        label_column: str = "label",
    ) -> None:
        self.name, self.config, self.revision = name, config, revision
        self.splits = {"train": train, "val": val, "test": test}
        self.text_column, self.label_column = text_column, label_column

    def downloads(self) -> list[str]:
        if self._folder().is_dir() or _cached(self.name).is_dir():
            return []
        return [f"{self.name} from the Hugging Face hub (its page tells the size)"]

    def problems(self) -> list[Problem]:
        """What can be told without the data."""
        return naming_problems(self.text_column, self.label_column)

    def load(self) -> RawData:
        if problems := self.problems():
            raise UserError(problems)
        found = self._fetch()
        if problems := self._absent_splits(found):
            raise UserError(problems)
        given = {part: found[split] for part, split in self.splits.items() if split is not None}
        problems = [problem for part, data in given.items() for problem in self._column_problems(part, data)]
        if problems:
            raise UserError(problems)
        parts = {part: self._labelled(data) for part, data in given.items()}
        raw = RawData(parts["train"], parts.get("val"), parts.get("test"))
        if problems := label_problems(raw):
            raise UserError(problems)
        return raw

    def _folder(self) -> Path:
        return Path(self.name).expanduser()

    def _fetch(self) -> DatasetDict:
        local = self._folder()
        if not local.is_dir():
            self._refuse_lost_folder()
            self._reach()
        from datasets import load_dataset
        from datasets.exceptions import DatasetsError

        try:
            name = str(local.absolute()) if local.is_dir() else self.name
            return load_dataset(name, self.config, revision=self.revision)
        except (DatasetsError, OSError, ValueError) as error:
            reason = error.__cause__ or error  # datasets wraps what it met in "an error occurred"
            key = "dataset.config" if "onfig" in str(reason) else "dataset.name"
            do = "choose another, or with HF_HUB_OFFLINE unset let it be fetched"
            raise user_error(key, f"{self.name!r} cannot be loaded ({_one_line(reason)})", do) from error

    def _refuse_lost_folder(self) -> None:
        if self.name.startswith(("/", ".", "~")) or self.name.count("/") > 1:
            raise user_error(
                "dataset.name", f"no folder {self.name}", "correct the path, or give a hub name such as owner/name"
            )

    def _reach(self) -> None:
        """One question with a time limit: `datasets` itself would try for half a minute before it says so."""
        from huggingface_hub import HfApi
        from huggingface_hub.constants import is_offline_mode
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError

        if is_offline_mode():
            return
        try:
            HfApi().dataset_info(self.name, revision=self.revision, timeout=SECONDS_TO_ANSWER)
        except GatedRepoError as error:
            do = "ask for access on its page, then log in with `hf auth login`"
            raise user_error("dataset.name", f"the hub lends {self.name!r} only to some", do) from error
        except (HfHubHTTPError, HFValidationError) as error:
            do = "correct dataset.name and dataset.revision, or log in with `hf auth login` if it is private"
            raise user_error("dataset.name", f"the hub has no {self._described()} for you", do) from error
        except Exception as error:  # the HTTP library behind HfApi has changed its name before
            do = "check the network, or set HF_HUB_OFFLINE=1 to use a copy fetched before"
            raise user_error(
                "dataset.name", f"the hub cannot be reached for {self.name!r} ({_one_line(error)})", do
            ) from error

    def _described(self) -> str:
        return f"{self.name!r}" + (f" at revision {self.revision!r}" if self.revision else "")

    def _absent_splits(self, found: DatasetDict) -> list[Problem]:
        problems, known = [], list(found)
        for part, split in self.splits.items():
            if split is not None and split not in found:
                do = did_you_mean(split, known) + ("" if part == "train" else f" (null cuts {part} from train)")
                problems.append(Problem(f"dataset.{part}", f"{self.name} has no split {split!r}", do))
        return problems

    def _column_problems(self, part: str, data: Dataset) -> list[Problem]:
        names = [*text_columns(self.text_column), self.label_column]
        columns = {name: self._cells(data, name) if name in names else [] for name in data.column_names}
        return column_problems(f"{self.name} ({part})", columns, self.text_column, self.label_column)

    def _labelled(self, data: Dataset) -> Labelled:
        labels = [label_of(cell) for cell in self._cells(data, self.label_column)]
        return Labelled(texts_of({n: list(data[n]) for n in text_columns(self.text_column)}, self.text_column), labels)

    def _cells(self, data: Dataset, column: str) -> list[Any]:
        feature = data.features[column]
        inner = getattr(getattr(feature, "feature", None), "names", None)  # of a list of ClassLabels
        if inner is not None:
            return [None if cell is None else [inner[number] for number in cell] for cell in data[column]]
        names = getattr(feature, "names", None)  # of a ClassLabel; it writes -1 for "not told"
        if names is None:
            return list(data[column])
        return [None if cell is None or cell < 0 else names[cell] for cell in data[column]]


def _cached(name: str) -> Path:
    home = Path(os.environ.get("HF_HOME") or (home_folder() or Path("~")) / ".cache" / "huggingface")
    return Path(os.environ.get("HF_DATASETS_CACHE") or home / "datasets") / name.replace("/", "___")


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
