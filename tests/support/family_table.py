"""Write the tables of experiments/families: which encoders and which heads of their families are refused, and why.

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
from frostline.models.heads.transformers_head import TransformersHead
from frostline.models.partial_forward import PartialForward

PAGE = Path(__file__).resolve().parents[2] / "experiments" / "families" / "README.md"
HEADER = "| family | outcome | encoder, or the reason | limit of tokens | token states below the frost line |"
RULE = "| --- | --- | --- | --: | --- |"
HEADS_HEADER = "| family | `head=transformers` | class, or the reason | padding |"
HEADS_RULE = "| --- | --- | --- | --- |"
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


def load_head_row(family: str, folder: Path) -> Row:
    """Return the row of a family's classification head by loading a checkpoint, whose encoder is accepted."""
    encoder = Pretrained(str(family_folders.save(family, folder)))
    try:
        head = TransformersHead(["a", "b", "c"], encoder)
    except UserError as error:
        return [family, "refused", error.problems[0].what, ""]
    return [family, "accepted", type(head.model).__name__, head.padding_side]


def page_rows(rule: str = RULE) -> list[Row]:
    """Return the rows of a table in the page. rule: the line below its header, which no other table has."""
    lines = PAGE.read_text(encoding="utf-8").partition(f"{rule}\n")[2].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def write_table(header: str, rule: str, rows: list[Row]) -> None:
    """Replace the table with this header in the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(header)
    table = "\n".join([header, rule, *(f"| {' | '.join(row)} |" for row in rows)])
    PAGE.write_text(f"{before}{table}\n\n{rest.partition(chr(10) * 2)[2]}", encoding="utf-8")


def main() -> None:
    with TemporaryDirectory() as root:
        rows = [load_row(family, Path(root) / f"encoder-{number}") for number, family in enumerate(FAMILIES)]
        accepted = [family for family, outcome, *_ in rows if outcome == "accepted"]
        heads = [load_head_row(family, Path(root) / f"head-{number}") for number, family in enumerate(accepted)]
    write_table(HEADER, RULE, rows)
    write_table(HEADS_HEADER, HEADS_RULE, heads)


if __name__ == "__main__":
    main()
