"""A killed run resumes and ends with the same bits as an undisturbed run.

Tests frostline.training.callbacks.best_checkpoint, frostline.training.callbacks.resume_checkpoint,
frostline.training.fit.
"""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from frostline.results.atomic_files import PART
from frostline.results.folder import RunFolder
from killable_runs import Attempt, attempt, complete, differences_after_kills, epoch
from parts import choices
from runs import MORTAL, differences, place, reached, strategy

STEPS = 20  # an epoch
TWO_PHASES = [
    *("logger=csv", "freezing=lp_ft", "freezing.probe_epochs=1", "trainer.max_epochs=2"),
    *("head._target_=mortal.Mortal", "head.dropout=0.1", "trainer.checkpoint_seconds=0"),
    *("dataset.max_train=160", "dataset.max_val=24", "dataset.max_test=24", "dataset.batch_size=8"),
]
KILLED = [*TWO_PHASES, "hydra.run.dir=killed"]


@pytest.fixture(autouse=True)
def mortal() -> None:
    Path("mortal.py").write_text(MORTAL)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a run that is not killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("mortal.py").write_text(MORTAL)
        complete(*TWO_PHASES, "hydra.run.dir=whole")
    return str(folder / "whole")


def kill_after(one: Attempt, run: RunFolder, step: int, delay: float) -> None:
    """Kill a run that has trained since its start, as soon as it can resume from `step` or later."""
    before = reached(run)
    one.until(lambda: reached(run) >= max(step, before + 1))
    time.sleep(delay)
    one.kill()
    assert not run.result.exists()


@pytest.mark.parametrize(
    "really",
    [
        pytest.param(False, id="forked", marks=pytest.mark.slow),
        pytest.param(True, id="command", marks=pytest.mark.exhaustive),
    ],
)
def test_a_run_killed_at_five_random_moments_ends_with_the_same_weights(really: bool, undisturbed: str) -> None:
    seed = time.time_ns() % 1_000_000
    chance, run = random.Random(seed), place("killed")
    moments = sorted(chance.sample([step for step in range(1, 2 * STEPS - 6) if step % STEPS], 5))
    print(f"seed {seed}: killed after steps {moments}")
    for step in moments:
        with attempt(*KILLED, really=really) as one:
            kill_after(one, run, step, chance.uniform(0, 0.05))
    step = reached(run)
    assert f"going on from step {step}\n" in complete(*KILLED, really=really)
    assert differences("killed", undisturbed) == []


def die_in(moment: str, *words: str) -> None:
    Path("moment").write_text(moment)
    with attempt(*words) as one:
        assert one.wait() == -signal.SIGKILL, one.said
    Path("moment").unlink()


def test_a_run_killed_at_its_turning_points_ends_with_the_same_weights(undisturbed: str) -> None:
    run = place("killed")
    for moment, steps in {
        "training_step 1": 0,  # before the first step
        "training_step 8": 7,
        "validation_step 2": STEPS - 1,
        "training_step 2": STEPS - 1,  # the first of the second phase: one step was left of the first
        "training_step 9": STEPS + 7,
    }.items():
        die_in(moment, *KILLED)
        assert reached(run) == steps
    part = Path(f"{run.resume_checkpoint}{PART}")
    with attempt(*KILLED) as one:
        one.until(lambda: part.exists() and one.stopped(part.exists))
        one.kill()
    assert part.exists()
    die_in("test_step 2", *KILLED)
    complete(*KILLED)
    assert differences("killed", undisturbed) == []


@pytest.mark.slow
def test_a_batch_interrupted_by_a_kill_is_read_again_from_its_first_micro_batch() -> None:
    """The kill comes in the second of three micro-batches of the fourth of 20 batches."""
    words = [*TWO_PHASES, "trainer.accumulate_grad_batches=3", "trainer.max_epochs=2"]
    complete(*words, "hydra.run.dir=whole")
    words.append("hydra.run.dir=killed")
    die_in("training_step 11", *words)
    assert reached(place("killed")) == 3
    complete(*words)
    assert differences("killed", "whole") == []


KINDS = {name: strategy(name) for name in choices("freezing") if name != "direct"} | {
    "limited": ["freezing=full", "trainer.limit_batches=4"],
    "few batches": ["freezing=full", "trainer.overfit_batches=2"],
    "last epoch": ["freezing=full", "trainer.monitor=null"],
    "by the loss": ["freezing=full", "trainer.monitor=val/loss"],
    "half precision": ["freezing=full", "trainer.precision=bf16-mixed"],
    "momentum": ["freezing=lp_ft", "freezing.probe_epochs=2", "optimizer=sgd"],
    "unclipped": ["freezing=top_k", "head=mlp", "trainer.gradient_clip_val=null"],
    "a solved head": ["freezing=full", "loss=contrastive", "head=logistic"],
    "in parts": ["freezing=auto_rgn", "trainer.accumulate_grad_batches=3"],
    "patient": [*strategy("lp_ft"), "trainer.patience=2", "optimizer.lr=1e-9"],
    "seldom validated": ["freezing=full", "trainer.check_val_every_n_epoch=2"],
    "never saved": ["freezing=full", "trainer.checkpoint_seconds=1000"],
}
for group in ("regularizer", "averaging"):
    KINDS |= {name: [*strategy("lp_ft"), f"{group}={name}"] for name in choices(group) if name != "none"}


# One of each that keeps something of its own between epochs; the others by hand.
EXAMPLES = {"full", "gradual", "plateau", "autofreeze", "auto_rgn", "half precision", "momentum", "in parts", "patient"}
EXAMPLES |= {"mixout", "ema", "swa", "seldom validated"}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.slow if kind in EXAMPLES else pytest.mark.exhaustive) for kind in KINDS],
)
def test_a_killed_run_of_any_kind_ends_with_the_same_weights(kind: str) -> None:
    words = ["logger=csv", "trainer.checkpoint_seconds=0", "trainer.max_epochs=5", *KINDS[kind]]
    words += ["dataset.max_train=96", "dataset.max_val=24", "dataset.max_test=24", "dataset.batch_size=16"]
    assert differences_after_kills(words, epoch(1, of=5), epoch(4, of=5)) == []
