"""The LightningDataModule of a run for a Trainer that the user has made."""

from __future__ import annotations

from typing import Any

from frostline.errors import Problem, UserError
from frostline.models.interfaces import FittedHead
from frostline.training.callbacks.fit_head import FitHead
from frostline.training.data_module import DataModule


class StandaloneDataModule(DataModule):
    """A data module whose Trainer is made by the user.

    `setup` checks the arguments of the Trainer on which the plan and the batches depend, and gives it the callback that
    fits a closed-form head.
    """

    REQUIRED = ("max_epochs", "accumulate_grad_batches", "num_sanity_val_steps")

    @property
    def trainer_arguments(self) -> dict[str, Any]:
        """The arguments of Trainer that the config stands for."""
        names = ("max_epochs", "accumulate_grad_batches", "gradient_clip_val", "check_val_every_n_epoch", "precision")
        return {name: getattr(self.built.settings, name) for name in names} | {"num_sanity_val_steps": 0}

    def setup(self, stage: str) -> None:
        trainer: Any = self._trainer
        if stage == "fit":
            self._check(trainer)
        head, is_added = self.built.model.head, any(isinstance(callback, FitHead) for callback in trainer.callbacks)
        if isinstance(head, FittedHead) and not is_added:
            trainer.callbacks.append(FitHead(head, self.built.tokens["train"], not self.built.trains))
        super().setup(stage)

    def _check(self, trainer: Any) -> None:
        do = "give Trainer(**datamodule.trainer_arguments), with further arguments of yours"
        problems = [
            Problem(f"Trainer: {name}", f"{getattr(trainer, name)}, but this run needs {expected}", do)
            for name, expected in self.trainer_arguments.items()
            if name in self.REQUIRED and getattr(trainer, name) != expected
        ]
        if problems:
            raise UserError(problems)
