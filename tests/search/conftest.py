"""A search that has come to its end."""

from __future__ import annotations

import pytest

from command_line import Command, Said
from searches import FUSED


@pytest.fixture
def searched(frostline: Command) -> Said:
    """Eight trials, four at a time."""
    said = frostline(*FUSED)
    assert said.status == 0, said.err
    return said
