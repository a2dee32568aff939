from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from frostline.errors import UserError
from frostline.instantiate import make
from frostline.models.checkpoint import load_head
from frostline.models.interfaces import PromptHead, StatesHead
from frostline.models.source_runs import class_problem, prompt_problem, read_config, run_problem
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.results.home_paths import expand_home
from frostline.types import Count

KEY = "head.path"
REPLACES_WEIGHTS = ("fit", "init_from_class_names")  # methods of heads


class HeadOfRun:
    """The head of a complete run with the weights of its best epoch.

    What is made is a head of the class that the run had. Its logits are in the order of the classes of the data, which
    must have the same names as those of the run. A head that was fitted is not fitted again.

    path: the folder of the run.

    Raises:
        UserError: the folder contains no complete run; or its head is for other classes, for vectors of another width,
            or reads no pooled vectors.
    """

    def __new__(
        cls,
        path: str,
        width: Count,
        names: Sequence[str],
        encoder: nn.Module,
        multi_label: bool = False,
    ) -> Any:
        run = RunFolder(expand_home(path, KEY))
        if problem := run_problem(run, KEY) or class_problem(run, KEY, names, multi_label):
            raise UserError(problem)
        config, classes = read_config(run), read_json(run.result)["classes"]
        data = {"multi_label": multi_label, "texts": read_json(run.environment)["data"]["texts"]["train"]}
        head = make(config["head"], width=width, classes=len(classes), names=classes, encoder=encoder, **data)
        if isinstance(head, PromptHead | StatesHead):
            raise UserError(prompt_problem(run, KEY))
        load_head(head, run, KEY)
        _keep_weights(head)
        if list(classes) != list(names):
            _set_class_order(head, torch.tensor([classes.index(name) for name in names]))
        return head


def _keep_weights(head: nn.Module) -> None:
    """Give the head a class without the methods that would replace its weights."""
    kind = type(head)
    if replaced := {name: None for name in REPLACES_WEIGHTS if hasattr(kind, name)}:
        head.__class__ = type(kind.__name__, (kind,), replaced)


def _set_class_order(head: Any, order: Tensor) -> None:
    """Return the logits of class `order[i]` as those of class i from now on. order: (C,)."""
    if hasattr(head, "class_order"):
        head.class_order = head.class_order[order]
        return
    head.register_buffer("class_order", order)
    head.register_forward_hook(_reorder)


def _reorder(head: Any, inputs: Any, logits: Tensor) -> Tensor:
    return logits[:, head.class_order]
