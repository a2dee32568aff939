"""The reasons why two runs may have different results, as far as their records show them; the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frostline.results.compare.aspects import differences

NUMERIC_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "lightning",
    "torchmetrics",
    "numpy",
    "scikit-learn",
)
PRECISION = "precision"
MACHINE_KEYS = ("device", PRECISION, "ranks", "threads", "together", "processor", "platform", "python")
DESCRIPTIONS = {"together": "runs trained together, whose sums are rounded in another order"}


def likely_reasons(configs: Sequence[Mapping[str, Any]], environments: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each recorded difference of two runs that can change a result."""
    reasons = [
        *_inputs(configs, environments),
        *_package_versions(environments),
        *_machines(environments),
        *_commits(environments),
    ]
    if not reasons:
        return ["no recorded difference explains it"]
    return [f"likely reason: {reasons[0]}", *(f"also recorded: {line}" for line in reasons[1:])]


def _inputs(configs: Sequence[Mapping[str, Any]], environments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first, second = environments
    if changed := [f"{key} ({a} | {b})" for key, a, b in differences(configs[0], configs[1])]:
        yield f"another config: {', '.join(changed)}"
    if first["data"] != second["data"]:
        lines = ", ".join(f"{key}: {a} | {b}" for key, a, b in differences(first["data"], second["data"]))
        yield f"other data ({lines})"
    if first["encoder"] != second["encoder"]:
        yield "other weights of the encoder"


def _package_versions(environments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first, second = (environment["packages"] for environment in environments)
    for name in NUMERIC_PACKAGES:
        if first.get(name) != second.get(name):
            yield f"another version of {name} ({first.get(name)} | {second.get(name)})"


def _machines(environments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first, second = environments
    for key in MACHINE_KEYS:
        unknown = key == PRECISION and not (key in first and key in second)  # older records lack it
        if first.get(key) != second.get(key) and not unknown:
            yield f"{DESCRIPTIONS.get(key, key)} ({first.get(key)} | {second.get(key)})"


def _commits(environments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    commits = [environment["git"]["commit"] for environment in environments]
    if commits[0] != commits[1]:
        yield f"another commit of the working folder ({' | '.join(str(commit)[:8] for commit in commits)})"
    for which, environment in zip(("first", "second"), environments, strict=True):
        if environment["git"]["dirty"]:
            yield f"uncommitted changes of the working folder in the {which}"
