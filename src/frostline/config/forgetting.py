"""What Hydra would keep of each job until its sweep ends: two whole configs, more than a megabyte a job."""

from __future__ import annotations

from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class Forgetting(Callback):
    """Lets go of a job's configs when it has ended: they stand in its folder, and nothing asks for them here."""

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        job_return.cfg = job_return.hydra_cfg = None
