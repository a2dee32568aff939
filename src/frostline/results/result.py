"""The result of a complete run, and those of a sweep, which print as the tables at the end of a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frostline.results.summary_table import COMPLETE, Row, summary_table


@dataclass(frozen=True, repr=False)
class Result:
    """The result of a complete run. It prints as the table of the run.

    Attributes:
        folder: the folder of the run.
        record: the content of result.json.
        how: "trained", "resumed" or "already complete".
    """

    folder: Path
    record: Mapping[str, Any] = field(compare=False)
    how: str = field(default=COMPLETE, compare=False)

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the best epoch on validation and of all test sets, such as test/f1_macro."""
        return dict(self.record["metrics"])

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the logits."""
        return list(self.record["classes"])

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config."""
        return dict(self.record["config"])

    @property
    def row(self) -> Row:
        """The row of the run in a table."""
        return Row(str(self.folder), self.record["choices"], self.record["overrides"], how=self.how)

    def __repr__(self) -> str:
        return summary_table([self.row])


class ResultList(list[Result]):
    """The results of a sweep, in the order of its jobs. They print as the table of the sweep."""

    def __repr__(self) -> str:
        return summary_table([result.row for result in self])
