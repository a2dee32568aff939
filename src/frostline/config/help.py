"""The text of --help, from the template of the config as Hydra fills it, in half of the time.

Hydra copies all it knows of its sources once for each group that it lists.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping

from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.types import RunMode
from omegaconf import OmegaConf, flag_override

from frostline.config import search_path as search
from frostline.config.arguments import Arguments
from frostline.config.hydra_internals import argument_parser, flags_help
from frostline.config.loader import ConfigLoader


def text(arguments: Arguments) -> str:
    """What `frostline --help` prints; the overrides of the command compose."""
    loader = search.loader(arguments.config_path, arguments.config_dir)
    cfg = loader.load_configuration(arguments.config_name, arguments.overrides, run_mode=RunMode.RUN)
    HydraConfig.instance().set_config(cfg)
    template = string.Template(cfg.hydra.help.template)
    with flag_override(cfg, ["struct", "readonly"], False):
        del cfg["hydra"]
    return template.substitute(
        FLAGS_HELP=flags_help(argument_parser()),
        CONFIG=OmegaConf.to_yaml(cfg, resolve="--resolve" in arguments.argv),
        **_groups(loader),
    )


def _groups(loader: ConfigLoader) -> Mapping[str, str]:
    """Each group with its choices, in a line."""
    lines = {group: f"{group}: {', '.join(sorted(found))}\n" for group, found in _choices(loader, "") if found}
    hydra = [line for group, line in sorted(lines.items()) if group.split("/")[0] == "hydra"]
    ours = [line for group, line in sorted(lines.items()) if group.split("/")[0] != "hydra"]
    return {"HYDRA_CONFIG_GROUPS": "".join(hydra), "APP_CONFIG_GROUPS": "".join(ours)}


def _choices(loader: ConfigLoader, parent: str) -> Iterator[tuple[str, list[str]]]:
    repository = loader.repository
    for name in repository.get_group_options(parent, ObjectType.GROUP):
        group = f"{parent}/{name}".lstrip("/")
        yield group, repository.get_group_options(group, ObjectType.CONFIG)
        yield from _choices(loader, group)
