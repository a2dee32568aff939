"""Jobs of a sweep as tasks of Ray, on the nodes of a cluster that share the folder in which the sweep is run.

Hydra reads this file at every start, so that all else is imported in use.
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

if TYPE_CHECKING:
    from frostline.config.hydra_job import HydraJob

KEY = "hydra/launcher"
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent anywhere unasked
    "RAY_DEDUP_LOGS": "0",  # else one of "epoch 1 of 3" and "epoch 2 of 3" is shown
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # as Ray advises where no GPU is asked for
}


class RayLauncher(DescribedJobsLauncher):
    """init, remote: arguments of `ray.init` and, for each job, of `ray.remote`.

    environ: how the names of variables begin that jobs get from here; all others they have from their node.
    """

    def __init__(self, init: DictConfig, remote: DictConfig, environ: Sequence[str]) -> None:
        self.init, self.remote = _plain(init), _plain(remote)
        self.passed = tuple(environ)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        with _told():
            self._start()

    @staticmethod
    def problems() -> Iterator[Problem]:
        """What keeps it from starting here."""
        if find_spec("ray") is None:
            yield Problem(KEY, "ray is not installed", "pip install 'frostline[ray]'")

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        jobs = self.prepare(job_overrides, initial_job_idx)
        with env_override(self.environ):
            return set_values(jobs, self._values([job.return_value for job in jobs]))

    def _start(self) -> None:
        """Connect to a cluster, or start Ray on this machine until this process ends."""
        from frostline.errors import user_error

        os.environ.update(QUIET | os.environ)
        import ray

        try:
            if not ray.is_initialized():
                _reach(self.init.get("address") or os.environ.get("RAY_ADDRESS") or "")
                ray.init(**self.init)
            self.do = ray.remote(**self.remote)(_do)
        except Exception as error:
            why = str(error).strip().splitlines()[0]
            raise user_error(KEY, f"Ray cannot be used: {why}", "correct hydra.launcher.init or .remote") from error
        nodes: Any = ray.nodes  # which has types in some versions alone
        self._check_room([node["Resources"] for node in nodes() if node["Alive"]])

    def _check_room(self, nodes: list[dict[str, float]]) -> None:
        """Ray would wait without end for a node that can take a job."""
        from frostline.errors import user_error

        asked = {"CPU": self.remote.get("num_cpus") or 0, "GPU": self.remote.get("num_gpus") or 0}
        asked |= self.remote.get("resources") or {}
        if not any(all(node.get(name, 0) >= number for name, number in asked.items()) for node in nodes):
            have = [{name: node.get(name, 0) for name in asked} for node in nodes]
            raise user_error(
                "hydra.launcher.remote", f"no node has {asked} for a job", f"ask for less; they have {have}"
            )

    def _values(self, jobs: Sequence[HydraJob]) -> list[float]:
        import ray

        from frostline.sweeps.execute import record_lost_job

        here = self._here(), str(Path.cwd()), sys.path
        named = [self.do.options(name=job.folder.name) for job in jobs]  # of each line that a job says
        waiting = {do.remote(job, *here): i for i, (do, job) in enumerate(zip(named, jobs, strict=True))}
        values: dict[int, float] = {}
        while waiting:
            for done in ray.wait(list(waiting), timeout=1.0)[0]:
                place = waiting.pop(done)
                try:
                    values[place] = ray.get(done)
                except ray.exceptions.RayTaskError as error:  # of its node, which cannot begin it; a run's own is noted
                    values[place] = record_lost_job(jobs[place], error)
                except ray.exceptions.RayError as error:
                    values[place] = record_lost_job(jobs[place], _gone(error))
        return [values[place] for place in range(len(jobs))]

    def _here(self) -> dict[str, str]:
        """What a job's environment has from here."""
        passed = {name: value for name, value in os.environ.items() if name.startswith(self.passed)}
        return passed | self.environ


def _do(job: HydraJob, environ: dict[str, str], folder: str, path: list[str]) -> float:
    """On a node: one job, as it would be done here. A worker does several, one after another."""
    os.chdir(folder)
    os.environ.update(environ)
    sys.path += [place for place in path if place not in sys.path]
    from frostline.sweeps.execute import run_job

    return run_job(job)


def _gone(error: Exception) -> Exception:
    from frostline.errors import FrostlineError

    why = str(error).strip().splitlines()[0].rstrip(".")
    do = "start the same command again, it goes on from its last checkpoint"
    return FrostlineError(f"its worker was lost: {why}; {do}")


def _reach(address: str) -> None:
    """Ray itself would try for minutes. Raises OSError where nobody answers at HOST:PORT."""
    if found := re.fullmatch(r"\[?([^/\]]+)\]?:(\d+)", address):
        socket.create_connection((found[1], int(found[2])), timeout=10).close()


def _plain(node: DictConfig) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(node, resolve=True))


@contextmanager
def _told() -> Iterator[None]:
    """A mistake of the user's in words: Hydra would show any error as its traceback."""
    from frostline.errors import UserError

    try:
        yield
    except UserError as error:
        print(error.render(), file=sys.stderr)
        raise SystemExit(error.status) from error
