"""The installed wheel, without the repository: a lab's own parts, two files each, are used like ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from frostline.data.downloads.package_cache import cache_folder
from record import assert_full

HOUSE = Path(__file__).resolve().parents[2]
PARTS = {
    "mylab/heads.py": """
import sys
from pathlib import Path
from torch import nn

class Scaled(nn.Module):
    '''Also tells which files this process has modules from.'''
    def __init__(self, width: int, classes: int, scale: float = 1.0):
        super().__init__()
        self.scale, self.out = scale, nn.Linear(width, classes)
        files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        Path("imported.txt").write_text("\\n".join(filter(None, files)))

    def forward(self, vectors):
        return self.out(self.scale * vectors)
""",
    "myconf/head/scaled.yaml": "# A linear layer on scaled vectors\n_target_: mylab.heads.Scaled\nscale: 2.0\n",
    "mylab/strategies.py": """
from frostline.freezing.plan import Phase

def biases(blocks, probe: int = 1):
    head = ("head.*", 1.0)
    return Phase("probe", (head, ("*", None)), epochs=probe), Phase("biases", (head, ("*.bias", 0.5), ("*", None)))
""",
    "myconf/freezing/biases.yaml": "# A probe, then the biases too\n_target_: mylab.strategies.biases\nprobe: 1\n",
    "mylab/encoders.py": """
import torch
from torch import nn

class Letters(nn.Module):
    '''Each letter is a token.'''
    pad_id = 0

    def __init__(self, width: int = 16):
        super().__init__()
        self.width, self.table = width, nn.Embedding(128, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(3))

    def tokenize(self, texts, max_length):
        return [[1 + ord(letter) % 127 for letter in text[:max_length]] for text in texts]

    def forward(self, input_ids, attention_mask):
        states = self.table(input_ids)
        for layer in self.layers:
            states = states + torch.tanh(layer(states))
        return states
""",
    "myconf/encoder/letters.yaml": "# Letters are tokens\n_target_: mylab.encoders.Letters\nwidth: 16\n",
    "mylab/data.py": """
from frostline.data.corpus import Labelled, RawData

class Counts:
    def __init__(self, rows: int = 60):
        self.rows = rows

    def load(self):
        pairs = [(f"there are {n} of them", "even" if n % 2 == 0 else "odd") for n in range(self.rows)]
        texts, labels = zip(*pairs)
        return RawData(Labelled(texts, labels))
""",
    "myconf/dataset/counts.yaml": "# Is a number even?\n_target_: mylab.data.Counts\nrows: 60\n",
}
ARM = "# @package _global_\n# {0}\ndefaults:\n  - override /{1}\n  - override /{2}\n\ntrainer: {{max_epochs: 2}}\n"
ARMS = {
    "experiments/own/model.yaml": ARM.format("Our model", "head: scaled", "freezing: biases"),
    "experiments/own/source.yaml": ARM.format("Our texts, by letters", "encoder: letters", "dataset: counts"),
}
OWN = ["--config-dir", "myconf"]
FEW = [f"dataset.{size}" for size in ("max_train=48", "max_val=32", "max_test=32", "max_length=16")]
Frostline = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and with the libraries of this one; ours is not in it."""
    root = tmp_path_factory.mktemp("wheel")
    ours = shutil.copytree(HOUSE / "src", root / "house" / "src", ignore=shutil.ignore_patterns("__pycache__")).parent
    shutil.copytree(HOUSE / "conf", ours / "conf")
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(HOUSE / file, ours)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(root), str(ours)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    shutil.rmtree(ours)
    venv.create(root / "env", with_pip=False)
    python = root / "env" / "bin" / "python"
    [wheel] = root.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    [packages] = (root / "env").glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))  # its own .pth files are not read
    return root / "env"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's, outside of any repository."""
    folder = tmp_path_factory.mktemp("lab")
    for name, text in {**PARTS, **ARMS}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def outside() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept | {"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled", "FROSTLINE_CACHE": str(cache_folder())}


@pytest.fixture
def frostline(installed: Path, lab: Path) -> Frostline:
    """The command as it was installed."""

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [str(installed / "bin" / "frostline"), *words]
        return subprocess.run(line, cwd=lab, env=outside(), capture_output=True, text=True, timeout=300)

    return command


