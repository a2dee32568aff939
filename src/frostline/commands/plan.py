"""frostline plan [-m] [KEY=VALUE ...] [--write FILE]: what will learn when, from the shapes of the model alone.

Phases down, blocks across, the multiplier of `optimizer.lr` in each cell; then what keeping all below the frost line
can save. Of a sweep also what it will take, and of a fused one which jobs are trained together. FILE gets the plan as
rules to edit.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from frostline.config import jobs as command
from frostline.config.checks.source import capabilities
from frostline.config.fusable import FUSED, groups
from frostline.errors import wrong
from frostline.freezing.plan import Plan
from frostline.freezing.savings import savings_line
from frostline.freezing.table import plan_rules, plan_table
from frostline.models.interfaces import Capability
from frostline.results.sweep_status import lasting
from frostline.sweeps import forecast
from frostline.sweeps.forecast import Run
from frostline.types import Config, Corpus


def main(argv: list[str]) -> int:
    """Print the plan of each job of the command; the encoder's weights are not loaded.

    Raises:
        UserError: the config is wrong, the strategy does not fit the model, or FILE exists already.
    """
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    file, rest = _written_to(argv)
    jobs = command.jobs(rest)
    if file is not None:
        _check_writable(file, len(jobs))
    texts: dict[str, Corpus] = {}
    runs = [run_of(job.config, texts) for job in jobs]
    shown: dict[str, list[command.Job]] = {}
    for job, run in zip(jobs, runs, strict=True):
        shown.setdefault(_shown(run), []).append(job)
    for plan, own in shown.items():
        print("\n".join([*(" ".join(job.overrides) for job in own if len(jobs) > 1), plan]))
    if file is not None:
        write_rules(runs[0].plan, jobs[0], file)
    if len(jobs) > 1 and jobs[0].search is None:
        print("\n".join(_foretold(jobs, runs)))
    return 0


def _shown(run: Run) -> str:
    fitted_head = Capability.FIT in capabilities(run.config["head"]["_target_"])
    lines = [plan_table(run.plan, fitted_head), savings_line(run.plan)]
    return "\n".join(filter(None, lines))


def _foretold(jobs: Sequence[command.Job], runs: Sequence[Run]) -> Iterator[str]:
    """What the sweep will take: of a fused one group by group."""
    fused = any(job.launcher == FUSED for job in jobs)
    found = groups([job.config for job in jobs]) if fused else []
    costs = [forecast.seconds(group, runs) for group in found] or [run.seconds for run in runs]
    yield from (f"{group}: about {lasting(cost)}" for group, cost in zip(found, costs, strict=False))
    whole = sum(costs)
    yield f"{len(jobs)} jobs: about {lasting(whole)} on two CPU cores, less what the store has already"


def _written_to(argv: list[str]) -> tuple[Path | None, list[str]]:
    if "--write" not in argv:
        return None, argv
    at = argv.index("--write")
    if at + 1 == len(argv):
        raise wrong("--write", "names no file", "give frostline plan … --write FILE")
    return Path(argv[at + 1]), argv[:at] + argv[at + 2 :]


def _check_writable(file: Path, jobs: int) -> None:
    if jobs > 1:
        raise wrong("--write", f"{jobs} jobs have {jobs} plans", "write one at a time, without -m")
    if file.exists():
        raise wrong("--write", f"'{file}' exists", "name a new file")
    if not file.parent.is_dir():
        raise wrong("--write", f"'{file.parent}' is no folder", "name a file in one that exists")


def plan_from_shapes(config: Config) -> Plan:
    """The plan of a config: texts are read for their classes, of the weights the shapes alone."""
    return run_of(config, {}).plan


def run_of(config: Config, texts: dict[str, Corpus]) -> Run:
    """texts: what has been read before, by the data set's config."""
    from frostline.config.shapes import blocks_of
    from frostline.data.build import load_corpus
    from frostline.freezing.build import plan_from_config

    key = json.dumps(config["dataset"], sort_keys=True, default=str)
    corpus = texts[key] = texts.get(key) or load_corpus(config["dataset"])
    return Run(config, plan_from_config(config, blocks_of(config, corpus.classes))[0], corpus)


def write_rules(plan: Plan, job: command.Job, file: Path) -> None:
    """The plan as a file that `freezing=rules freezing.file=FILE` reads back; the last phase takes what is left."""
    import yaml

    if any(phase.when is not None for phase in plan.phases):
        what = "its phases begin when training decides, which a written plan cannot say"
        raise wrong("--write", what, "choose a strategy whose plan is fixed, such as freezing=gradual")
    phases = plan_rules(plan)
    phases[-1]["epochs"] = None
    text = yaml.safe_dump({"phases": phases}, sort_keys=False, default_flow_style=None, width=100)
    back = f"frostline {shlex.join(_reading(job, file))}"
    file.write_text(f"# {back}\n{text}", encoding="utf-8")
    print(f"written to {file}; read it back with: {back}", file=sys.stderr)


def _reading(job: command.Job, file: Path) -> list[str]:
    """Overrides that train by the file as the job trains: its own, with the strategy's rate and epochs spelt out."""
    spelt = re.compile(r"[+~]*(freezing[=.]|trainer\.max_epochs=|optimizer\.lr=)")
    kept = [line for line in job.overrides if not spelt.match(line)]
    named = str(file) if re.fullmatch(r"[\w ./-]+", str(file)) else "'" + str(file).replace("'", "\\'") + "'"
    epochs, lr = job.config["trainer"]["max_epochs"], job.config["optimizer"]["lr"]
    return [*kept, "freezing=rules", f"freezing.file={named}", f"trainer.max_epochs={epochs}", f"optimizer.lr={lr}"]
