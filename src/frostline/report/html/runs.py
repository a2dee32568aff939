"""Each run: its command, in what it differs from most, and the plan and environment that it shares with others."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frostline.report.formats.words import format_number
from frostline.report.html.markup import Markup, element, join_markup
from frostline.report.read import artifacts as records
from frostline.report.read.runs import RunRecord, format_value, is_covered
from frostline.report.warnings.warning import format_count
from frostline.results.identity import ASIDE

APART = ("command", "data", "encoder")  # of an environment: of the run itself


def runs_markup(runs: Sequence[RunRecord], metrics: Sequence[str]) -> Markup:
    """Runs, then the plans and environments they have, each once however many runs share it."""
    usual = most_common(runs)
    plans, places = SharedTexts("plan"), SharedTexts("environment")
    made = [_run(run, metrics, usual, plans, places) for run in runs]
    parts = [element("div", *made)]
    for shared, title in ((plans, "Plans"), (places, "Environments")):
        parts += [element("h3", title), *shared.listed()] if shared.texts else []
    return join_markup(*parts)


class SharedTexts:
    """Texts that runs have in common, numbered in the order in which they are met."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.texts: dict[str, int] = {}  # and how many runs have it

    def link(self, text: str) -> Markup | None:
        """To the text further down, opened by the browser when it is gone to."""
        if not text:
            return None
        self.texts[text] = self.texts.get(text, 0) + 1
        at = list(self.texts).index(text) + 1
        return element("a", f"{self.kind} {at}", href=f"#{self.kind}-{at}")

    def listed(self) -> Iterable[Markup]:
        for at, (text, runs) in enumerate(self.texts.items(), 1):
            summary = element("summary", f"{self.kind} {at}, of {format_count(runs)}")
            name = f"{self.kind} {at}"
            box = element("pre", text, id=f"{self.kind}-{at}", tabindex=0, role="region", aria_label=name)
            yield element("details", summary, box)


def most_common(runs: Sequence[RunRecord]) -> dict[str, Any]:
    """Of each group the choice, and of each config key the value, that most runs have."""
    keys = dict.fromkeys(key for run in runs for key in (*run.choices, *run.config))
    return {key: Counter(run.value(key) for run in runs).most_common(1)[0][0] for key in keys}


def config_differences(run: RunRecord, usual: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(key, its value, the usual one). Of a group that differs as a whole, its own keys are left out."""
    groups = [group for group in run.choices if run.choices[group] != usual[group]]
    found = [(group, run.choices[group], usual[group]) for group in groups]
    for key, most in usual.items():
        own = run.value(key)
        if (
            key not in run.choices
            and own != most
            and not is_covered(key, groups)
            and key.partition(".")[0] not in ASIDE
        ):
            found.append((key, own, most))
    return found


def _run(
    run: RunRecord, metrics: Sequence[str], usual: Mapping[str, Any], plans: SharedTexts, places: SharedTexts
) -> Markup:
    scores = ", ".join(f"{name} {format_number(run.metrics[name])}" for name in metrics if name in run.metrics)
    summary = element("summary", element("span", run.folder, class_="folder"), " ", element("small", scores))
    around = {key: value for key, value in records.read_environment(run).items() if key not in APART}
    links = [plans.link(records.read_plan(run)), places.link(environment_text(around))]
    return element("details", summary, _command(run), _differs(run, usual), _links(links), class_="run")


def _command(run: RunRecord) -> Markup:
    words = records.read_overrides(run)
    if words is None:
        return element("p", "Its command was not recorded.")
    code = element("code", shlex.join(["frostline", *words]))
    return element("div", element("pre", code), class_="command")


def _differs(run: RunRecord, usual: Mapping[str, Any]) -> Markup:
    found = config_differences(run, usual)
    if not found:
        return element("p", "Configured as most runs are.")
    rows = [
        join_markup(element("dt", key), element("dd", f"{format_value(own)} (most: {format_value(most)})"))
        for key, own, most in found
    ]
    return element("dl", *rows)


def _links(links: Sequence[Markup | None]) -> Markup | None:
    known = [link for link in links if link is not None]
    return element("p", *(part for link in known for part in (link, Markup(" ")))) if known else None


def environment_text(around: Mapping[str, Any]) -> str:
    """An environment.json in lines, its packages as one would pin them."""
    if not around:
        return ""
    lines = [f"{key}: {_told(value)}" for key, value in around.items() if key != "packages"]
    packages = around.get("packages")
    pins = [f"{name}=={version}" for name, version in packages.items()] if isinstance(packages, dict) else []
    return "\n".join([*lines, *(["packages:"] if pins else []), *pins])


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
