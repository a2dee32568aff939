"""A pin: a file of a published package, identified by its checksum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from frostline.errors import Problem, UserError


@dataclass(frozen=True)
class Pin:
    """A file of a release of a Python package; the checksum is verified, because an index may be a mirror."""

    package: str
    version: str
    file: str
    sha256: str
    bytes: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Return the pin of a config, which may have further keys."""
        return cls(**{field.name: config[field.name] for field in fields(cls)})

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"

    def describe(self) -> str:
        return f"{self} ({self.size})"

    @property
    def size(self) -> str:
        return f"{self.bytes / 1e6:.0f} MB"

    def download_error(self, what: str, do: str) -> UserError:
        """Return an error of the download of this file."""
        return UserError(Problem(str(self), what, do), subject="download")


@dataclass(frozen=True)
class Deb(Pin):
    """A Debian package, with the version as apt writes it."""

    def __str__(self) -> str:
        return f"{self.package}={self.version}"

    def describe(self) -> str:
        return f"{self} from Debian ({self.size})"
