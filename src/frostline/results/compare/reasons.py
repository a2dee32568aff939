"""Why two runs came to different results, as far as their records tell; the likeliest reason first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frostline.results.compare.aspects import differences

NUMERIC = ("torch", "transformers", "tokenizers", "peft", "lightning", "torchmetrics", "numpy", "scikit-learn")
MACHINE = ("device", "ranks", "threads", "together", "processor", "platform", "python")
NAMED = {"together": "runs trained together, whose sums are rounded in another order"}


def likely_reasons(configs: Sequence[Mapping[str, Any]], places: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines that name every recorded difference that can change a number; config and place of either run."""
    found = [*_inputs(configs, places), *_versions(places), *_machine(places), *_code(places)]
    if not found:
        return ["no recorded difference explains it"]
    return [f"likely reason: {found[0]}", *(f"also recorded: {line}" for line in found[1:])]


def _inputs(configs: Sequence[Mapping[str, Any]], places: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if changed := [f"{key} ({a} | {b})" for key, a, b in differences(configs[0], configs[1])]:
        yield f"another config: {', '.join(changed)}"
    if places[0]["data"] != places[1]["data"]:
        told = ", ".join(f"{key}: {a} | {b}" for key, a, b in differences(places[0]["data"], places[1]["data"]))
        yield f"other data ({told})"
    if places[0]["encoder"] != places[1]["encoder"]:
        yield "other weights of the encoder"


def _versions(places: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    packages = [place["packages"] for place in places]
    for name in NUMERIC:
        if packages[0].get(name) != packages[1].get(name):
            yield f"another version of {name} ({packages[0].get(name)} | {packages[1].get(name)})"


def _machine(places: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for key in MACHINE:
        if places[0].get(key) != places[1].get(key):
            yield f"{NAMED.get(key, key)} ({places[0].get(key)} | {places[1].get(key)})"


def _code(places: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    commits = [place["git"]["commit"] for place in places]
    if commits[0] != commits[1]:
        yield f"another commit of the working folder ({' | '.join(str(commit)[:8] for commit in commits)})"
    for which, place in zip(("first", "second"), places, strict=True):
        if place["git"]["dirty"]:
            yield f"uncommitted changes of the working folder in the {which}"
