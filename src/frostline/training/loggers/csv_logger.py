"""The Lightning logger that writes metrics.csv of the run folder. Every run has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from frostline.results import metrics_csv
from frostline.results.folder import RunFolder


class CsvLogger(Logger):
    """Appends each logged value. Without `log_curves` it writes the final values only."""

    def __init__(self, folder: RunFolder, log_curves: bool = True) -> None:
        super().__init__()
        self.folder, self.log_curves = folder, log_curves

    @property
    def name(self) -> str:
        return "record"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the config is in config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        values = {name: value for name, value in metrics.items() if "/" in name}
        if self.log_curves and values:
            metrics_csv.append_metrics(self.folder.metrics, step or 0, int(metrics.get("epoch", 0)), values)

    def log_final(self, metrics: Mapping[str, float], step: int, epoch: int) -> None:
        """Append the final metrics; epoch: the one whose weights were scored."""
        metrics_csv.append_metrics(self.folder.metrics, step, epoch, metrics)
