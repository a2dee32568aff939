"""Composition that tells every mistake of a command: the good overrides are composed, the others explained."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from frostline.config.checks import suggest
from frostline.config.checks.check import SUPPLIED
from frostline.config.checks.signature import read
from frostline.config.choices import named, options, paths
from frostline.config.hydra_internals import HydraLoader
from frostline.config.renamed import renamed
from frostline.config.resolve import one_line
from frostline.config.resolvers import verb_names
from frostline.errors import Problem, UserError, did_you_mean

GRAMMAR = "quote what holds spaces or any of ,=[]{}: KEY='\"a, b\"'"


class Composer:
    """Hydra's loader with a memory of what was wrong. doubtful: groups whose choice is not known."""

    def __init__(self, loader: HydraLoader, config_name: str) -> None:
        self.loader, self.config_name = loader, config_name
        self.problems: list[Problem] = []
        self.doubtful: set[str] = set()

    def parse(self, lines: list[str]) -> list[Override]:
        """The overrides that follow Hydra's grammar; the others become problems."""
        parser = OverridesParser.create(config_loader=self.loader)
        parsed: list[Override] = []
        for line in lines:
            try:
                [override] = parser.parse_overrides([line])
            except HydraException:
                override = None
            if override is not None and override.key_or_group:
                parsed.append(override)
            else:
                self.problems.append(_ungrammatical(line))
        return parsed

    def compose(self, lines: list[str], mode: RunMode = RunMode.RUN) -> DictConfig | None:
        """The config; where an override is wrong, without it."""
        try:
            return self._load(lines, mode)
        except Exception:
            return self._tolerant(lines, mode)

    def _load(self, lines: list[str], mode: RunMode) -> DictConfig:
        return self.loader.load_configuration(self.config_name, lines, mode, validate_sweep_overrides=False)

    def _tolerant(self, lines: list[str], mode: RunMode) -> DictConfig | None:
        overrides = [o for o in self.parse(lines) if not o.is_sweep_override()]
        chosen = [o for o in overrides if self._is_choice(o)]
        known = [o for o in chosen if self._is_known(o)]
        cfg = self._with_choices([str(o.input_line) for o in known], mode)
        for override in overrides:
            if cfg is not None and override not in chosen:
                self._apply(override, cfg)
        return cfg

    def _is_choice(self, override: Override) -> bool:
        group = override.key_or_group
        return self.loader.repository.group_exists(group) and not isinstance(override.value(), dict)

    def _is_known(self, override: Override) -> bool:
        unknown = [name for name in named(override) if not self.knows(override.key_or_group, name)]
        return not unknown

    def knows(self, group: str, name: str) -> bool:
        """Whether a group has a choice; if not, that is a problem."""
        if "${" in name or self.loader.repository.config_exists(f"{group}/{name}"):
            return True
        known = list(options(self.loader, group))
        hint = did_you_mean(name, known, "" if known else f"this group is empty; leave {group} out")
        if there := [g for g in self.loader.list_groups("") if self.loader.repository.config_exists(f"{g}/{name}")]:
            hint = f"did you mean {there[0]}={name}?"
        self.problems.append(Problem(group, f"there is no choice '{name}'", hint))
        self.doubtful.add(group.split("/")[0])
        return False

    def _with_choices(self, lines: list[str], mode: RunMode) -> DictConfig | None:
        """Composed with as many choices as can be had together."""
        try:
            return self._load(lines, mode)
        except Exception as error:
            if not lines:
                what = f"cannot be composed: {one_line(error)}"
                self.problems.append(Problem(self.config_name, what, "correct that file"))
                return None
            last = error
        for culprit in reversed(lines):
            try:
                cfg = self._load([line for line in lines if line != culprit], mode)
            except Exception:
                continue
            self.problems.append(_bad_choice(culprit, last))
            return cfg
        self.problems.append(_bad_choice(lines[-1], last))
        return self._with_choices(lines[:-1], mode)

    def _apply(self, override: Override, cfg: DictConfig) -> None:
        try:
            self.loader.apply_overrides([override], cfg)
        except Exception as error:  # Hydra asserts where it could explain
            if override.key_or_group.split(".")[0] not in self.doubtful:
                self.problems.append(self._explain(override, cfg, error))

    def _explain(self, override: Override, cfg: DictConfig, error: Exception) -> Problem:
        key, line = override.key_or_group, str(override.input_line)
        known = [*paths(cfg, hydra=override.is_hydra_override()), *self.loader.list_groups("")]
        if override.is_add() and key in known:
            return Problem(key, "is there already", f"leave out the plus: {line[1:]}")
        if key not in known:
            return self._unknown(key, line, cfg, known)
        return Problem(key, f"cannot be set: {one_line(error)}", "see `frostline --help` for its place")

    def _unknown(self, key: str, line: str, cfg: DictConfig, known: list[str]) -> Problem:
        role, _, name = key.partition(".")
        if by := SUPPLIED.get(role, {}).get(name):
            return Problem(key, f"is set from {by}", "remove it")
        if name in _taken(cfg, role):
            return Problem(key, "is not in the yaml, though its part takes it", f"write +{line}, or add it to the yaml")
        if problem := renamed(key):
            return problem
        return Problem(key, "no such key", suggest.path(key, [k for k in known if not k.endswith("_target_")]))


def _taken(cfg: DictConfig, role: str) -> Iterable[str]:
    """The arguments of the part that a role names."""
    target = OmegaConf.select(cfg, f"{role}._target_", default=None)
    try:
        return read(target, role).parameters if isinstance(target, str) else ()
    except UserError:
        return ()


def _ungrammatical(line: str) -> Problem:
    if re.fullmatch(r"[\w-]+", line):
        verbs = verb_names()
        hint = did_you_mean(line, verbs, f"the verbs are: {', '.join(verbs)}")
        return Problem(line, "is neither a verb nor KEY=VALUE", hint)
    key = re.split(r"[=\s]", line.lstrip("+~"))[0] or line
    return Problem(key, f"'{line}' is not KEY=VALUE in Hydra's grammar", GRAMMAR)


def _bad_choice(line: str, error: Exception) -> Problem:
    group, _, name = line.lstrip("+~").partition("=")
    return Problem(group, f"'{name}' cannot be chosen: {one_line(error)}", "correct its yaml, or see `frostline list`")
