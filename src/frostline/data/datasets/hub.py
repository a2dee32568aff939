"""Data sets of the Hugging Face hub, or a local folder in one of its layouts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from frostline.data.corpus import DataNote, RawData
from frostline.data.downloads.package_cache import home_folder
from frostline.data.files.cells import Columns
from frostline.data.files.columns import ColumnSettings
from frostline.data.files.hub_files import FORMATS, format_of, read_splits
from frostline.data.files.table_files import FileSettings
from frostline.data.files.table_parts import raw_data
from frostline.data.files.typed_files import named_class
from frostline.errors import Problem, UserError, did_you_mean, user_error
from frostline.results.home_paths import expand_home

if TYPE_CHECKING:
    from datasets import Dataset, DatasetBuilder

SECONDS_TO_ANSWER = 10.0
T = TypeVar("T")


class Hub:
    """Splits by name; val and test are cut from train where they are null. Two text columns make pairs.

    csv, tsv and json files are read as `dataset=table` reads them, and the same arguments say how they are written.
    """

    local_folders = ("name",)

    def __init__(
        self,
        name: str,
        config: str | None = None,
        revision: str | None = None,
        train: str = "train",
        val: str | None = None,
        test: str | None = "test",
        text_column: str | Sequence[str] = "text",
        label_column: str | Sequence[str] = "label",
        multi_label: bool | None = None,
        label_separator: str | None = None,
        separator: str | None = None,
        encoding: str | None = None,
        quoting: bool | None = None,
    ) -> None:
        self.name, self.config, self.revision = name, config, revision
        self.splits = {"train": train, "val": val, "test": test}
        self.columns = ColumnSettings(text_column, label_column, multi_label, label_separator)
        self.format = FileSettings(self.columns.names, self.columns.label_column, separator, encoding, quoting)

    def downloads(self) -> list[str]:
        if self._folder().is_dir() or any(folder.is_dir() for folder in _cached(self.name)):
            return []
        return [f"{self.name} from the Hugging Face hub (its page tells the size)"]

    def problems(self) -> list[Problem]:
        """Return what is wrong with the arguments, without the data."""
        problems = [*self.columns.problems(), *self.format.problems()]
        try:
            self._folder()
        except UserError as error:
            problems += error.problems
        return problems

    def load(self) -> RawData:
        if problems := self.problems():
            raise UserError(problems)
        tables, notes = self._tables()
        parts = {part: split for part, split in self.splits.items() if split is not None}
        return raw_data(
            {part: (f"{self.name} ({part})", tables[split]) for part, split in parts.items()}, self.columns, notes
        )

    def _folder(self) -> Path:
        return expand_home(self.name, "dataset.name")

    def _tables(self) -> tuple[dict[str, Columns], list[DataNote]]:
        """Return split -> its columns.

        Raises:
            UserError: the data set cannot be loaded, or has no such splits.
        """
        from datasets import load_dataset

        builder = self._builder()
        splits = list(dict.fromkeys(split for split in self.splits.values() if split is not None))
        if format_of(builder) in FORMATS:
            self._check_splits(list(map(str, builder.config.data_files)))
            return self._guarded(lambda: read_splits(builder, splits, self.format))
        # of local files the library compares the times alone, so its cache may have an older content
        mode = "force_redownload" if self._folder().is_dir() else None
        found = self._guarded(
            lambda: load_dataset(self._source(), self.config, revision=self.revision, download_mode=mode)
        )
        self._check_splits(list(map(str, found)))
        return {split: self._cells_of(found[split]) for split in splits}, []

    def _source(self) -> str:
        local = self._folder()
        return str(local.absolute()) if local.is_dir() else self.name

    def _builder(self) -> DatasetBuilder:
        from datasets import load_dataset_builder

        if not self._folder().is_dir():
            self._refuse_lost_folder()
            if (offline := self._offline_builder()) is not None:
                return offline
            self._reach()
        return self._guarded(lambda: load_dataset_builder(self._source(), self.config, revision=self.revision))

    def _offline_builder(self) -> DatasetBuilder | None:
        """Return the builder of files that were downloaded before, if they are wanted and in a format we read."""
        from datasets import load_dataset_builder
        from huggingface_hub import snapshot_download
        from huggingface_hub.constants import is_offline_mode

        if not is_offline_mode():
            return None
        try:
            folder = snapshot_download(self.name, repo_type="dataset", revision=self.revision, local_files_only=True)
            builder = load_dataset_builder(folder, self.config)
        except Exception:  # the cache of `datasets` may have it, and it is asked next
            return None
        return builder if format_of(builder) in FORMATS else None

    def _guarded(self, load: Callable[[], T]) -> T:
        """Return what `load` returns, with the errors of the library as user errors."""
        from datasets.exceptions import DatasetsError

        try:
            return load()
        except (DatasetsError, OSError, ValueError) as error:
            reason = error.__cause__ or error  # datasets wraps the reason in "an error occurred"
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

    def _check_splits(self, known: Sequence[str]) -> None:
        problems = []
        for part, split in self.splits.items():
            if split is not None and split not in known:
                do = did_you_mean(split, known) + ("" if part == "train" else f" (null cuts {part} from train)")
                problems.append(Problem(f"dataset.{part}", f"{self.name} has no split {split!r}", do))
        if problems:
            raise UserError(problems)

    def _cells_of(self, data: Dataset) -> Columns:
        """Return the columns that are needed, and the names of the others with no cells."""
        names = self.columns.names
        return {name: self._cells(data, name) if name in names else [] for name in data.column_names}

    def _cells(self, data: Dataset, column: str) -> list[Any]:
        feature = data.features[column]
        inner = getattr(feature, "feature", None)  # of a list
        names = getattr(feature, "names", None) or getattr(inner, "names", None)  # of a ClassLabel
        return list(data[column]) if names is None else [named_class(cell, names) for cell in data[column]]


def _cached(name: str) -> list[Path]:
    """Return the folders in which the libraries keep a data set of the hub: as tables, or as the files themselves."""
    home = Path(os.environ.get("HF_HOME") or (home_folder() or Path("~")) / ".cache" / "huggingface")
    tables = Path(os.environ.get("HF_DATASETS_CACHE") or home / "datasets") / name.replace("/", "___")
    files = Path(os.environ.get("HF_HUB_CACHE") or home / "hub") / f"datasets--{name.replace('/', '--')}"
    return [tables, files / "snapshots"]


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
