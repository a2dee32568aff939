"""The modules of a part are its own and those that they import, however they write it; installed ones are left out."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from frostline.config.user_modules import user_modules

FILES = {
    "mine/__init__.py": "",
    "mine/heads.py": "import json, numpy\nfrom . import near\nfrom .sub.deep import value\nimport other.tool as t\n",
    "mine/near.py": "try:\n    from .late import x\nexcept ImportError:\n    import never_there\n",
    "mine/late.py": "from .. import nothing\nfrom mine.heads import Head\n",
    "mine/unused.py": "",
    "mine/sub/__init__.py": "from ..near import x\n",
    "mine/sub/deep.py": "def f():\n    from frostline.errors import Problem\n    import lonely\n",
    "other/tool.py": "",
    "lonely.py": "this is no Python",
}
IMPORTED = ["lonely", "mine", "mine.heads", "mine.late", "mine.near", "mine.sub", "mine.sub.deep", "other.tool"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mine", "other", "lonely")]:
        monkeypatch.delitem(sys.modules, name)  # modules of other tests
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    importlib.invalidate_caches()


def test_all_that_is_imported_is_followed(tmp_path: Path) -> None:
    found = user_modules("mine.heads.Head")
    assert sorted(found) == IMPORTED
    assert found["mine.sub.deep"] == tmp_path / "mine/sub/deep.py"
    assert not [name for name in IMPORTED if name in sys.modules]


@pytest.mark.parametrize(
    "target", ["frostline.models.heads.linear.Linear", "torch.optim.Adam", "json.loads", "x", "a.b"]
)
def test_installed_modules_and_those_that_are_not_there_are_left_out(target: str) -> None:
    assert user_modules(target) == {}
