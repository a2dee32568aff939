"""Where configs and parts are looked for: ours, the user's --config-dir, and ./experiments as experiment and sweep."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hydra import version
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.core.utils import JobRuntime, setup_globals
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from frostline.config import resolvers
from frostline.config.hydra_internals import FileSource, search_path
from frostline.config.loader import ConfigLoader, forget

VERSION_BASE = "1.3"
ARMS, SWEEPS = "experiment", "sweep"
STUDY = "study.yaml"  # what `reproduce` makes a study from, which is neither
PACKAGE = Path(__file__).resolve().parents[1]


def conf_folder() -> Path:
    """Inside an installed wheel, else beside src in the repository."""
    inside = PACKAGE / "conf"
    return inside if inside.is_dir() else PACKAGE.parents[1] / "conf"


def studies() -> list[Path]:
    """Folders with a folder a study: the user's, and the repository's where this is a checkout."""
    folders = [Path.cwd() / "experiments", conf_folder().parent / "experiments"]
    return folders[:1] if folders[1].parent == PACKAGE or folders[0] == folders[1] else folders


class Studies(FileSource):
    """experiments/<study>/<name>.yaml as <study>/<name> of the group sweep if it sets hydra.sweeper, or experiment."""

    @staticmethod
    def scheme() -> str:
        return "studies"

    def _below(self, config_path: str) -> str | None:
        """The path below experiments/ of what Hydra looks for; None if it is in neither group."""
        first, _, rest = config_path.partition("/")
        return rest if first in (ARMS, SWEEPS) else None

    def load_config(self, config_path: str) -> ConfigResult:
        return super().load_config(self._below(config_path) or "")

    def available(self) -> bool:
        return True  # a user need not have studies

    def is_group(self, config_path: str) -> bool:
        below = self._below(config_path)
        return config_path == "" or below == "" or bool(below and super().is_group(below))

    def is_config(self, config_path: str) -> bool:
        below = self._below(config_path)
        return bool(below and super().is_config(below)) and self._is_of(config_path)

    def _is_of(self, config_path: str) -> bool:
        """Whether a file belongs to the group it is looked for in; one that cannot be read may be meant for either."""
        file = Path(self.path) / f"{(self._below(config_path) or '').removesuffix('.yaml')}.yaml"
        if file.name == STUDY:
            return False
        try:
            sweeps = OmegaConf.select(OmegaConf.load(file), "hydra.sweeper") is not None
        except Exception:
            return True
        return sweeps == config_path.startswith(f"{SWEEPS}/")

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """All of a group at once, as <study>/<arm>, so that experiment=glob(<study>/*) finds them."""
        if config_path == "":
            return [ARMS, SWEEPS] if results_filter != ObjectType.CONFIG else []
        folder = Path(self.path) / (self._below(config_path) or "")
        files = sorted(folder.rglob("*.yaml")) if results_filter != ObjectType.GROUP else []
        names = [file.relative_to(folder).with_suffix("").as_posix() for file in files]
        return [name for name in names if self._is_of(f"{config_path}/{name}")]


class StudiesPath(SearchPathPlugin):
    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in studies():
            search_path.append("studies", f"studies://{folder}")


def register() -> None:
    """Make Hydra in this process know our resolvers and where studies are."""
    version.setbase(VERSION_BASE)
    resolvers.register()
    Plugins.instance().register(Studies)
    Plugins.instance().register(StudiesPath)
    _win_over_plugins()


def _win_over_plugins() -> None:
    """Hydra would fill in our launchers' files from the configs of the same name that installed plugins bring."""
    theirs = ConfigStore.instance().repo.get("hydra", {}).get("launcher", {})
    for file in (conf_folder() / "hydra" / "launcher").glob("*.yaml"):
        theirs.pop(file.name, None)


def make_importable(config_dir: str | None) -> None:
    """A user's own `_target_` lies in the working folder or beside the --config-dir; here and in child processes."""
    folders = [Path.cwd(), *([Path(config_dir).resolve().parent] if config_dir else [])]
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    for folder in map(str, folders):
        if folder not in sys.path:
            sys.path.append(folder)
        if folder not in known:
            known.append(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, known))


def loader(config_path: str | None = None, config_dir: str | None = None) -> ConfigLoader:
    """Hydra's own reader of configs, over the same folders as a run, with nothing remembered."""
    forget()
    register()
    setup_globals()
    JobRuntime.instance().set("name", "frostline")
    return ConfigLoader(search_path(config_path or str(conf_folder()), config_dir))
