"""The runs as HTML: the command of each, its differences from the other runs, and the plans and environments."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frostline.report.formats.words import format_number
from frostline.report.html.markup import Markup, element, join_markup
from frostline.report.read import artifacts
from frostline.report.read.runs import RunRecord, format_value, is_covered
from frostline.report.warnings.warning import format_count
from frostline.results.identity import NOT_IN_ID

OF_ONE_RUN = ("command", "data", "encoder", "tokens")  # entries of an environment that other runs do not share


def runs_markup(runs: Sequence[RunRecord], metrics: Sequence[str]) -> Markup:
    """Return the runs, then their plans and environments, each once for all runs that share it."""
    usual = most_common(runs)
    plans, environments = RepeatedTexts("plan"), RepeatedTexts("environment")
    items = [_run_markup(run, metrics, usual, plans, environments) for run in runs]
    parts = [element("div", *items)]
    for shared, title in ((plans, "Plans"), (environments, "Environments")):
        parts += [element("h3", title), *shared.markup()] if shared.texts else []
    return join_markup(*parts)


class RepeatedTexts:
    """Texts that runs share, numbered in the order of their first use."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.texts: dict[str, int] = {}  # text -> number of runs

    def link(self, text: str) -> Markup | None:
        """Return a link to the text below; the browser opens it when the link is followed."""
        if not text:
            return None
        self.texts[text] = self.texts.get(text, 0) + 1
        at = list(self.texts).index(text) + 1
        return element("a", f"{self.kind} {at}", href=f"#{self.kind}-{at}")

    def markup(self) -> Iterable[Markup]:
        for at, (text, runs) in enumerate(self.texts.items(), 1):
            name = f"{self.kind} {at}"
            summary = element("summary", f"{name}, of {format_count(runs)}")
            box = element("pre", text, id=f"{self.kind}-{at}", tabindex=0, role="region", aria_label=name)
            yield element("details", summary, box)


def most_common(runs: Sequence[RunRecord]) -> dict[str, Any]:
    """Return the most common choice of each group and the most common value of each config key."""
    keys = dict.fromkeys(key for run in runs for key in (*run.choices, *run.config))
    return {key: Counter(run.value(key) for run in runs).most_common(1)[0][0] for key in keys}


def config_differences(run: RunRecord, usual: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (key, its value, the most common value); the keys of a group with another choice are left out."""
    groups = [group for group in run.choices if run.choices[group] != usual[group]]
    differences = [(group, run.choices[group], usual[group]) for group in groups]
    for key, common in usual.items():
        if key in run.choices or is_covered(key, groups) or key.partition(".")[0] in NOT_IN_ID:
            continue
        if (value := run.value(key)) != common:
            differences.append((key, value, common))
    return differences


def _run_markup(
    run: RunRecord,
    metrics: Sequence[str],
    usual: Mapping[str, Any],
    plans: RepeatedTexts,
    environments: RepeatedTexts,
) -> Markup:
    scores = ", ".join(f"{name} {format_number(run.metrics[name])}" for name in metrics if name in run.metrics)
    summary = element("summary", element("span", run.folder, class_="folder"), " ", element("small", scores))
    environment = {k: v for k, v in artifacts.read_environment(run).items() if k not in OF_ONE_RUN}
    links = [plans.link(artifacts.read_plan(run)), environments.link(environment_text(environment))]
    return element(
        "details", summary, _command_markup(run), _differences_markup(run, usual), _links_markup(links), class_="run"
    )


def _command_markup(run: RunRecord) -> Markup:
    overrides = artifacts.read_overrides(run)
    if overrides is None:
        return element("p", "The command was not recorded.")
    code = element("code", shlex.join(["frostline", *overrides]))
    return element("div", element("pre", code), class_="command")


def _differences_markup(run: RunRecord, usual: Mapping[str, Any]) -> Markup:
    differences = config_differences(run, usual)
    if not differences:
        return element("p", "The config is that of most runs.")
    rows = [
        join_markup(element("dt", key), element("dd", f"{format_value(value)} (most runs: {format_value(common)})"))
        for key, value, common in differences
    ]
    return element("dl", *rows)


def _links_markup(links: Sequence[Markup | None]) -> Markup | None:
    present = [link for link in links if link is not None]
    return element("p", *(part for link in present for part in (link, Markup(" ")))) if present else None


def environment_text(environment: Mapping[str, Any]) -> str:
    """Return an environment.json as lines, its packages as pip requirements."""
    if not environment:
        return ""
    lines = [
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in environment.items()
        if key != "packages"
    ]
    packages = environment.get("packages")
    pins = [f"{name}=={version}" for name, version in packages.items()] if isinstance(packages, dict) else []
    return "\n".join([*lines, *(["packages:"] if pins else []), *pins])
