"""metrics.csv of the run folder, as a Lightning logger. Always on: the folder holds the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from frostline.results import metrics_csv as curves
from frostline.results.folder import RunFolder


class CsvLogger(Logger):
    """Appends each value that is logged; with `keep_curves` off only what `conclude` is given."""

    def __init__(self, folder: RunFolder, keep_curves: bool = True) -> None:
        super().__init__()
        self.folder, self.keep_curves = folder, keep_curves

    @property
    def name(self) -> str:
        return "record"

    @property
    def version(self) -> str:
        return ""

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        return self.folder.metrics

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """The config stands in config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        values = {name: value for name, value in metrics.items() if "/" in name}
        if self.keep_curves and values:
            curves.append(self.folder.metrics, step or 0, int(metrics.get("epoch", 0)), values)

    def conclude(self, scores: Mapping[str, float], step: int, epoch: int) -> None:
        """The final scores, curves or not; `epoch` is the one whose weights were scored."""
        curves.append(self.folder.metrics, step, epoch, scores)
