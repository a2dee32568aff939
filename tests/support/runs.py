"""What a run leaves behind, compared; and a head that kills its run at a chosen moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.training.callbacks.resume_checkpoint import resume_step

MORTAL = '''
"""A head that kills its process in the call that the file `moment` names, such as `validation_step 2`."""
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from torch import Tensor

from frostline.models.heads.linear import Linear


class Mortal(Linear):
    def __init__(self, width: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__(width, classes, dropout)
        self.calls: Counter[str] = Counter()

    def forward(self, vectors: Tensor) -> Tensor:
        frame = sys._getframe()
        while not frame.f_code.co_name.endswith("_step"):
            frame = frame.f_back
        self.calls[frame.f_code.co_name] += 1
        moment = Path("moment")
        if moment.exists() and moment.read_text() == f"{frame.f_code.co_name} {self.calls[frame.f_code.co_name]}":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(vectors)
'''
PHASES = "[{name: a, epochs: 2, rules: [['head.*', 1.0], ['*', null]]}, {name: b, rules: [['*', 0.5]]}]"
NEEDS = {
    "lp_ft": ["freezing.probe_epochs=2"],
    "plateau": ["freezing.min_delta=1000"],  # no epoch is that much better: each but the first thaws
    "rules": [f"freezing.phases={PHASES}"],
    "schedule": [f"freezing.phases={PHASES}"],
}


def strategy(name: str) -> list[str]:
    """Overrides that take a strategy through all its phases in five epochs."""
    return [f"freezing={name}", *NEEDS.get(name, [])]


def place(name: str) -> RunFolder:
    return RunFolder(Path(name).absolute())


def outcome(run: RunFolder) -> dict[str, Any]:
    """All that must not depend on kills: weights and curves to the byte, the scores, and which files there are."""
    result = read_json(run.result)
    kept = {key: result[key] for key in ("id", "metrics", "phases", "best", "confusion", "parameters")}
    files = sorted(str(file.relative_to(run.path)) for file in run.path.rglob("*"))
    return kept | {"weights": run.best.read_bytes(), "curves": run.metrics.read_text(), "files": files}


def differences(run: str, undisturbed: str) -> list[str]:
    one, other = outcome(place(run)), outcome(place(undisturbed))
    return [key for key in one if one[key] != other[key]]


def reached(run: RunFolder) -> int:
    """The step of the resume point, 0 where there is none."""
    return resume_step(run.resume_checkpoint) if run.resume_checkpoint.exists() else 0
