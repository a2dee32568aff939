"""A config.yaml that is parsed section by section equals one that yaml parses as a whole."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from frostline.report.read.yaml_sections import UnreadableError, flatten, flatten_yaml

KEYS = st.text("abcdefgh_", min_size=1, max_size=6).filter(lambda key: key not in ("_target_", "head", "e"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab: #-\n'\"", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_sections_equal_the_whole_file(config: dict[str, Any]) -> None:
    assert flatten_yaml(yaml.safe_dump(config, sort_keys=False)) == flatten(config)


def test_aliases_between_sections_are_resolved() -> None:
    shared = {"lr": 0.1}
    assert flatten_yaml(yaml.safe_dump({"a": shared, "b": shared})) == {"a.lr": 0.1, "b.lr": 0.1}


@pytest.mark.parametrize("text", ["a: [1, 2", "- 1\n- 2\n", "a: {b: 1\n"])
def test_a_truncated_file_or_no_mapping_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        flatten_yaml(text)
