"""The plan of a run before it starts: it prints as a table, and is written as rules that can be edited."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.config.checks.source import capabilities
from frostline.config.checks.table_texts import TABLE
from frostline.config.checks.truncation import truncation_lines
from frostline.config.jobs import Job
from frostline.data.corpus import Corpus
from frostline.errors import user_error
from frostline.freezing.plan import Plan
from frostline.freezing.savings import savings_line
from frostline.freezing.table import plan_rules, plan_table
from frostline.models.interfaces import Capability
from frostline.sweeps.time_estimate import RunEstimate, estimate_run


@dataclass(frozen=True, repr=False)
class RunPlan:
    """The plan of one run, from the shapes of its model alone. It prints as a table.

    Attributes:
        job: the run.
        estimate: its plan, its texts, and estimates of its steps and its time.
    """

    job: Job
    estimate: RunEstimate

    @property
    def plan(self) -> Plan:
        return self.estimate.plan

    def __repr__(self) -> str:
        fitted_head = Capability.FIT in capabilities(self.estimate.config["head"]["_target_"])
        lines = [plan_table(self.plan, fitted_head), savings_line(self.plan)]
        return "\n".join(filter(None, lines))

    def write(self, file: str | Path) -> list[str]:
        """Write the plan to a new file, and return the overrides with which a run trains as the file says.

        The file has the phases as rules that can be edited. Its last phase takes the epochs that are left.

        Raises:
            UserError: the file exists, or the plan has phases whose beginning is decided during training.
        """
        import yaml

        path = Path(file)
        check_plan_file(path)
        if any(phase.when is not None for phase in self.plan.phases):
            what = "its phases begin when training decides, which a written plan cannot express"
            raise user_error("--write", what, "choose a strategy whose plan is fixed, such as freezing=gradual")
        phases = plan_rules(self.plan)
        phases[-1]["epochs"] = None
        text = yaml.safe_dump({"phases": phases}, sort_keys=False, default_flow_style=None, width=100)
        overrides = _overrides_to_read(self.job, path)
        path.write_text(f"# frostline {shlex.join(overrides)}\n{text}", encoding="utf-8")
        return overrides


def plans_of(jobs: Sequence[Job]) -> list[RunPlan]:
    """Return the plan of each job; the weights of its encoder are not loaded.

    Raises:
        UserError: a strategy does not fit its model, or the texts cannot be read.
    """
    corpora: dict[str, Corpus] = {}
    return [RunPlan(job, estimate_run(job.config, corpora)) for job in jobs]


def data_notes(plans: Sequence[RunPlan]) -> list[str]:
    """Return a line for each note on a table of the user, and for each data set of which texts are truncated."""
    estimates = [plan.estimate for plan in plans]
    tables = [run for run in estimates if run.config["dataset"]["_target_"] == TABLE]
    notes = [f"data: {note.message}" for run in tables for note in run.corpus.notes]
    texts = [run.corpus.train.texts for run in estimates]
    return list(dict.fromkeys([*notes, *truncation_lines([run.config for run in estimates], texts)]))


def check_plan_file(file: Path) -> None:
    """Raise UserError if a plan cannot be written to the file."""
    if file.exists():
        raise user_error("--write", f"'{file}' exists", "name a new file")
    if not file.parent.is_dir():
        raise user_error("--write", f"'{file.parent}' is no folder", "name a file in one that exists")


def _overrides_to_read(job: Job, file: Path) -> list[str]:
    """Return the overrides of a run that trains by the file as the job does: the learning rate and the epochs that the
    strategy chose are written out."""
    replaced = re.compile(r"[+~]*(freezing[=.]|trainer\.(max_epochs|min_steps)=|optimizer\.lr=)")
    overrides = [override for override in job.overrides if not replaced.match(override)]
    name = str(file) if re.fullmatch(r"[\w ./-]+", str(file)) else "'" + str(file).replace("'", "\\'") + "'"
    trainer, lr = job.config["trainer"], job.config["optimizer"]["lr"]
    lengths = [f"trainer.{key}={trainer[key]}" for key in ("max_epochs", "min_steps") if trainer[key] is not None]
    return [*overrides, "freezing=rules", f"freezing.file={name}", *lengths, f"optimizer.lr={lr}"]
