"""The settings of the Trainer, and the message where they are impossible."""

from __future__ import annotations

import pytest
import torch

from frostline.training.trainer import nondeterministic_operation


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
