"""The Ray launcher: jobs as tasks of Ray, on the nodes of a cluster that share the sweep's folder.

Heavy imports are inside functions: Hydra imports this file at every start.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra.core.utils import JobReturn, env_override
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from frostline.errors import Problem
from hydra_plugins._launcher import DescribedJobsLauncher, set_values
from hydra_plugins._worker_process import RESTART_HINT

if TYPE_CHECKING:
    from frostline.config.hydra_job import HydraJob

KEY = "hydra/launcher"
RAY_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # usage statistics are sent only if the user wants it
    "RAY_DEDUP_LOGS": "0",  # Ray takes "epoch 1 of 3" and "epoch 2 of 3" for duplicates
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # recommended by Ray where no GPU is requested
}


class RayLauncher(DescribedJobsLauncher):
    """Run each job as a task. init, remote: arguments of `ray.init` and, for each job, of `ray.remote`.

    environ: prefixes of the names of environment variables that jobs get from this process; others come from the node.
    """

    def __init__(self, init: DictConfig, remote: DictConfig, environ: Sequence[str]) -> None:
        self.init, self.remote = _to_dict(init), _to_dict(remote)
        self.prefixes = tuple(environ)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        with _user_errors_printed():
            self._start_ray()

    @staticmethod
    def problems() -> Iterator[Problem]:
        """Yield what prevents the launcher from starting."""
        if find_spec("ray") is None:
            yield Problem(KEY, "ray is not installed", "pip install 'frostline[ray]'")

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        jobs = self.prepare(job_overrides, initial_job_idx)
        with env_override(self.environ):
            return set_values(jobs, self._run_on_nodes([job.return_value for job in jobs]))

    def _start_ray(self) -> None:
        """Connect to a cluster, or start Ray on this machine until this process ends."""
        from frostline.errors import user_error

        os.environ.update(RAY_SETTINGS | os.environ)
        import ray

        try:
            if not ray.is_initialized():
                _check_address(self.init.get("address") or os.environ.get("RAY_ADDRESS") or "")
                ray.init(**self.init)
            self.run_remotely = ray.remote(**self.remote)(_run_on_node)
        except Exception as error:
            what = f"Ray cannot be used: {str(error).strip().splitlines()[0]}"
            raise user_error(KEY, what, "correct hydra.launcher.init or .remote") from error
        nodes: Any = ray.nodes  # is typed in some versions of Ray
        self._check_capacity([node["Resources"] for node in nodes() if node["Alive"]])

    def _check_capacity(self, nodes: list[dict[str, float]]) -> None:
        """Refuse jobs that fit on no node; Ray would wait for such a node forever."""
        from frostline.errors import user_error

        needs = {"CPU": self.remote.get("num_cpus") or 0, "GPU": self.remote.get("num_gpus") or 0}
        needs |= self.remote.get("resources") or {}
        if not any(all(node.get(name, 0) >= number for name, number in needs.items()) for node in nodes):
            have = [{name: node.get(name, 0) for name in needs} for node in nodes]
            raise user_error(
                "hydra.launcher.remote", f"no node has {needs} for a job", f"ask for less; they have {have}"
            )

    def _run_on_nodes(self, jobs: Sequence[HydraJob]) -> list[float]:
        """Return the values of jobs. A job whose worker gives no answer is recorded as failed."""
        import ray

        from frostline.sweeps.execute import record_lost_job

        context = self._job_environment(), str(Path.cwd()), sys.path
        tasks = [self.run_remotely.options(name=job.folder.name) for job in jobs]  # Ray prefixes output with the name
        running = {task.remote(job, *context): i for i, (task, job) in enumerate(zip(tasks, jobs, strict=True))}
        values: dict[int, float] = {}
        while running:
            for done in ray.wait(list(running), timeout=1.0)[0]:
                i = running.pop(done)
                try:
                    values[i] = ray.get(done)
                except ray.exceptions.RayTaskError as error:  # the node cannot start it; run_job itself raises nothing
                    values[i] = record_lost_job(jobs[i], error)
                except ray.exceptions.RayError as error:
                    values[i] = record_lost_job(jobs[i], _worker_lost(error))
        return [values[i] for i in range(len(jobs))]

    def _job_environment(self) -> dict[str, str]:
        """Return the environment variables that a job gets from this process."""
        passed = {name: value for name, value in os.environ.items() if name.startswith(self.prefixes)}
        return passed | self.environ


def _run_on_node(job: HydraJob, environ: dict[str, str], folder: str, path: list[str]) -> float:
    """Run one job as it would run in the command's process. A worker runs several jobs, one after the other."""
    os.chdir(folder)
    os.environ.update(environ)
    sys.path += [entry for entry in path if entry not in sys.path]
    from frostline.sweeps.execute import run_job

    return run_job(job)


def _worker_lost(error: Exception) -> Exception:
    from frostline.errors import FrostlineError

    reason = str(error).strip().splitlines()[0].rstrip(".")
    return FrostlineError(f"its worker was lost: {reason}; {RESTART_HINT}")


def _check_address(address: str) -> None:
    """Connect to HOST:PORT, where Ray would try for minutes.

    Raises:
        OSError: nothing answers there.
    """
    if match := re.fullmatch(r"\[?([^/\]]+)\]?:(\d+)", address):
        socket.create_connection((match[1], int(match[2])), timeout=10).close()


def _to_dict(node: DictConfig) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(node, resolve=True))


@contextmanager
def _user_errors_printed() -> Iterator[None]:
    """Print a UserError and exit. Hydra would print its traceback."""
    from frostline.errors import UserError

    try:
        yield
    except UserError as error:
        print(error.render(), file=sys.stderr)
        raise SystemExit(error.status) from error
