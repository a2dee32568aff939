"""Draws frost_line.svg from steps.json, which `python tests/benchmarks/frost_steps.py minilm all` writes.

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
LEARNS, RESTS, LINE, TOKENS = "#d55e00", "#dce9f2", "#0072b2", "#555555"  # told apart by the colour-blind too


def draw_plan(axes: Axes, plan: Plan) -> None:
    """Phases down, blocks across; the frost line between what rests below it and the rest."""
    blocks = [block for block in plan.blocks if block.parameters]
    for row, phase in enumerate(plan.phases):
        learning = [any(phase.trains(p.name) for p in block.parameters) for block in blocks]
        for column, learns in enumerate(learning):
            axes.add_patch(
                mpl.patches.Rectangle((column, row), 1, 1, facecolor=LEARNS if learns else RESTS, edgecolor="w")
            )
        line = learning.index(True)
        axes.plot([line, line], [row, row + 1], color=LINE, linewidth=4, solid_capstyle="butt")
    names = [block.name.removeprefix("encoder.").replace("layer.", "").replace("embeddings", "emb") for block in blocks]
    axes.set_xticks([i + 0.5 for i in range(len(blocks))], names)
    axes.set_yticks([i + 0.5 for i in range(len(plan.phases))], [phase.name for phase in plan.phases])
    axes.set(
        xlim=(0, len(blocks)),
        ylim=(len(plan.phases), 0),
        title="gradual unfreezing: orange learns,\nblue is the frost line",
    )
    axes.tick_params(length=0)


def draw_steps(axes: Axes, figures: list[dict[str, Any]]) -> None:
    """Milliseconds a step against how many layers lie below the line."""
    heights = [found["layers"] - found["learn"] for found in figures]
    for key, colour, marker, name in (("read", TOKENS, "s", "from tokens"), ("kept", LINE, "o", "from the store")):
        middle = [1e3 * median(found[key]) for found in figures]
        spread = [[m - 1e3 * min(f[key]) for m, f in zip(middle, figures, strict=True)]]
        spread += [[1e3 * max(f[key]) - m for m, f in zip(middle, figures, strict=True)]]
        axes.errorbar(heights, middle, yerr=spread, color=colour, marker=marker, capsize=3, label=name)
    limit = [1e3 * median(found["read"]) / found["counted"] for found in figures]
    axes.plot(heights, limit, color="k", linestyle="--", label="counted limit")
    axes.set(
        xlabel=f"layers below the frost line, of {figures[0]['layers']}", ylabel="milliseconds a step", ylim=(0, None)
    )
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
