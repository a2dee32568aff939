"""Write the table of experiments/families: which families of encoders are accepted, and which are refused and why.

python tests/support/family_table.py

loads a tiny checkpoint of each family.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import family_folders
from family_folders import FAMILIES, POSITIONS
from frostline.errors import UserError
from frostline.models.encoders.pretrained import Pretrained
from frostline.models.partial_forward import PartialForward

PAGE = Path(__file__).resolve().parents[2] / "experiments" / "families" / "README.md"
HEADER = "| family | outcome | encoder, or the reason | limit of tokens | token states below the frost line |"
RULE = "| --- | --- | --- | --: | --- |"
Row = list[str]


def load_row(family: str, folder: Path) -> Row:
    """Return the row of a family by loading a checkpoint of it."""
    try:
        encoder = Pretrained(str(family_folders.save(family, folder))).eval()
    except UserError as error:
        return [family, "refused", error.problems[0].what.partition(", by ")[0], "", ""]
    limit = "none" if encoder.max_positions is None else f"{encoder.max_positions} of {POSITIONS}"
    ids = torch.tensor([[7, 8, 9, 10, 11, 12], [13, 14, 15, 0, 0, 0]])
    reason = PartialForward(encoder).incompatibility(1, ids, (ids != 0).long())
    below = "cached" if reason is None else "computed in each epoch"
    return [family, "accepted", type(encoder.model).__name__, limit, below]


def page_rows() -> list[Row]:
    """Return the rows of the table in the page."""
    lines = PAGE.read_text(encoding="utf-8").partition(RULE)[2].strip().partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def main() -> None:
    with TemporaryDirectory() as root:
        rows = [load_row(family, Path(root) / str(number)) for number, family in enumerate(FAMILIES)]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(HEADER)
    table = "\n".join([HEADER, RULE, *(f"| {' | '.join(row)} |" for row in rows)])
    PAGE.write_text(f"{before}{table}\n\n{rest.partition(chr(10) * 2)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
