"""The committed notebook: from a csv file to an exported model, executed in a kernel of this environment."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "experiments/notebook/from_csv_to_export.ipynb"


def code(notebook: Any) -> list[str]:
    lines = [line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    return [line for line in lines if line.strip()]


def plain(cell: Any) -> list[str]:
    return [output.data["text/plain"] for output in cell.outputs if output.output_type == "execute_result"]


def test_the_notebook_is_short() -> None:
    assert len(code(nbformat.read(NOTEBOOK, as_version=4))) < 20


@pytest.mark.slow
def test_the_notebook_runs_and_its_export_gives_the_same_probabilities(own_folder: None) -> None:
    committed = nbformat.read(NOTEBOOK, as_version=4)
    executed = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(executed, timeout=600, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
    assert (Path("exported") / "config.json").exists()
    *_, predicted, exported = [cell for cell in executed.cells if cell.cell_type == "code"]
    for answer in ast.literal_eval(plain(exported)[0]):
        assert f"{answer['score']:.3f}" in plain(predicted)[0]
    plans = [plain(cell)[0] for cell in (committed.cells[3], executed.cells[3])]
    assert plans[0] == plans[1]
