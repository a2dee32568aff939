"""Which file of which published package: a pin, known by its checksum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from frostline.errors import Problem, UserError


@dataclass(frozen=True)
class Pin:
    """One file of one release of a Python package: an index may be a mirror, what it sends is not trusted."""

    package: str
    version: str
    file: str
    sha256: str
    bytes: int

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From a config, which may say beside it what to take of the file."""
        return cls(**{field.name: given[field.name] for field in fields(cls)})

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"

    def describe(self) -> str:
        return f"{self} ({self.size})"

    @property
    def size(self) -> str:
        return f"{self.bytes / 1e6:.0f} MB"

    def failed(self, what: str, do: str) -> UserError:
        """What keeps this file from being had."""
        return UserError(Problem(str(self), what, do), subject="download")


@dataclass(frozen=True)
class Deb(Pin):
    """One Debian package, its version as apt writes it."""

    def __str__(self) -> str:
        return f"{self.package}={self.version}"

    def describe(self) -> str:
        return f"{self} from Debian ({self.size})"
