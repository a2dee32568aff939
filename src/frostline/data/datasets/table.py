"""The user's texts and labels: csv, tsv, jsonl or parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from frostline.data.checks import column_problems, label_of, label_problems, naming_problems, texts_of
from frostline.data.corpus import Labelled, RawData
from frostline.data.table_files import columns
from frostline.errors import Problem, UserError


class Table:
    """One file a part; val and test are cut from train where they are not given. Two text columns make pairs."""

    def __init__(
        self,
        train: str,
        val: str | None = None,
        test: str | None = None,
        text_column: str | Sequence[str] = "text",
        label_column: str = "label",
    ) -> None:
        self.files = {"train": train, "val": val, "test": test}
        self.text_column, self.label_column = text_column, label_column

    def downloads(self) -> list[str]:
        return []

    def problems(self) -> list[Problem]:
        """Reads the files; everything that keeps them from being trained on."""
        return self._read()[1]

    def load(self) -> RawData:
        raw, problems = self._read()
        if raw is None or problems:
            raise UserError(problems)
        return raw

    def _read(self) -> tuple[RawData | None, list[Problem]]:
        problems = naming_problems(self.text_column, self.label_column)
        parts = {name: self._part(name, file, problems) for name, file in self.files.items() if file is not None}
        train = parts.get("train")
        if train is None or None in parts.values() or problems:
            return None, problems
        raw = RawData(train, parts.get("val"), parts.get("test"))
        return raw, label_problems(raw)

    def _part(self, name: str, file: str, problems: list[Problem]) -> Labelled | None:
        path = Path(file).expanduser()
        try:
            found = columns(f"dataset.{name}", path)
        except UserError as error:
            problems += error.problems
            return None
        bad = column_problems(path.name, found, self.text_column, self.label_column)
        problems += bad
        if bad:
            return None
        return Labelled(texts_of(found, self.text_column), [label_of(v) for v in found[self.label_column]])
