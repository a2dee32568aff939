"""The source, the config and the pages use the words of the field: private words are rarer than 6 in 1,000 lines.

Counted are words for which the field has another: probability for chance, trainable for learns, identical for alike.
Words with an ordinary use, such as own or whole, are not counted.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]
ROOTS = {
    "src": ["src"],
    "conf": ["conf"],
    "experiments": ["experiments"],
    "pages": ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"],
}
SUFFIXES = {".py", ".yaml", ".md", ".js", ".css"}
LIMIT = 6.0  # per 1,000 lines of a root
PRIVATE = (
    r"chances?|sureness|surest|at rest|rests|resting|tells?|told|alike|home test|stands|stood|lies|laid|condemn\w*|"
    r"dispos\w+ of|mends?|mended|stillborn|lament\w*|tiers?|pupils?|witness\w*|shel(?:f|ves)|ledger|faults?|doubts?|"
    r"likeness|learns|learned|learnt|surprise|spoken|foretold|theirs|anew|unfit|stepper|handed|verbs?|places?|kept"
)
WORD = re.compile(rf"(?<![a-zA-Z])(?:{PRIVATE})(?![a-zA-Z])", re.IGNORECASE)
# What the words mean where they are not private: data, names of the field, and a file format
ORDINARY = [
    re.compile(r"\b(?:noun|verb|adj|adv)\.\w+"),  # WordNet's names of its files
    re.compile(r"\bin[- ]place\b|\b(?:in|take|takes|took) (?:the|its|their|our) place\b"),
    re.compile(r"\bbegins? with\s+a verb\b"),  # grammar
    re.compile(r"Hass\w+: [^,:]+"),  # what to say for an intent of Home Assistant
    re.compile(r"\.tell\("),  # the methods of files and of an Optuna study
    re.compile(r"learned(?=[: ]*(?:true|bool)|\"\]|:$)"),  # the option of the cosine head
    re.compile(r"\bALIKE\b|`alike`|\"alike\""),  # a column of results.csv
]


def private_words(text: str) -> list[str]:
    for pattern in ORDINARY:
        text = pattern.sub("", text)
    return WORD.findall(text)


def files(root: str) -> list[Path]:
    paths = [path for name in ROOTS[root] for path in (HOUSE / name, *(HOUSE / name).rglob("*"))]
    return sorted(path for path in paths if path.is_file() and path.suffix in SUFFIXES)


@pytest.mark.parametrize("root", ROOTS)
def test_private_words_are_rare(root: str) -> None:
    texts = {file: file.read_text(encoding="utf-8") for file in files(root)}
    words = {file: private_words(text) for file, text in texts.items()}
    lines = sum(text.count("\n") for text in texts.values())
    counts = Counter(word.lower() for found in words.values() for word in found)
    assert lines > 50
    where = {str(file.relative_to(HOUSE)): found for file, found in words.items() if found}
    assert 1000 * sum(counts.values()) / lines < LIMIT, f"{counts.most_common()} in {where}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the head learns", ["learns"]),
        ("class_chances = told[place]", ["chances", "told", "place"]),
        ("verb.body VerbalizerTree in place, file.tell()", []),
        ("its probability is trained; untold placement", []),
    ],
)
def test_private_words_are_found_in_prose_and_in_identifiers(text: str, expected: list[str]) -> None:
    assert private_words(text) == expected


# For the names of variables, arguments, functions and classes, of which own and whole say nothing
NAME_WORD = re.compile(rf"{PRIVATE}|own|whole", re.IGNORECASE)
GIVEN = {"learned", "ALIKE"}  # an option of the cosine head; a column of results.csv


def names_in(code: str) -> set[str]:
    """Return the names that the code gives to something."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def private_names(code: str) -> list[str]:
    names = names_in(code) - GIVEN
    return sorted(name for name in names if any(map(NAME_WORD.fullmatch, re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name))))


def test_no_name_in_the_source_is_a_private_word() -> None:
    sources = [file for root in ("src", "experiments") for file in files(root) if file.suffix == ".py"]
    found = {str(file.relative_to(HOUSE)): private_names(file.read_text(encoding="utf-8")) for file in sources}
    assert {file: names for file, names in found.items() if names} == {}


def test_private_names_are_found_wherever_a_name_is_given() -> None:
    code = "class WholeBatch:\n  def f(self, own_rate):\n    self.places = [told for told in ()]\n    kept, keep = 1, 2"
    assert private_names(code) == ["WholeBatch", "kept", "own_rate", "places", "told"]
