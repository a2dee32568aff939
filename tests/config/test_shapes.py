"""A plan costs seconds once a model, and then next to nothing; of our pinned encoders next to nothing at once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import shapes
from command_line import Command, in_process
from frostline.config.shapes import FOLDER, part_block, shipped_blocks
from frostline.data.downloads.package_cache import cache_folder
from frostline.freezing.plan import Block, Kind, Parameter
from frostline.instantiate import make
from frostline.models.build import build_model
from frostline.models.encoders.auto_model import locate_checkpoint
from parts import choices, config

frostline = in_process
NARROW = ["adapter=lora", "adapter.r=3"]  # of which no blocks are shipped
NAMES = ["a", "b", "c"]
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


def light(*words: str) -> str:
    """What a command prints that imports no torch."""
    said = subprocess.run([sys.executable, "-c", LIGHT, *words], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_a_model_that_is_known_is_planned_without_torch(frostline: Command, own: Path) -> None:
    first = frostline("plan", *NARROW, "freezing=top_k").out
    again = frostline("plan", *NARROW, "freezing=top_k").out
    assert again == first
    assert light("plan", *NARROW, "freezing=lp_ft") == frostline("plan", *NARROW, "freezing=lp_ft").out
    assert len(kept(own)) == 1


def test_a_pinned_encoder_is_planned_without_torch_the_first_time_too(own: Path) -> None:
    assert "head  trainable  frost line" in light(
        "plan", "-m", "freezing=top_k", "adapter=none,lora", "head=mlp,linear"
    )
    assert kept(own) == []


@pytest.mark.parametrize("name", [file.stem for file in FOLDER.glob("*.jsonl")])
def test_the_shipped_blocks_are_those_of_the_real_model(name: str) -> None:
    """Where they are not, `python tests/support/shapes.py` writes them anew."""
    told = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]
    real = shapes.lines(name)
    assert [line for line in told if line not in real] == []


@pytest.mark.parametrize("name", ["bert_tiny", "smollm2"])
@pytest.mark.parametrize("adapter", ["none", "lora", "prompt"])
def test_unfolded_they_are_all_blocks(name: str, adapter: str) -> None:
    chosen = {"encoder": name, "adapter": adapter, "pooler": "attention", "head": "mlp"}
    given = {"seed": 1, **{role: config(role, choice) for role, choice in chosen.items()}}
    built = [block.plan_block for block in build_model(given, NAMES, weights=False)[0]]
    assert shipped_blocks(given, len(NAMES)) == built


ABOVE = [(role, name, []) for role in ("pooler", "head") for name in choices(role)]
KNOBS = [("head", "mlp", ["head.hidden=5"]), ("head", "cosine", ["head.learned=false"])]


@pytest.mark.parametrize(("role", "name", "words"), ABOVE + KNOBS)
def test_what_a_part_tells_of_its_parameters_is_what_it_has(role: Kind, name: str, words: list[str]) -> None:
    given = config(role, name, *words)
    told = part_block(role, given, {"width": 7, "layers": 2, "classes": 3})
    if told is None:  # its constructor may refuse the encoder or the classes, so it is built
        assert name in ("likelihood", "transformers", "verbalizer")
        return
    made = make(given, width=7, layers=2, classes=3, names=NAMES)
    assert told == Block(role, role, tuple(Parameter(f"{role}.{n}", p.numel()) for n, p in made.named_parameters()))


def test_what_bears_on_shapes_is_another_model(frostline: Command, own: Path) -> None:
    for n, words in enumerate([[], ["head=mlp"], ["head=mlp", "head.hidden=7"], ["dataset=newsgroups"]]):
        frostline("plan", *NARROW, *words)
        assert len(kept(own)) == n + 1
    frostline("plan", *NARROW, "optimizer.lr=0.5", "freezing=frozen", "seed=2", "dataset=vader_tweets")
    assert len(kept(own)) == 4


def test_a_folder_is_known_by_its_architecture(frostline: Command, own: Path, tmp_path: Path) -> None:
    known = config("encoder", "bert_tiny")
    folder = Path(shutil.copytree(locate_checkpoint(known["name"], known["pin"]), tmp_path / "bert"))
    words = ["plan", "encoder=hub", "encoder.name=bert", "freezing=full"]
    before = frostline(*words).out
    architecture = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(architecture | {"num_hidden_layers": 3}))
    after = frostline(*words).out
    assert (before.count("0 of 5"), after.count("0 of 6")) == (1, 1)


def test_a_file_that_was_cut_short_is_made_again(frostline: Command, own: Path) -> None:
    before = frostline("plan", *NARROW).out
    [name] = kept(own)
    (own / name).write_text((own / name).read_text()[:100])
    assert frostline("plan", *NARROW).out == before
    assert json.loads((own / name).read_text())


def test_a_part_of_one_s_own_is_built_each_time(frostline: Command, own: Path, tmp_path: Path) -> None:
    code = "from torch import nn\nclass Wide(nn.Linear):\n    def __init__(self, width: int, classes: int):\n"
    (tmp_path / "mine.py").write_text(code + "        super().__init__(width, classes)\n")
    assert frostline("plan", "head._target_=mine.Wide", "~head.dropout").status == 0
    assert kept(own) == []
