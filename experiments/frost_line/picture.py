"""Draw frost_line.svg from steps.json, which `python tests/benchmarks/frost_steps.py minilm all` writes.

python experiments/frost_line/picture.py
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from frostline.config.jobs import jobs_of_command
from frostline.freezing.plan import Plan
from frostline.sweeps.time_estimate import plan_from_shapes

HERE = Path(__file__).parent
PLAN = ["encoder=minilm", "freezing=gradual", "logger=csv"]
TRAINABLE, FROZEN, FROST_LINE, TOKENS = "#d55e00", "#dce9f2", "#0072b2", "#555555"  # safe for colour-blind readers


def draw_plan(axes: Axes, plan: Plan) -> None:
    """Draw phases as rows and blocks as columns, with the frost line below the lowest trainable block of each phase."""
    blocks = [block for block in plan.blocks if block.parameters]
    for row, phase in enumerate(plan.phases):
        trainable = [any(phase.trains(p.name) for p in block.parameters) for block in blocks]
        for column, is_trainable in enumerate(trainable):
            colour = TRAINABLE if is_trainable else FROZEN
            axes.add_patch(mpl.patches.Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="w"))
        frost_line = trainable.index(True)
        axes.plot([frost_line, frost_line], [row, row + 1], color=FROST_LINE, linewidth=4, solid_capstyle="butt")
    names = [block.name.removeprefix("encoder.").replace("layer.", "").replace("embeddings", "emb") for block in blocks]
    axes.set_xticks([i + 0.5 for i in range(len(blocks))], names)
    axes.set_yticks([i + 0.5 for i in range(len(plan.phases))], [phase.name for phase in plan.phases])
    axes.set(
        xlim=(0, len(blocks)),
        ylim=(len(plan.phases), 0),
        title="gradual unfreezing: orange is trainable,\nblue is the frost line",
    )
    axes.tick_params(length=0)


def draw_steps(axes: Axes, measurements: list[dict[str, Any]]) -> None:
    """Draw milliseconds per step against the number of layers below the frost line: median, minimum and maximum.

    Each measurement has seconds per step from tokens (`read`) and from the cache (`kept`), and the numbers of
    trainable (`learn`) and of all layers.
    """
    depths = [steps["layers"] - steps["learn"] for steps in measurements]
    for key, colour, marker, label in (
        ("read", TOKENS, "s", "from tokens"),
        ("kept", FROST_LINE, "o", "from the cache"),
    ):
        medians = [1e3 * median(steps[key]) for steps in measurements]
        below = [m - 1e3 * min(steps[key]) for m, steps in zip(medians, measurements, strict=True)]
        above = [1e3 * max(steps[key]) - m for m, steps in zip(medians, measurements, strict=True)]
        axes.errorbar(depths, medians, yerr=[below, above], color=colour, marker=marker, capsize=3, label=label)
    limit = [1e3 * median(steps["read"]) / steps["counted"] for steps in measurements]
    axes.plot(depths, limit, color="k", linestyle="--", label="counted limit")
    layers = measurements[0]["layers"]
    axes.set(xlabel=f"layers below the frost line, of {layers}", ylabel="milliseconds per step", ylim=(0, None))
    axes.set_title("a step of 32 texts, minilm on two cores")
    axes.legend(frameon=False)


def main() -> None:
    mpl.rcParams |= {"svg.hashsalt": "frost line", "svg.fonttype": "none", "font.family": "sans-serif"}
    figure = Figure(figsize=(10, 4), layout="constrained", facecolor="w")
    left, right = figure.subplots(1, 2)
    [job] = jobs_of_command(PLAN)
    draw_plan(left, plan_from_shapes(job.config))
    draw_steps(right, json.loads((HERE / "steps.json").read_text()))
    for side in ("top", "right"):
        right.spines[side].set_visible(False)
    figure.savefig(HERE / "frost_line.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
