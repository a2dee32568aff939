"""What the Trainer is asked for, and what is told where that cannot be had."""

from __future__ import annotations

import pytest
import torch

from frostline.training.trainer import nondeterministic_operation


def test_an_operation_that_cannot_be_repeated_is_told_with_what_to_do() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(RuntimeError) as found:
            torch.zeros(2).put_(torch.tensor([0]), torch.tensor([1.0]))
    finally:
        torch.use_deterministic_algorithms(False)
    told = nondeterministic_operation(found.value)
    assert told is not None
    said = "trainer.deterministic: put_ does not have a deterministic implementation; set it to false"
    assert [str(problem) for problem in told.problems] == [said]
    assert nondeterministic_operation(RuntimeError("out of memory")) is None
