"""Draw the folders of the package and the imports between them as an svg.

    python tests/support/house_picture.py           # writes .github/house.svg
    python tests/support/house_picture.py FILE

The rows are the layers that pyproject.toml gives import-linter, from top to bottom. A box is a folder or a file at the
root of the package, with the first sentence of its docstring and the number of its Python files. An arrow is an import
that is read from the source. It is left out where a chain of other arrows leads to the same box. Equal sources give
equal bytes.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / ".github" / "house.svg"

WIDTH, MARGIN, GAP, BETWEEN_ROWS = 900, 40, 36, 44  # pixels
WIDEST, PADDING, LINE, CHARACTER = 330, 10, 15, 6.4  # of a box; of its text, CHARACTER on average
LANE, ROUND, MOST_LINES = 9, 8, 3  # between arrows side by side; of corners where arrows turn; of a purpose
STYLE = """
text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #24292f }
.name { font-weight: 600; font-size: 14px }
.note { fill: #59636e; font-size: 11px }
.wrong { fill: #b3261e; font-size: 11px }
.folder { fill: #eef4fb; stroke: #0072b2 }
.file { fill: #fafafa; stroke: #8c959f }
.arrow { fill: none; stroke: #6e7781; stroke-width: 1.2 }
"""


@dataclass(frozen=True)
class Part:
    """A folder or a file at the root of the package. imports: the names of the parts whose modules it imports."""

    name: str
    purpose: str
    files: int
    folders: tuple[str, ...]
    imports: frozenset[str]
    is_folder: bool


@dataclass(frozen=True)
class Box:
    part: Part
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


# Read


def read_layers(root: Path) -> list[list[str]]:
    """Return the names in each layer of the import contract, from top to bottom."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def read_part(package: Path, name: str) -> Part:
    """Raises FileNotFoundError where the package has no such folder or file."""
    folder = package / name
    is_folder = folder.is_dir()
    files = sorted(folder.rglob("*.py")) if is_folder else [folder.with_suffix(".py")]
    inner = sorted(path.name for path in folder.glob("*/") if any(path.glob("*.py"))) if is_folder else []
    described = folder / "__init__.py" if is_folder else files[0]
    imported = frozenset(part for file in files for part in imports(package.name, parse(file))) - {name}
    count = sum(file.name != "__init__.py" for file in files)
    return Part(name, purpose(parse(described)), count, tuple(inner), imported, is_folder)


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def purpose(module: ast.Module) -> str:
    """Return the first sentence of the docstring of a module, or of the first class or function that has one."""
    nodes = [module, *(node for node in module.body if isinstance(node, ast.ClassDef | ast.FunctionDef))]
    texts = (ast.get_docstring(node) for node in nodes)
    text = next((" ".join(text.split("\n\n")[0].split()) for text in texts if text), "")
    return text.replace("`", "").split(". ")[0].removesuffix(".")


def imports(package: str, module: ast.Module) -> Iterator[str]:
    """Yield the parts of the package that a module imports, within functions too; type checkers' imports are none."""
    ignored = {id(inner) for node in ast.walk(module) if is_for_type_checkers(node) for inner in ast.walk(node)}
    for node in ast.walk(module):
        if id(node) in ignored:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == package:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{package}."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith(f"{package}."))


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


# Arrows


def split_imports(layers: Sequence[Sequence[Part]]) -> tuple[dict[str, set[str]], list[tuple[str, str]]]:
    """Return what each part imports from lower layers, and the imports that do not run downward."""
    level = {part.name: i for i, layer in enumerate(layers) for part in layer}
    pairs = [(a.name, b) for layer in layers for a in layer for b in sorted(a.imports & level.keys())]
    downward = {name: {b for a, b in pairs if a == name and level[a] < level[b]} for name in level}
    return downward, [(a, b) for a, b in pairs if level[a] >= level[b]]


def reduced(downward: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return the imports, less those that follow from the others (a transitive reduction).

    downward: the names that each part imports, parts of upper layers first.
    """
    reached: dict[str, set[str]] = {}
    for name in reversed(downward):
        reached[name] = downward[name].union(*(reached[other] for other in downward[name]))
    return [
        (name, lower)
        for name, others in downward.items()
        for lower in sorted(others)
        if not any(lower in reached[other] for other in others)
    ]


def gaps(row: Sequence[Box]) -> list[tuple[float, float]]:
    """Return the left and the right end of each space beside and between the boxes of a row."""
    ends = [0.0, *(end for box in row for end in (box.x, box.x + box.width)), float(WIDTH)]
    return [(left + LANE, right - LANE) for left, right in zip(ends[::2], ends[1::2], strict=True)]


def way(start: Box, end: Box, rows: Sequence[Sequence[Box]]) -> list[float]:
    """Return where an arrow passes each row between its ends: the spaces that make the shortest way."""
    ways: dict[float, tuple[float, list[float]]] = {start.middle: (0.0, [])}
    for row in rows:
        reached: dict[float, tuple[float, list[float]]] = {}
        for left, right in gaps(row):
            stops = {min(max(x, left), right) for x in (*ways, end.middle)}
            for stop in stops:
                reached[stop] = min((cost + abs(stop - x), [*past, stop]) for x, (cost, past) in ways.items())
        ways = reached
    return min((cost + abs(end.middle - x), past) for x, (cost, past) in ways.items())[1]


def spread(wanted: Sequence[tuple[float, float]], left: float, right: float) -> list[float]:
    """Return places between left and right near the wanted ones, LANE apart where there is room.

    wanted: of each, the place, and where it comes from, which orders those that want the same place.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    step = min(LANE, (right - left) / max(len(wanted) - 1, 1))
    places = [0.0] * len(wanted)
    at = left - step
    for rank, i in enumerate(order):
        room = right - step * (len(order) - 1 - rank)
        at = places[i] = min(max(wanted[i][0], at + step), room)
    return places


def draw_arrows(rows: Sequence[Sequence[Box]]) -> Iterator[str]:
    """Draw each arrow from the lower edge of a box, through the spaces of the rows between, to the top of another."""
    level = {box.part.name: i for i, row in enumerate(rows) for box in row}
    boxes = {box.part.name: box for row in rows for box in row}
    edges = reduced(split_imports([[box.part for box in row] for row in rows])[0])
    ways = [way(boxes[a], boxes[b], rows[level[a] + 1 : level[b]]) for a, b in edges]
    full = [[boxes[a].middle, *past, boxes[b].middle] for (a, b), past in zip(edges, ways, strict=True)]
    for box in boxes.values():
        inside = box.x + 2 * ROUND, box.x + box.width - 2 * ROUND
        place([(full[i], 0, full[i][1]) for i, (a, _) in enumerate(edges) if a == box.part.name], box, *inside)
        place([(full[i], -1, full[i][-2]) for i, (_, b) in enumerate(edges) if b == box.part.name], box, *inside)
    for i, row in enumerate(rows):
        for left, right in gaps(row):
            passing = [(x, i - level[a]) for (a, b), x in zip(edges, full, strict=True) if level[a] < i < level[b]]
            here = [(x, k) for x, k in passing if left <= x[k] <= right]
            for (x, k), at in zip(here, spread([(x[k], x[k - 1]) for x, k in here], left, right), strict=True):
                x[k] = at
    for (a, b), x in zip(edges, full, strict=True):
        yield arrow(x, rows[level[a] : level[b] + 1], boxes[b])


def place(ends: Sequence[tuple[list[float], int, float]], box: Box, left: float, right: float) -> None:
    """Set the ends of arrows on an edge of a box, each as near as may be to where the arrow goes or comes from."""
    if not ends:
        return
    wanted = [(min(max(far, left), right), far) for _, _, far in ends]
    for (x, k, _), at in zip(ends, spread(wanted, left, right), strict=True):
        x[k] = at


def arrow(x: Sequence[float], rows: Sequence[Sequence[Box]], end: Box) -> str:
    """Draw one arrow that leaves the first of these rows at x[0] and ends in the last at x[-1]."""
    at = bottom(rows[0])
    path = f"M{x[0]:.0f} {at:.0f}"
    for (x0, x1), row in zip(itertools.pairwise(x), rows[1:], strict=True):
        last = row is rows[-1]
        to = (end.y - 1) if last else top(row)
        bend = (at + to) / 2
        path += f"C{x0:.0f} {bend:.0f} {x1:.0f} {bend:.0f} {x1:.0f} {to:.0f}"
        path += "" if last else f"V{bottom(row):.0f}"
        at = bottom(row)
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


def top(row: Sequence[Box]) -> float:
    return min(box.y for box in row)


def bottom(row: Sequence[Box]) -> float:
    return max(box.y + box.height for box in row)


# Boxes


def lay_out(layers: Sequence[Sequence[Part]]) -> list[list[Box]]:
    """Place the boxes of each layer side by side in the middle of a row, all as high as the text of one needs."""
    rows, y = [], 20.0
    for layer in layers:
        width = min(WIDEST, (WIDTH - 2 * MARGIN - GAP * (len(layer) - 1)) / len(layer))
        height = max(len(words(part, width)) for part in layer) * LINE + 3 * PADDING
        left = (WIDTH - len(layer) * width - (len(layer) - 1) * GAP) / 2
        rows.append([Box(part, left + i * (width + GAP), y, width, height) for i, part in enumerate(layer)])
        y += height + BETWEEN_ROWS
    return rows


def words(part: Part, width: float) -> list[tuple[str, str]]:
    """Return the lines of text below a part's name, each with its class of style."""
    room = max(int((width - 2 * PADDING) / CHARACTER), 8)
    lines = textwrap.wrap(part.purpose, room, max_lines=MOST_LINES, placeholder=" …")
    folders = textwrap.wrap("  ".join(f"{name}/" for name in part.folders), int(room * 1.1))
    return [("purpose", line) for line in lines] + [("note", line) for line in folders]


def draw_box(box: Box) -> Iterator[str]:
    part, left = box.part, box.x + PADDING
    kind = "folder" if part.is_folder else "file"
    size = f'x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}"'
    yield f'<rect class="{kind}" {size} rx="5"/>'
    y = box.y + PADDING + 12
    yield text(left, y, "name", f"{part.name}/" if part.is_folder else f"{part.name}.py")
    if part.is_folder:
        end = box.x + box.width - PADDING
        yield text(end, y, "note", f"{part.files} file{'s' * (part.files != 1)}", ' text-anchor="end"')
    for kind, line in words(part, box.width):
        y += LINE
        yield text(left, y + 2, kind, line)


def text(x: float, y: float, kind: str, line: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}"{more}>{escape(line)}</text>'


def draw(root: Path = ROOT) -> str:
    """Return the picture of the package in the folder src/frostline of `root` as the text of an svg file."""
    package = root / "src" / "frostline"
    layers = [[read_part(package, name) for name in layer] for layer in read_layers(root)]
    rows = lay_out(layers)
    legend = [("note", "An arrow is an import. It is left out where a chain of other arrows leads to the same box.")]
    if upward := split_imports(layers)[1]:
        pairs = ", ".join(f"{a} → {b}" for a, b in upward)
        legend += [("wrong", line) for line in textwrap.wrap(f"Not downward, and not drawn: {pairs}", 120)]
    y = bottom(rows[-1]) + 28
    height = y + LINE * len(legend)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" role="img">',
            "<title>The folders of frostline and the imports between them</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"',
            ' orient="auto"><path d="M0 0L8 4L0 8z" fill="#6e7781"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>',
            *draw_arrows(rows),
            *(line for row in rows for box in row for line in draw_box(box)),
            *(text(WIDTH / 2, y + i * LINE, *line, ' text-anchor="middle"') for i, line in enumerate(legend)),
            "</svg>\n",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the folders of the package and the imports between them.")
    parser.add_argument("file", nargs="?", type=Path, default=PICTURE)
    file: Path = parser.parse_args().file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
