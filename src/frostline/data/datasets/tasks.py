from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from frostline.data.build import source_of
from frostline.errors import Problem
from frostline.instantiate import make
from frostline.types import Positive


class Tasks:
    """Several data sets, each of which is a task with classes and a head of its own above one encoder.

    sampling: how an epoch, which has as many texts as all tasks together, is divided among the tasks. With `size` it
    has each text once; with `temperature` the share of a task is its number of texts to the power of 1 / temperature
    (arXiv:1910.10683, section 3.5.2); with `even` all shares are equal.

    Args:
        tasks: names of choices of `dataset`.
        settings: the config of each, by its name.
    """

    multi_label = False

    def __init__(
        self,
        tasks: Sequence[str],
        settings: Mapping[str, Mapping] | None = None,  # type: ignore[type-arg]  # the arguments of any data set
        sampling: Literal["size", "temperature", "even"] = "size",
        temperature: Positive = 2.0,
    ) -> None:
        self.names, self.settings = list(tasks), dict(settings or {})

    def downloads(self) -> list[str]:
        return [line for source in self._sources() if hasattr(source, "downloads") for line in source.downloads()]

    def problems(self) -> list[Problem]:
        """Return the problems of the list of tasks."""
        key = "dataset.tasks"
        nested = [name for name, dataset in self.settings.items() if "tasks" in dataset]
        problems = [Problem(key, f"'{name}' has tasks itself", "name its tasks") for name in nested]
        if len(self.names) < 2:
            what = f"{self.names}, and a run with tasks has several data sets"
            problems.append(Problem(key, what, "name two or more, or choose dataset=<name>"))
        return problems

    def _sources(self) -> Iterator[Any]:
        for dataset in self.settings.values():
            yield make(source_of(dict(dataset)))
