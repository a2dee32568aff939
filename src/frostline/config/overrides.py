"""Composition that reports every mistake of a command: the valid overrides are composed, the rest explained."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from frostline.config.arguments import subcommands
from frostline.config.checks import suggest
from frostline.config.checks.check import SUPPLIED
from frostline.config.checks.signature import read_signature
from frostline.config.choices import chosen_names, config_keys, group_choices
from frostline.config.hydra_internals import HydraLoader
from frostline.config.other_names import other_name
from frostline.config.renamed import renamed
from frostline.errors import Problem, UserError, did_you_mean, one_line
from frostline.override_text import override_text

GRAMMAR = "quote a value with spaces or any of ,=[]{}: KEY='\"a, b\"'"


class Composer:
    """Compose configs and collect the problems of their overrides.

    Attributes:
        problems: what is wrong with the overrides of all configs that were composed.
        unknown_groups: groups whose choice does not exist, so that the values below them cannot be checked.
        unparsed: keys of overrides that do not follow Hydra's grammar, whose values are therefore not known.
    """

    def __init__(self, loader: HydraLoader, config_name: str) -> None:
        self.loader, self.config_name = loader, config_name
        self.problems: list[Problem] = []
        self.unknown_groups: set[str] = set()
        self.unparsed: set[str] = set()

    def parse(self, lines: list[str]) -> list[Override]:
        """Return the overrides that follow Hydra's grammar; the rest become problems."""
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
                self.problems.append(_grammar_problem(line))
                self.unparsed.add(self.problems[-1].key)
        return parsed

    def parse_single_run(self, lines: list[str]) -> list[str]:
        """Return the overrides of a single run; a sweep among them becomes a problem."""
        overrides = self.parse(lines)
        do = "add -m to sweep over it, or write [a,b] for a list"
        for override in overrides:
            if override.is_sweep_override():
                self.problems.append(Problem(override.key_or_group, f"'{override_value(override)}' is a sweep", do))
        return [str(o.input_line) for o in overrides if not o.is_sweep_override()]

    def compose(self, lines: list[str], mode: RunMode = RunMode.RUN) -> DictConfig | None:
        """Return the config without the overrides that are wrong; None if nothing can be composed."""
        try:
            return self._load(lines, mode)
        except Exception:
            return self._compose_valid(lines, mode)

    def has_choice(self, group: str, name: str) -> bool:
        """Return whether a group has a choice; if it does not, that becomes a problem."""
        if "${" in name or self.loader.repository.config_exists(f"{group}/{name}"):
            return True
        known = list(group_choices(self.loader, group))
        hint = did_you_mean(name, known, "" if known else f"this group is empty; leave {group} out")
        groups = self.loader.list_groups("")
        if matches := [match for match in groups if self.loader.repository.config_exists(f"{match}/{name}")]:
            hint = f"did you mean {matches[0]}={name}?"
        self.problems.append(Problem(group, f"there is no choice '{name}'", hint))
        self.unknown_groups.add(group.split("/")[0])
        return False

    def _load(self, lines: list[str], mode: RunMode) -> DictConfig:
        return self.loader.load_configuration(self.config_name, lines, mode, validate_sweep_overrides=False)

    def _compose_valid(self, lines: list[str], mode: RunMode) -> DictConfig | None:
        overrides = [o for o in self.parse(lines) if not o.is_sweep_override()]
        choices = [o for o in overrides if self._is_choice(o)]
        known = [o for o in choices if self._is_known(o)]
        cfg = self._compose_choices([str(o.input_line) for o in known], mode)
        for override in overrides:
            if cfg is not None and override not in choices:
                self._apply(override, cfg)
        return cfg

    def _is_choice(self, override: Override) -> bool:
        group = override.key_or_group
        return self.loader.repository.group_exists(group) and not isinstance(override.value(), dict)

    def _is_known(self, override: Override) -> bool:
        unknown = [name for name in chosen_names(override) if not self.has_choice(override.key_or_group, name)]
        return not unknown

    def _compose_choices(self, lines: list[str], mode: RunMode) -> DictConfig | None:
        """Compose as many of the choices as can be composed together."""
        try:
            return self._load(lines, mode)
        except Exception as error:
            if not lines:
                what = f"cannot be composed: {one_line(error)}"
                self.problems.append(Problem(self.config_name, what, "correct that file"))
                return None
            last = error
        for line in reversed(lines):
            try:
                cfg = self._load([other for other in lines if other != line], mode)
            except Exception:
                continue
            self.problems.append(_choice_problem(line, last))
            return cfg
        self.problems.append(_choice_problem(lines[-1], last))
        return self._compose_choices(lines[:-1], mode)

    def _apply(self, override: Override, cfg: DictConfig) -> None:
        try:
            self.loader.apply_overrides([override], cfg)
        except Exception as error:  # an AssertionError too, which Hydra raises without a message
            if override.key_or_group.split(".")[0] not in self.unknown_groups:
                self.problems.append(self._explain(override, cfg, error))

    def _explain(self, override: Override, cfg: DictConfig, error: Exception) -> Problem:
        key, line = override.key_or_group, str(override.input_line)
        known = [*config_keys(cfg, hydra=override.is_hydra_override()), *self.loader.list_groups("")]
        if override.is_add() and key in known:
            return Problem(key, "exists already", f"leave out the plus: {line[1:]}")
        if key not in known:
            return self._explain_unknown(override, cfg, known)
        return Problem(key, f"cannot be set: {one_line(error)}", "see `frostline --help` for the config")

    def _explain_unknown(self, override: Override, cfg: DictConfig, known: list[str]) -> Problem:
        key, line = override.key_or_group, str(override.input_line)
        role, _, name = key.partition(".")
        if source := SUPPLIED.get(role, {}).get(name):
            return Problem(key, f"is set from {source}", "remove it")
        if name in _arguments_of_part(cfg, role):
            return Problem(key, "is an argument that the yaml does not list", f"write +{line}, or add it to the yaml")
        if problem := renamed(key) or other_name(key, override_value(override)):
            return problem
        return Problem(key, "no such key", suggest.path(key, [k for k in known if not k.endswith("_target_")]))


def override_value(override: Override) -> str:
    """Return the text after the equals sign of an override."""
    return str(override.input_line).partition("=")[2]


def _arguments_of_part(cfg: DictConfig, role: str) -> Iterable[str]:
    target = OmegaConf.select(cfg, f"{role}._target_", default=None)
    try:
        return read_signature(target, role).parameters if isinstance(target, str) else ()
    except UserError:
        return ()


def _grammar_problem(line: str) -> Problem:
    if re.fullmatch(r"[\w-]+", line):
        known = subcommands()
        hint = did_you_mean(line, known, f"the subcommands are: {', '.join(known)}")
        return Problem(line, "is neither a subcommand nor KEY=VALUE", hint)
    key, _, value = line.lstrip("+~").partition("=")
    what = f"'{line}' is not KEY=VALUE in Hydra's grammar"
    if not re.fullmatch(r"[\w./@-]+", key) or not value or value[0] in "[{":
        return Problem(re.split(r"[=\s]", line.lstrip("+~"))[0] or line, what, GRAMMAR)
    prefix = line[: len(line) - len(line.lstrip("+~"))]
    return Problem(key, what, f"type {override_text(prefix + key, value)}")


def _choice_problem(line: str, error: Exception) -> Problem:
    group, _, name = line.lstrip("+~").partition("=")
    return Problem(group, f"'{name}' cannot be chosen: {one_line(error)}", "correct its yaml, or see `frostline list`")
