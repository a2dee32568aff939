"""Read a study.yaml and collect all problems of it; the valid part is read even so."""

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
from frostline.reproduce.study.study import FILE, Arm, LearningRates, Study

KEYS = ("seeds", "across", "rates", "settings", "arms", "tables", "figures")
ARM_KEYS = {"set": dict, "only": dict, "without": list, "where": dict, "tries": dict, "script": str}
RATES_KEYS = ("times", "seeds", "seed", "best")
SEARCH_SEEDS = 3  # of the study, at which learning rates are compared by default
DO = "see experiments/inadequacy/study.yaml for an example"


class DuplicateKeyLoader(yaml.SafeLoader):
    """A yaml loader that collects duplicate keys, of which yaml would use the last."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.duplicates: list[str] = []

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [str(key.value) for key, _ in node.value]
        self.duplicates += sorted({name for name in names if names.count(name) > 1})
        return super().construct_mapping(node, deep)


DuplicateKeyLoader.add_implicit_resolver(  # 2e-5 is a string in yaml 1.1, and a number for Hydra
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


class StudyReader:
    """The reader of a study.yaml. problems: of all that has been read so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.problems = folder, list[Problem]()

    def study(self) -> Study:
        """Return the study without its invalid parts, which are in `problems`.

        Raises:
            UserError: the file cannot be parsed.
        """
        content = self._known_keys("", self._content(), dict.fromkeys(KEYS))
        across = {str(key): self._names(f"across.{key}", v) for key, v in self._mapping(content, "across").items()}
        seeds = self._numbers("seeds", content.get("seeds"), integers=True)
        arms = self._mapping(content, "arms", required=True)
        return Study(
            folder=self.folder,
            seeds=[int(seed) for seed in seeds],
            across=across,
            rates=self._rates(self._mapping(content, "rates"), [int(seed) for seed in seeds]),
            arms=[self._arm(str(name), arm, across) for name, arm in arms.items()],
            settings=self._mapping(content, "settings"),
            tables={str(k): self._arguments("report", str(v)) for k, v in self._mapping(content, "tables").items()},
            figures={str(k): self._arguments("figures", str(v)) for k, v in self._mapping(content, "figures").items()},
        )

    def _content(self) -> dict[str, Any]:
        file = self.folder / FILE
        try:
            loader = DuplicateKeyLoader(file.read_text(encoding="utf-8"))
            content = loader.get_single_data()
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(Problem(str(file), f"cannot be read ({reason})", "correct it"), "study") from error
        do = "give each key or arm another name"
        self.problems += [Problem(name, "is defined twice", do) for name in loader.duplicates]
        return content if isinstance(content, dict) else {}

    def _known_keys(self, prefix: str, content: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        """Return the known keys that have a value."""
        for key in content:
            if key not in known:
                self.problems.append(Problem(f"{prefix}{key}", "no such key", did_you_mean(str(key), list(known))))
        return {key: value for key, value in content.items() if key in known and value is not None}

    def _mapping(
        self, content: Mapping[str, Any], key: str, required: bool = False, prefix: str = ""
    ) -> dict[str, Any]:
        value = content.get(key, {})
        if not isinstance(value, dict) or (required and not value):
            what = "is missing" if key not in content else f"{value!r} is not a mapping"
            self.problems.append(Problem(f"{prefix}{key}", what, DO))
            return {}
        return value

    def _names(self, key: str, value: Any) -> list[str]:
        """Read a list such as [bert_tiny, minilm] without duplicates."""
        names = list(map(str, value)) if isinstance(value, list) else []
        if not names or len(set(names)) < len(names):
            self.problems.append(Problem(key, f"{value!r} is not a list of different names", DO))
        return list(dict.fromkeys(names))

    def _numbers(self, key: str, value: Any, integers: bool = False) -> list[float]:
        """Read a list such as [1/3, 1, 3] without duplicates."""
        try:
            numbers = [float(Fraction(str(item))) for item in value]
        except (TypeError, ValueError, ZeroDivisionError):
            numbers = []
        if not numbers or len(set(numbers)) < len(numbers) or (integers and any(number % 1 for number in numbers)):
            kind = "integers" if integers else "numbers"
            what = "is missing" if value is None else f"{value} is not a list of different {kind}"
            self.problems.append(Problem(key, what, DO))
        return numbers

    def _rates(self, content: Mapping[str, Any], study_seeds: list[int]) -> LearningRates:
        defaults = {"times": [1], "best": "val/f1_macro"}
        values = defaults | self._known_keys("rates.", content, dict.fromkeys(RATES_KEYS))
        if not str(values["best"]).startswith("val/"):
            what = f"'{values['best']}' is not a validation metric; a selection by test scores would bias them"
            self.problems.append(Problem("rates.best", what, "give one such as val/f1_macro"))
        times = self._numbers("rates.times", values["times"])
        return LearningRates(times, self._search_seeds(values, study_seeds), str(values["best"]))

    def _search_seeds(self, values: Mapping[str, Any], study_seeds: list[int]) -> list[int]:
        """Return `seeds`, or the one `seed` of older files; by default the first three seeds of the study."""
        if "seed" in values and "seeds" in values:
            self.problems.append(Problem("rates.seed", "is given beside rates.seeds", "leave it out"))
        if "seeds" in values:
            return [int(seed) for seed in self._numbers("rates.seeds", values["seeds"], integers=True)] or [1]
        if "seed" in values:
            return [int(seed) for seed in self._numbers("rates.seed", [values["seed"]], integers=True)] or [1]
        return study_seeds[:SEARCH_SEEDS] or [1]

    def _arm(self, name: str, content: Any, across: Mapping[str, list[str]]) -> Arm:
        prefix = f"arms.{name}."
        if content is not None and not isinstance(content, dict):
            do = "give {set: {KEY: VALUE}}"
            self.problems.append(Problem(prefix[:-1], f"{content!r} is not a mapping", do))
            content = None
        content = self._known_keys(prefix, content or {}, ARM_KEYS)
        wrong = [key for key in content if not isinstance(content[key], ARM_KEYS[key])]
        for key in wrong:
            what = f"{content.pop(key)!r} is not a {_TYPE_NAMES[ARM_KEYS[key]]}"
            self.problems.append(Problem(f"{prefix}{key}", what, DO))
        only = {
            key: [str(v) for v in (values if isinstance(values, list) else [values])]
            for key, values in content.get("only", {}).items()
        }
        where = self._where(f"{prefix}where.", content.get("where", {}))
        without = content.get("without", [])
        for part, values in (("only", only), ("where", where), ("without", dict.fromkeys(without, ()))):
            self.problems += _unknown_values(f"{prefix}{part}", values, across)
        return Arm(
            name,
            content.get("set", {}),
            only,
            without,
            where,
            self._tries(prefix, content.get("tries", {})),
            self._script(prefix, content.get("script")),
        )

    def _where(self, prefix: str, content: Mapping[Any, Any]) -> dict[str, dict[str, dict[str, Any]]]:
        cases = {str(key): self._mapping(content, key, prefix=prefix) for key in content}
        return {
            key: {str(value): self._mapping(case, value, prefix=f"{prefix}{key}.") for value in case}
            for key, case in cases.items()
        }

    def _tries(self, prefix: str, content: Mapping[str, Any]) -> tuple[str, list[Any]] | None:
        if not content:
            return None
        [(key, values), *more] = content.items()
        if more or not isinstance(values, list) or not values:
            do = "give one key and a list of values, such as {head.C: [0.1, 1, 10]}"
            self.problems.append(Problem(f"{prefix}tries", f"{dict(content)} is not a search over one key", do))
            return None
        return str(key), values

    def _script(self, prefix: str, name: str | None) -> str | None:
        if name and not (self.folder / name).is_file():
            what = f"'{name}' is not a file in {self.folder}"
            self.problems.append(Problem(f"{prefix}script", what, "correct its name"))
        return name

    def _arguments(self, subcommand: str, line: str) -> list[str]:
        """Split the arguments of `frostline report` or `frostline figures`, and check them."""
        try:
            words = shlex.split(line)
        except ValueError:
            self.problems.append(Problem(subcommand, f"'{line}' has an unclosed quote", "close it"))
            return []
        self.problems += line_problems(subcommand, words)
        return words


_TYPE_NAMES = {dict: "mapping", list: "list", str: "name"}


def _unknown_values(prefix: str, values_of: Mapping[str, Any], across: Mapping[str, list[str]]) -> Iterator[Problem]:
    """Yield a problem for each key and value that `across` does not have."""
    for key, values in values_of.items():
        if key not in across:
            yield Problem(f"{prefix}.{key}", "is not a key of across", did_you_mean(str(key), list(across)))
            continue
        for value in values:
            if value not in across[key]:
                yield Problem(f"{prefix}.{key}", f"'{value}' is not in across.{key}", did_you_mean(value, across[key]))
