"""The text of `frostline --help`, from the template in conf/config.yaml.

Hydra's function copies its search path once for each group that it lists, which takes twice as long.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping

from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.types import RunMode
from omegaconf import OmegaConf, flag_override

from frostline.config.arguments import Arguments
from frostline.config.hydra_internals import argument_parser, flags_help
from frostline.config.loader import ConfigLoader, open_loader


def help_text(arguments: Arguments) -> str:
    """Return what `frostline --help` prints for a command whose overrides compose."""
    loader = open_loader(arguments.config_path, arguments.config_dir)
    cfg = loader.load_configuration(arguments.config_name, arguments.overrides, run_mode=RunMode.RUN)
    HydraConfig.instance().set_config(cfg)
    template = string.Template(cfg.hydra.help.template)
    with flag_override(cfg, ["struct", "readonly"], False):
        del cfg["hydra"]
    return template.substitute(
        FLAGS_HELP=flags_help(argument_parser()),
        CONFIG=OmegaConf.to_yaml(cfg, resolve="--resolve" in arguments.argv),
        **_group_lines(loader),
    )


def _group_lines(loader: ConfigLoader) -> Mapping[str, str]:
    """Return a line for each group with its choices, Hydra's groups apart from ours."""
    lines = {group: f"{group}: {', '.join(sorted(names))}\n" for group, names in _groups_with_choices(loader) if names}
    hydra = [line for group, line in sorted(lines.items()) if group.split("/")[0] == "hydra"]
    ours = [line for group, line in sorted(lines.items()) if group.split("/")[0] != "hydra"]
    return {"HYDRA_CONFIG_GROUPS": "".join(hydra), "APP_CONFIG_GROUPS": "".join(ours)}


def _groups_with_choices(loader: ConfigLoader, parent: str = "") -> Iterator[tuple[str, list[str]]]:
    repository = loader.repository
    for name in repository.get_group_options(parent, ObjectType.GROUP):
        group = f"{parent}/{name}".lstrip("/")
        yield group, repository.get_group_options(group, ObjectType.CONFIG)
        yield from _groups_with_choices(loader, group)
