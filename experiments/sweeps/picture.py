"""Draws sweeps.svg from jobs.json, which `python tests/benchmarks/sweeps.py` writes.

python experiments/sweeps/picture.py
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

HERE = Path(__file__).parent
LINES = {  # distinguishable without colour vision
    "fused": ("#d55e00", "o", "trained together (fused)"),
    "joblib": ("#0072b2", "s", "two at a time (joblib)"),
    "basic": ("#555555", "^", "one by one (basic)"),
}


def main() -> None:
    mpl.rcParams |= {"svg.hashsalt": "sweeps", "svg.fonttype": "none", "font.family": "sans-serif"}
    figures = json.loads((HERE / "jobs.json").read_text())
    figure = Figure(figsize=(7, 4), layout="constrained", facecolor="w")
    axes = figure.subplots()
    for launcher, (colour, marker, name) in LINES.items():
        heads, rates = zip(*sorted((int(n), rate) for n, rate in figures[launcher].items()), strict=True)
        axes.plot(heads, rates, color=colour, marker=marker, label=name)
    every = sorted({int(n) for rates in figures.values() for n in rates})
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(every, map(str, every))
    rates = [5, 10, 20, 50, 100, 200]
    axes.set_yticks(rates, map(str, rates))
    axes.minorticks_off()
    axes.set(xlabel="heads in the sweep", ylabel="jobs a minute", title="heads on minilm, five epochs, two cores")
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(HERE / "sweeps.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
