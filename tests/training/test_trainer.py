"""The settings of the Trainer, and the message where they are impossible."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from lightning.pytorch.accelerators.mps import MPSAccelerator

from command_line import Command, in_process
from frostline.errors import UserError
from frostline.training.trainer import _log_mps_unused, choose_accelerator, nondeterministic_operation

frostline = in_process
LIGHT = ["-m", "freezing=direct,frozen,full", "logger=csv", "debug=fast"]
FITTED = ["-m", "head=logistic,knn,prototype", "freezing=frozen", "logger=csv", "debug=fast"]


def test_an_operation_without_a_deterministic_version_is_reported_with_the_key_to_change() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(RuntimeError) as error:
            torch.zeros(2).put_(torch.tensor([0]), torch.tensor([1.0]))
    finally:
        torch.use_deterministic_algorithms(False)
    refusal = nondeterministic_operation(error.value)
    assert refusal is not None
    message = "trainer.deterministic: put_ does not have a deterministic implementation; set it to false"
    assert [str(problem) for problem in refusal.problems] == [message]
    assert nondeterministic_operation(RuntimeError("out of memory")) is None


class LikeMps(torch.overrides.TorchFunctionMode):
    """Refuse float64 on a GPU of Apple, as PyTorch does. There is no such GPU here, so nothing else works on it."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        words = [*args, *(kwargs or {}).values()]
        if any(str(word).startswith("mps") for word in words if isinstance(word, str | torch.device)):
            if torch.float64 in words:
                raise TypeError(
                    "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64"
                )
            raise RuntimeError("PyTorch was not linked with support for mps devices")
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("words", [LIGHT, FITTED], ids=["strategies", "fitted heads"])
def test_a_machine_with_a_gpu_of_apple_trains_on_its_cpu(
    frostline: Command, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    expected = frostline(*words, "study=cpu", "trainer=cpu")
    assert expected.status == 0, expected.err
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(MPSAccelerator, "is_available", staticmethod(lambda: True))
    _log_mps_unused.cache_clear()
    with LikeMps():
        found = frostline(*words, "study=auto")
    assert found.status == 0, found.err
    assert "the CPU is used: the GPU of this machine (MPS) has no float64" in found.err
    rows = [[line.split()[:4] for line in said.out.splitlines()[:-2]] for said in (expected, found)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("device", ["mps", "mps:0"])
def test_the_mode_refuses_the_device(device: str) -> None:
    with LikeMps(), pytest.raises(TypeError, match="float64"):
        torch.zeros(2).to(device, torch.float64)
    with LikeMps(), pytest.raises(RuntimeError, match="mps"):
        torch.nn.Linear(2, 2).to(device)


@pytest.mark.parametrize("is_apple", [False, True])
def test_a_gpu_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, is_apple: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: is_apple)
    assert choose_accelerator("auto") == choose_accelerator("cpu") == "cpu"
    with pytest.raises(UserError, match=r"trainer\.accelerator: gpu, but torch finds no CUDA GPU"):
        choose_accelerator("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_accelerator(setting) for setting in ("auto", "gpu", "cpu")] == ["cuda", "cuda", "cpu"]
