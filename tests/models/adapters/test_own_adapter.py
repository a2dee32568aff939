"""An adapter of the user's own: a class that says where it stands, outside the repository."""

from __future__ import annotations

from pathlib import Path

from command_line import Command, in_process

frostline = in_process
ADAPTER = """
from torch import nn

class Bottleneck:
    # After each layer its states, through a narrow network (arXiv:1902.00751).
    location = "layers"

    def __init__(self, width: int = 8) -> None:
        self.width = width

    def attach(self, encoder, layers):
        down, up = (encoder.width, self.width), (self.width, encoder.width)
        for layer in layers:
            layer.narrow = nn.Sequential(nn.Linear(*down), nn.ReLU(), nn.Linear(*up))
            layer.register_forward_hook(lambda layer, given, states: states + layer.narrow(states))
"""
YAML = "# My own adapter\n_target_: ownlab.adapters.Bottleneck\nwidth: 8\n"


def test_an_adapter_of_one_s_own_trains_and_is_checked_like_ours(frostline: Command, tmp_path: Path) -> None:
    (tmp_path / "ownlab").mkdir()
    (tmp_path / "ownlab" / "adapters.py").write_text(ADAPTER)
    (tmp_path / "conf" / "adapter").mkdir(parents=True)
    (tmp_path / "conf" / "adapter" / "bottleneck.yaml").write_text(YAML)
    own = ["--config-dir", "conf", "adapter=bottleneck"]
    few = ["dataset.max_train=32", "dataset.max_val=24", "dataset.max_test=24", "logger=csv", "trainer.max_epochs=1"]
    said = frostline(*own, *few)
    assert said.status == 0, said.err
    assert "full   1       ·    ·  1   ·  1   1     4,755      1 of 5" in said.err
    assert "freezing: trains nothing of the adapter, " in frostline("check", *own, "freezing=frozen").err