def test_the_wheel_is_found_and_not_the_repository(installed: Path, lab: Path, frostline: Frostline) -> None:
    code = [installed / "bin" / "python", "-c", "import frostline; print(frostline.__file__)"]
    done = subprocess.run(code, cwd=lab, env=outside(), capture_output=True, text=True, timeout=60)
    assert Path(done.stdout.strip()).is_relative_to(installed)
    assert "head: cosine, knn, " in frostline("--help").stdout


def test_a_lab_s_own_parts_are_listed(frostline: Frostline) -> None:
    said = frostline("list", "head", "freezing", "encoder", "dataset", "experiment", *OWN).stdout
    for name, what in {
        "scaled": "A linear layer on scaled vectors",
        "biases": "A probe, then the biases too",
        "letters": "Letters are tokens",
        "counts": "Is a number even?",
        "own/model": "Our model",
        "bert_tiny": "BERT-tiny",
    }.items():
        assert any(line.split()[0] == name and what in line for line in said.splitlines()), said


def test_a_lab_s_own_parts_are_checked(frostline: Frostline, lab: Path) -> None:
    assert frostline("check", *OWN, "head=scaled", "freezing=biases").returncode == 0
    said = frostline("check", *OWN, "head=scaled", "head.scael=3", "freezing=biases", "freezing.probe=often")
    assert said.returncode == 2
    assert "head.scael: no such key; did you mean head.scale?" in said.stderr
    assert "freezing.probe: 'often' is not an integer" in said.stderr
    assert not (lab / "imported.txt").exists()


def test_a_lab_s_own_strategy_is_planned(frostline: Frostline) -> None:
    own = ["encoder=letters", "dataset=counts", "head=scaled", "freezing=biases"]
    said = frostline("plan", *OWN, *own, "trainer.max_epochs=3")
    assert said.returncode == 0, said.stderr
    lines = [line.split() for line in said.stdout.splitlines()]
    assert lines[1][:7] == ["probe", "1", "·", "·", "·", "·", "1"]
    assert lines[2][:7] == ["biases", "2-3", "·", "*", "*", "*", "1"]


def test_a_lab_s_own_arms_train_its_own_parts(frostline: Frostline, lab: Path) -> None:
    said = frostline("-m", *OWN, "experiment=own/model,own/source", "logger=csv", *FEW)
    assert said.returncode == 0, said.stderr
    results = [assert_full(file.parent) for file in lab.glob("runs/default/*/result.json")]
    model, source = sorted(results, key=lambda result: result["choices"]["experiment"])
    assert (model["choices"]["head"], model["choices"]["freezing"]) == ("scaled", "biases")
    assert [phase["name"] for phase in model["phases"]] == ["probe", "biases"]
    assert (source["choices"]["encoder"], source["choices"]["dataset"]) == ("letters", "counts")
    assert source["parameters"]["total"] == 128 * 16 + 3 * (16 * 16 + 16) + 2 * 16 + 2
    files = [Path(line) for line in (lab / "imported.txt").read_text().splitlines()]
    assert not [file for file in files if file.is_relative_to(HOUSE / "src") or file.is_relative_to(HOUSE / "tests")]


@pytest.mark.slow
def test_heads_of_a_lab_s_own_are_trained_together(frostline: Frostline, lab: Path) -> None:
    """Hydra finds our launcher in the wheel; the lab's encoder, head and texts are shared and stacked like ours."""
    own = ["encoder=letters", "dataset=counts", "head=scaled", "freezing=frozen", "logger=csv", "study=fused"]
    said = frostline("-m", "hydra/launcher=fused", *OWN, *own, *FEW, "optimizer.lr=1e-2,1e-1")
    assert said.returncode == 0, said.stderr
    assert "2 jobs trained together" in said.stderr
    folders = [file.parent for file in lab.glob("runs/fused/*/result.json")]
    assert [assert_full(folder)["choices"]["head"] for folder in folders] == ["scaled", "scaled"]
    assert [json.loads((folder / "environment.json").read_text())["together"] for folder in folders] == [2, 2]


@pytest.mark.slow
def test_two_ranks_know_the_lab_s_parts(frostline: Frostline, lab: Path) -> None:
    ranks = ["trainer=ddp", "trainer.devices=2", "hydra.run.dir=ranks"]
    said = frostline(*OWN, "encoder=letters", "dataset=counts", "head=scaled", "logger=csv", *ranks)
    assert said.returncode == 0, said.stderr
    assert_full(lab / "ranks")
    assert json.loads((lab / "ranks" / "environment.json").read_text())["ranks"] == 2
