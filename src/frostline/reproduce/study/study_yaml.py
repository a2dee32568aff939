"""study.yaml, read with all that is wrong in it; what is right is there even so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from frostline.errors import Problem, UserError, did_you_mean
from frostline.report.parsers import line_problems
from frostline.reproduce.study.study import FILE, Arm, Described, Rates

KEYS = ("seeds", "across", "rates", "settings", "arms", "tables", "figures")
OF_ARM = {"set": dict, "only": dict, "without": list, "where": dict, "tries": dict, "script": str}
OF_RATES = ("times", "seed", "best")
DO = "see experiments/inadequacy/study.yaml for an example"


class Unique(yaml.SafeLoader):
    """What is named twice would be there once."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.twice: list[str] = []

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [str(key.value) for key, _ in node.value]
        self.twice += sorted({name for name in names if names.count(name) > 1})
        return super().construct_mapping(node, deep)


Unique.add_implicit_resolver(  # yaml 1.1 takes 2e-5 for a word, and Hydra for a number
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


class Reader:
    """problems: of all that has been read so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.problems = folder, list[Problem]()

    def study(self) -> Described:
        """Raises UserError where it is no yaml at all."""
        told = self._keys("", self._content(), dict.fromkeys(KEYS))
        across = {str(key): self._values(f"across.{key}", v) for key, v in self._mapping(told, "across").items()}
        seeds = self._numbers("seeds", told.get("seeds"), whole=True)
        return Described(
            folder=self.folder,
            seeds=[int(seed) for seed in seeds],
            across=across,
            rates=self._rates(self._mapping(told, "rates")),
            arms=[self._arm(str(name), arm, across) for name, arm in self._mapping(told, "arms", needed=True).items()],
            settings=self._mapping(told, "settings"),
            tables={str(k): self._typed("report", str(v)) for k, v in self._mapping(told, "tables").items()},
            figures={str(k): self._typed("figures", str(v)) for k, v in self._mapping(told, "figures").items()},
        )

    def _content(self) -> dict[str, Any]:
        file = self.folder / FILE
        try:
            loader = Unique(file.read_text(encoding="utf-8"))
            content = loader.get_single_data()
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(Problem(str(file), f"cannot be read ({reason})", "correct it"), "study") from error
        self.problems += [Problem(name, "is there twice", "give each its own name") for name in loader.twice]
        return content if isinstance(content, dict) else {}

    def _keys(self, above: str, told: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        """Less those that mean nothing here."""
        for key in told:
            if key not in known:
                self.problems.append(Problem(f"{above}{key}", "no such key", did_you_mean(str(key), list(known))))
        return {key: value for key, value in told.items() if key in known and value is not None}

    def _mapping(self, told: Mapping[str, Any], key: str, needed: bool = False, above: str = "") -> dict[str, Any]:
        found = told.get(key, {})
        if not isinstance(found, dict) or (needed and not found):
            what = "is missing" if key not in told else f"{found!r} is no mapping"
            self.problems.append(Problem(f"{above}{key}", what, DO))
            return {}
        return found

    def _values(self, key: str, told: Any) -> list[str]:
        """Of a list such as [bert_tiny, minilm], none of them twice."""
        found = list(map(str, told)) if isinstance(told, list) else []
        if not found or len(set(found)) < len(found):
            self.problems.append(Problem(key, f"{told!r} is no list of different names", DO))
        return list(dict.fromkeys(found))

    def _numbers(self, key: str, told: Any, whole: bool = False) -> list[float]:
        """Of a list such as [1/3, 1, 3], none of them twice."""
        try:
            found = [float(Fraction(str(one))) for one in told]
        except (TypeError, ValueError, ZeroDivisionError):
            found = []
        if not found or len(set(found)) < len(found) or (whole and any(one % 1 for one in found)):
            kind = "whole numbers" if whole else "numbers"
            what = "is missing" if told is None else f"{told} is no list of different {kind}"
            self.problems.append(Problem(key, what, DO))
        return found

    def _rates(self, told: Mapping[str, Any]) -> Rates:
        told = {"times": [1], "seed": 1, "best": "val/f1_macro"} | self._keys("rates.", told, dict.fromkeys(OF_RATES))
        if not str(told["best"]).startswith("val/"):
            what = f"'{told['best']}' is no metric of validation, and to choose by test texts is to train on them"
            self.problems.append(Problem("rates.best", what, "give one such as val/f1_macro"))
        seeds = self._numbers("rates.seed", [told["seed"]], whole=True)
        return Rates(self._numbers("rates.times", told["times"]), int(next(iter(seeds), 1)), str(told["best"]))

    def _arm(self, name: str, told: Any, across: Mapping[str, list[str]]) -> Arm:
        above = f"arms.{name}."
        if told is not None and not isinstance(told, dict):
            self.problems.append(Problem(above[:-1], f"{told!r} is no mapping", "give {set: {KEY: VALUE}}"))
            told = None
        told = self._keys(above, told or {}, OF_ARM)
        wrong = [key for key in told if not isinstance(told[key], OF_ARM[key])]
        self.problems += [Problem(f"{above}{key}", f"{told[key]!r} is no {_KINDS[OF_ARM[key]]}", DO) for key in wrong]
        told = {key: value for key, value in told.items() if key not in wrong}
        only = {
            key: [str(v) for v in (vs if isinstance(vs, list) else [vs])] for key, vs in told.get("only", {}).items()
        }
        where = self._where(f"{above}where.", told.get("where", {}))
        for part, places in (("only", only), ("where", where), ("without", dict.fromkeys(told.get("without", []), ()))):
            self.problems += _unknown(f"{above}{part}", places, across)
        return Arm(
            name,
            told.get("set", {}),
            only,
            told.get("without", []),
            where,
            self._tries(above, told.get("tries", {})),
            self._script(above, told.get("script")),
        )

    def _where(self, above: str, told: Mapping[Any, Any]) -> dict[str, dict[str, dict[str, Any]]]:
        cases = {str(key): self._mapping(told, key, above=above) for key in told}
        return {
            key: {str(value): self._mapping(own, value, above=f"{above}{key}.") for value in own}
            for key, own in cases.items()
        }

    def _tries(self, above: str, told: Mapping[str, Any]) -> tuple[str, list[Any]] | None:
        if not told:
            return None
        [(key, values), *more] = told.items()
        if more or not isinstance(values, list) or not values:
            do = "give one key and what to try, such as {head.C: [0.1, 1, 10]}"
            self.problems.append(Problem(f"{above}tries", f"{dict(told)} is no choice", do))
            return None
        return str(key), values

    def _script(self, above: str, name: str | None) -> str | None:
        if name and not (self.folder / name).is_file():
            self.problems.append(Problem(f"{above}script", f"'{name}' is no file of {self.folder}", "correct its name"))
        return name

    def _typed(self, verb: str, line: str) -> list[str]:
        try:
            found = shlex.split(line)
        except ValueError:
            self.problems.append(Problem(verb, f"'{line}' ends within quotes", "close them"))
            return []
        self.problems += line_problems(verb, found)
        return found


_KINDS = {dict: "mapping", list: "list", str: "name"}


def _unknown(above: str, places: Mapping[str, Any], across: Mapping[str, list[str]]) -> Iterator[Problem]:
    """Keys and values that nothing is crossed with."""
    for key, values in places.items():
        if key not in across:
            yield Problem(f"{above}.{key}", "nothing is crossed with it", did_you_mean(str(key), list(across)))
            continue
        for value in values:
            if value not in across[key]:
                yield Problem(f"{above}.{key}", f"'{value}' is none of them", did_you_mean(value, across[key]))
