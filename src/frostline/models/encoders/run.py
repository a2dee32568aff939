from __future__ import annotations

from typing import Any

from frostline.errors import UserError
from frostline.instantiate import make
from frostline.models.source_runs import original_part, read_config, run_problem
from frostline.models.trained import load_encoder
from frostline.results.folder import RunFolder
from frostline.results.home_paths import expand_home


class EncoderOfRun:
    """The encoder of a complete run with the weights of its best epoch.

    What is made is an encoder of the class that the run had. An adapter in its layers (lora, dora, ia3) is merged into
    the weights, which changes the states of texts by rounding alone.

    path: the folder of the run. gradient_checkpointing: recompute the activations inside trained layers in the backward
    pass, for less memory.

    Raises:
        UserError: the folder contains no complete run, or its adapter cannot be merged.
    """

    def __new__(cls, path: str, gradient_checkpointing: bool = False, weights: bool = True) -> Any:
        run = RunFolder(expand_home(path, "encoder.path"))
        if (problem := run_problem(run, "encoder.path")) is not None:
            raise UserError(problem)
        arguments = {"gradient_checkpointing": gradient_checkpointing}
        if weights:
            return load_encoder(run, arguments)
        part = original_part(read_config(run), "encoder")
        return make(part | {key: value for key, value in arguments.items() if key in part}, weights=False)
