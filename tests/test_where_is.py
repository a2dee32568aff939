"""A newcomer finds the code of a thing by the name of its file or folder alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path, PurePosixPath

import pytest

from support.where_is import QUESTIONS, Question

ROOT = Path(__file__).resolve().parents[1]
FOUND_AT_LEAST = 45  # of the fifty questions
SHORT_LIST = 3  # places that a newcomer looks into


def sources() -> dict[PurePosixPath, Path]:
    """Return the files of the package by their path below it, those of the plugins and of experiments by theirs."""
    roots = {"src/frostline": ROOT / "src" / "frostline", "src": ROOT / "src", ".": ROOT}
    files = {
        **dict.fromkeys((ROOT / "experiments").rglob("*.py"), "."),
        **dict.fromkeys((ROOT / "src").rglob("*.py"), "src"),
    }
    files |= dict.fromkeys((ROOT / "src" / "frostline").rglob("*.py"), "src/frostline")
    return {PurePosixPath(file.relative_to(roots[root]).as_posix()): file for file, root in files.items()}


SOURCES = sources()
FILES = [path.with_suffix("") for path in SOURCES if path.name != "__init__.py"]
FOLDERS = sorted({folder for path in FILES for folder in path.parents if folder.name})


def singular(word: str) -> str:
    """Return an English noun, in lower case, without the ending of its plural."""
    word = word.lower()
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def words_of(name: str) -> set[str]:
    """Return the words of the name of a file or folder, and all of them as one word: "data", "module", "datamodule"."""
    words = [singular(word) for word in name.split("_") if word]
    return {*words, "".join(words)}


def rank(place: PurePosixPath, query: set[str]) -> tuple[int, int] | None:
    """Return how well a place fits, the least the best, as file finders do; None where a word of the query is missing.

    A word in the name itself counts more than one in the folders above it, and a name without further words fits best.
    """
    name = words_of(place.name)
    if not query <= name.union(*map(words_of, place.parent.parts)):
        return None
    return -len(query & name), len([word for word in place.name.split("_") if singular(word) not in query])


def is_found(question: Question) -> bool:
    """Return whether some of the words list the answer among the first three places, with ties counted against it."""
    folder = question.answer.endswith("/")
    answer = PurePosixPath(question.answer) if folder else PurePosixPath(question.answer).with_suffix("")
    words = sorted({singular(word) for word in question.words})
    for query in (set(some) for count in range(1, len(words) + 1) for some in combinations(words, count)):
        own = rank(answer, query)
        ranks = [found for place in (FOLDERS if folder else FILES) if (found := rank(place, query)) is not None]
        if own is not None and sum(other <= own for other in ranks) <= SHORT_LIST:
            return True
    return False


def names(file: Path) -> Iterator[str]:
    """Yield the names of the classes, functions and constants of a file; methods as "Class.method"."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef))
        if isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def test_fifty_questions_are_asked() -> None:
    assert len({question.text for question in QUESTIONS}) == len(QUESTIONS) == 50


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.answer)
def test_the_answer_is_where_the_table_says(question: Question) -> None:
    """Where this fails, the thing has moved or has another name: give its new place in tests/support/where_is.py."""
    answer = PurePosixPath(question.answer)
    folder = question.answer.endswith("/")
    files = [file for path, file in SOURCES.items() if path == answer or (folder and path.parent == answer)]
    assert question.name in {name for file in files for name in names(file)}


def test_a_newcomer_finds_things_by_the_names_of_files_and_folders() -> None:
    missed = [f"{question.text} {question.answer}" for question in QUESTIONS if not is_found(question)]
    print(*missed, sep="\n")
    assert len(QUESTIONS) - len(missed) >= FOUND_AT_LEAST, missed


def test_a_list_that_is_long_finds_nothing() -> None:
    assert is_found(Question("", ("early",), "training/callbacks/early_stopping.py", ""))
    assert not is_found(Question("", ("callback",), "training/callbacks/early_stopping.py", ""))
    assert not is_found(Question("", ("patience",), "training/callbacks/early_stopping.py", ""))
