"""The fused launcher. Heavy imports are inside functions: Hydra imports this file at every start."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.utils import JobReturn, env_override

from hydra_plugins._launcher import DescribedJobsLauncher, set_values


class FusedLauncher(DescribedJobsLauncher):
    """Train all jobs together in this process."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from frostline.sweeps.execute import run_fused

        jobs = self.prepare(job_overrides, initial_job_idx)
        with env_override(self.environ):
            return set_values(jobs, run_fused([job.return_value for job in jobs]))
