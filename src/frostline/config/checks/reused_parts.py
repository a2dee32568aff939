"""The problems of an encoder or a head that is taken from a complete run, before anything is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from frostline.config.checks.dataset import make_dataset
from frostline.config.checks.source import capabilities
from frostline.config.inputs import describe_input, local_inputs
from frostline.config.shapes import encoder_width
from frostline.data.build import load_corpus
from frostline.errors import Problem, UserError
from frostline.models.interfaces import Capability
from frostline.models.source_runs import (
    MODEL_PARTS,
    ROLES,
    TARGETS,
    chain,
    class_problem,
    merge_problem,
    original_part,
    prompt_problem,
    read_config,
    source_run,
)
from frostline.results.folder import RunFolder
from frostline.results.identity import INPUTS
from frostline.types import Config

NO_ADAPTER = "frostline.models.adapters.none.NoAdapter"


def reuse_problems(config: Config, sound: Sequence[str]) -> list[Problem]:
    """Return the problems of the runs that encoder and head come from, without those of their classes.

    sound: the parts of the model whose arguments are right; the others are not looked at.
    """
    problems: list[Problem] = []
    for role in [role for role in TARGETS if role in sound]:
        try:
            runs = list(chain(config, role))
        except UserError as error:
            problems += error.problems
        else:
            problems += [problem for run in runs for problem in _run_problems(run, role)]
    if not problems and sound == list(ROLES) and (run := source_run(config["head"])) is not None:
        problems += [*_width_problems(config, run), *_pooler_problems(config, run)]
    return problems


def class_problems_of_heads(configs: Sequence[Config]) -> list[Problem]:
    """Return the problems of heads from runs with other classes than the data, where the texts are on disk."""
    problems: list[Problem] = []
    seen: set[str] = set()
    for config in configs:
        run = source_run(config["head"])
        key = json.dumps([config["head"], config["dataset"]], sort_keys=True, default=str)
        if run is None or key in seen:
            continue
        seen.add(key)
        problems += _class_problems(config, run)
    return list(dict.fromkeys(problems))


def _class_problems(config: Config, run: RunFolder) -> list[Problem]:
    source = make_dataset(config["dataset"])
    if hasattr(source, "downloads") and source.downloads():
        return []  # the run reports it before it trains
    try:
        corpus = load_corpus(config["dataset"])
    except UserError as error:
        return error.problems
    problem = class_problem(run, "head.path", corpus.classes, corpus.multi_label)
    return [] if problem is None else [problem]


def _run_problems(run: RunFolder, role: str) -> Iterator[Problem]:
    """Yield why the part of a run cannot be used in another one."""
    config, key = read_config(run), f"{role}.path"
    adapter = config["adapter"]["_target_"]
    if role == "encoder" and adapter != NO_ADAPTER and not capabilities(adapter).get(Capability.MERGEABLE):
        yield merge_problem(run, key)
    poolerless = {Capability.FORWARD_PROMPT, Capability.FORWARD_STATES}
    if role == "head" and poolerless & capabilities(config["head"]["_target_"]).keys():
        yield prompt_problem(run, key)
    parts = {part: config[part] for part in MODEL_PARTS[role]}
    before = {name: digest for name, digest in config.get(INPUTS, {}).items() if name.partition(".")[0] in parts}
    now = local_inputs(parts)
    for name in sorted(before):
        if before[name] != now.get(name):
            what = f"{describe_input(config, name)} has changed since the run in '{run.path}'"
            yield Problem(key, what, "restore it, or repeat that run")


def _width_problems(config: Config, run: RunFolder) -> Iterator[Problem]:
    """Yield a problem if the head was trained on vectors of another width, where both are known."""
    width, trained = (encoder_width(original_part(each, "encoder")) for each in (config, read_config(run)))
    if width is not None and trained is not None and width != trained:
        what = (
            f"the head of '{run.path}' reads vectors of width {trained}, and this encoder has vectors of width {width}"
        )
        yield Problem("head.path", what, "give a run whose encoder has the same width")


def _pooler_problems(config: Config, run: RunFolder) -> Iterator[Problem]:
    """Yield a problem if the head was trained on vectors that another pooler has made."""
    pooler, trained = config["pooler"], read_config(run)["pooler"]
    name = trained["_target_"].split(".")[-2]
    if Capability.TRAINABLE in capabilities(trained["_target_"]):
        what = f"the head of '{run.path}' reads vectors of pooler={name}, whose trained weights would be left behind"
        yield Problem("head.path", what, "give a run whose pooler has no weights, such as pooler=mean")
    elif pooler != trained:
        what = f"the head of '{run.path}' was trained on vectors of another pooler ({name})"
        yield Problem("pooler", what, f"choose pooler={name} with the arguments that it had")
