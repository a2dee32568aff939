"""Folders in which configs and parts are searched for.

These are conf/, the user's --config-dir, and ./experiments, whose files are choices of the groups experiment and sweep.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from frostline.config.hydra_internals import FileSource

EXPERIMENTS, SWEEPS = "experiment", "sweep"  # groups
CHOSEN_SWEEP = f"hydra.runtime.choices.{SWEEPS}"
STUDY = "study.yaml"  # describes a study for `frostline reproduce`; it belongs to neither group
SCHEME = "studies"
PACKAGE = Path(__file__).resolve().parents[1]


def conf_folder() -> Path:
    """Return the folder conf, which is inside an installed wheel and next to src in the repository."""
    inside = PACKAGE / "conf"
    return inside if inside.is_dir() else PACKAGE.parents[1] / "conf"


def experiment_folders() -> list[Path]:
    """Return the folders of studies: the user's ./experiments and, in a checkout, that of the repository."""
    folders = [Path.cwd() / "experiments", conf_folder().parent / "experiments"]
    return folders[:1] if folders[1].parent == PACKAGE or folders[0] == folders[1] else folders


class ExperimentSource(FileSource):
    """Serve experiments/<study>/<name>.yaml as the choice <study>/<name>.

    It is a choice of the group sweep if the file sets hydra.sweeper, and of the group experiment otherwise.
    """

    @staticmethod
    def scheme() -> str:
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        return super().load_config(self._path_in_group(config_path) or "")

    def available(self) -> bool:
        return True  # Hydra would warn about a folder that does not exist

    def is_group(self, config_path: str) -> bool:
        path = self._path_in_group(config_path)
        return config_path == "" or path == "" or bool(path and super().is_group(path))

    def is_config(self, config_path: str) -> bool:
        path = self._path_in_group(config_path)
        return bool(path and super().is_config(path)) and self._is_in_group(config_path)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List a group at once, as <study>/<name>, so that experiment=glob(<study>/*) finds its files."""
        if config_path == "":
            return [EXPERIMENTS, SWEEPS] if results_filter != ObjectType.CONFIG else []
        folder = Path(self.path) / (self._path_in_group(config_path) or "")
        files = sorted(folder.rglob("*.yaml")) if results_filter != ObjectType.GROUP else []
        names = [file.relative_to(folder).with_suffix("").as_posix() for file in files]
        return [name for name in names if self._is_in_group(f"{config_path}/{name}")]

    def _path_in_group(self, config_path: str) -> str | None:
        """Return the path below experiments/, or None for a path in neither group."""
        group, _, rest = config_path.partition("/")
        return rest if group in (EXPERIMENTS, SWEEPS) else None

    def _is_in_group(self, config_path: str) -> bool:
        """Return whether a file belongs to the group in its path; an unreadable file may belong to either."""
        file = Path(self.path) / f"{(self._path_in_group(config_path) or '').removesuffix('.yaml')}.yaml"
        if file.name == STUDY:
            return False
        try:
            is_sweep = OmegaConf.select(OmegaConf.load(file), "hydra.sweeper") is not None
        except Exception:
            return True
        return is_sweep == config_path.startswith(f"{SWEEPS}/")


class ExperimentSearchPath(SearchPathPlugin):
    """Add the folders of studies to Hydra's search path."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in experiment_folders():
            search_path.append(SCHEME, f"{SCHEME}://{folder}")


def register_sources() -> None:
    """Add the folders of studies to Hydra's search path, and give our launcher configs precedence over plugins."""
    Plugins.instance().register(ExperimentSource)
    Plugins.instance().register(ExperimentSearchPath)
    launchers = ConfigStore.instance().repo.get("hydra", {}).get("launcher", {})
    for file in (conf_folder() / "hydra" / "launcher").glob("*.yaml"):
        launchers.pop(file.name, None)  # Hydra would merge the plugin's config of that name into our file


def make_importable(config_dir: str | None) -> None:
    """Let this process import parts from the working folder and the parent of --config-dir, after all of Python's.

    Processes that it starts for jobs and ranks get its import path from it. In PYTHONPATH these folders would precede
    the standard library, and a file such as random.py in them would replace a module of Python.
    """
    folders = [Path.cwd(), *([Path(config_dir).resolve().parent] if config_dir else [])]
    sys.path += [folder for folder in map(str, folders) if folder not in sys.path]
