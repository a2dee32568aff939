"""The picture of the package shows its layers as they are in the source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.house_picture import PICTURE, ROOT, draw, read_layers, read_part, reduced, split_imports

SOURCES = {
    "cli.py": '"""Run a command. It exits with a status."""\nfrom frostline import data, errors\n',
    "data/__init__.py": '"""Read the <texts>."""\n',
    "data/table.py": "def read():\n    import frostline.errors\n",
    "plan.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from frostline.errors import Wrong\n",
    "errors.py": 'class Wrong(Exception):\n    """Report a mistake of the user."""\n',
}
LAYERS = 'type = "layers"\nlayers = ["cli", "data | plan", "errors"]\n'


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name, source in SOURCES.items():
        file = tmp_path / "src" / "frostline" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    (tmp_path / "pyproject.toml").write_text(f"[[tool.importlinter.contracts]]\n{LAYERS}")
    return tmp_path


def test_an_arrow_is_an_import_that_no_chain_of_others_makes(house: Path) -> None:
    layers = [[read_part(house / "src" / "frostline", name) for name in layer] for layer in read_layers(house)]
    downward, upward = split_imports(layers)
    assert downward == {"cli": {"data", "errors"}, "data": {"errors"}, "plan": set(), "errors": set()}
    assert upward == []
    assert reduced(downward) == [("cli", "data"), ("data", "errors")]


def test_a_box_shows_the_first_sentence_of_a_docstring(house: Path) -> None:
    texts = re.findall("<text[^>]*>(.*?)</text>", draw(house))
    expected = ["cli.py", "Run a command", "data/", "1 file", "Read the &lt;texts&gt;", "plan.py", "errors.py"]
    assert texts[:-1] == [*expected, "Report a mistake of the user"]


def test_an_import_that_does_not_run_downward_is_named(house: Path) -> None:
    assert "Not downward" not in draw(house)
    (house / "src" / "frostline" / "errors.py").write_text("import frostline.plan\n")
    assert "Not downward, and not drawn: errors → plan" in draw(house)


def test_two_drawings_are_equal() -> None:
    assert draw(ROOT) == draw(ROOT)


def test_the_committed_picture_shows_the_present_imports() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw(), "run `python tests/support/house_picture.py`"
