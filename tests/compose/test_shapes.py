"""A plan costs seconds once a model, and then next to nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Command, in_process
from frostline.encoders.pretrained import locate
from frostline.packages import cache_folder
from parts import config

frostline = in_process
LIGHT = "import sys\nfrom frostline import cli\ncli.main()\nassert 'torch' not in sys.modules"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own, beside which the downloads are."""
    packages = cache_folder() / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "packages").symlink_to(packages)
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "shapes"


def kept(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.json"))


def test_a_model_that_is_known_is_planned_without_torch(frostline: Command, own: Path) -> None:
    first = frostline("plan", "freezing=top_k").out
    again = frostline("plan", "freezing=top_k").out
    assert again == first
    command = [sys.executable, "-c", LIGHT, "plan", "freezing=lp_ft"]
    light = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert light.returncode == 0, light.stderr
    assert light.stdout == frostline("plan", "freezing=lp_ft").out
    assert len(kept(own)) == 1


def test_what_bears_on_shapes_is_another_model(frostline: Command, own: Path) -> None:
    for n, words in enumerate([[], ["head=mlp"], ["head=mlp", "head.hidden=7"], ["dataset=newsgroups"]]):
        frostline("plan", *words)
        assert len(kept(own)) == n + 1
    frostline("plan", "optimizer.lr=0.5", "freezing=frozen", "seed=2", "dataset=vader_tweets")
    assert len(kept(own)) == 4


def test_a_folder_is_known_by_its_architecture(frostline: Command, own: Path, tmp_path: Path) -> None:
    known = config("encoder", "bert_tiny")
    folder = Path(shutil.copytree(locate(known["name"], known["pin"]), tmp_path / "bert"))
    words = ["plan", "encoder=hub", "encoder.name=bert", "freezing=full"]
    before = frostline(*words).out
    architecture = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(architecture | {"num_hidden_layers": 3}))
    after = frostline(*words).out
    assert (before.count("0 of 5"), after.count("0 of 6")) == (1, 1)


def test_a_file_that_was_cut_short_is_made_again(frostline: Command, own: Path) -> None:
    before = frostline("plan").out
    [name] = kept(own)
    (own / name).write_text((own / name).read_text()[:100])
    assert frostline("plan").out == before
    assert json.loads((own / name).read_text())


def test_a_part_of_one_s_own_is_built_each_time(frostline: Command, own: Path, tmp_path: Path) -> None:
    code = "from torch import nn\nclass Wide(nn.Linear):\n    def __init__(self, width: int, classes: int):\n"
    (tmp_path / "mine.py").write_text(code + "        super().__init__(width, classes)\n")
    assert frostline("plan", "head._target_=mine.Wide", "~head.dropout").status == 0
    assert kept(own) == []
