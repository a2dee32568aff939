"""`frostline check` prints the notes on a user's tables before a run does, and finds what a run would refuse."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import Command, in_process
from frostline.config.checks import table_texts
from frostline.config.checks.table_texts import read_tables
from frostline.data.build import load_corpus

frostline = in_process
ROWS = st.lists(
    st.tuples(st.sampled_from(["good", "Good", "a b", "ab", "bad", "x"]), st.integers(0, 30), st.sampled_from("pqr")),
    min_size=0,
    max_size=12,
)
LABELS = st.sampled_from([["a", "b"], ["a", "A"], ["1", "1.0", "2"], ["yes ", "yes", "no"]])


def dataset(file: Path, **keys: Any) -> dict[str, Any]:
    return {"_target_": table_texts.TABLE, "train": str(file), "max_length": 128, "batch_size": 32, **keys}


@settings(max_examples=25, deadline=None)
@given(ROWS, LABELS, st.booleans(), st.booleans())
def test_notes_and_texts_are_those_of_a_run(
    rows: list[tuple[str, int, str]], labels: list[str], keep_copies: bool, case_sensitive: bool
) -> None:
    lines = [f"{word} {number},{labels['pqr'.index(letter) % len(labels)]}" for word, number, letter in rows]
    lines += [f"usual {n},{labels[n % len(labels)]}" for n in range(30)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "my.csv")
        file.write_text("\n".join(["text,label", *lines]))
        config = dataset(file, keep_copies=keep_copies, case_sensitive=case_sensitive)
        found, corpus = read_tables([config, {**config, "batch_size": 8}]), load_corpus(config)
    assert found.problems == []
    assert found.note_lines() == [f"data: {note.message}" for note in corpus.notes]
    texts = [*corpus.train.texts, *corpus.val.texts, *corpus.test.texts]
    assert found.texts_of({**config, "max_length": 5}) == texts and found.texts_of({**config, "train": "b.csv"}) is None


def test_check_and_plan_print_copies_and_spellings(frostline: Command) -> None:
    texts = [f"text {n},{'1' if n % 2 else '1.0' if n % 4 else '2'}" for n in range(40)]
    Path("my.csv").write_text("\n".join(["text,label", *texts, texts[0], texts[2]]))
    words = ["dataset=table", "dataset.train=my.csv"]
    expected = [
        "data: classes that are written in several ways: '1' ('1', '1.0')",
        "data: 2 texts of train that occur again with their label: left out (dataset.keep_copies=true keeps them) "
        "(first: row 41 and row 1, 'text 0')",
    ]
    assert frostline("check", *words).out.splitlines()[2:] == [f"  {line}" for line in expected]
    assert frostline("check", "-m", *words, "seed=1,2").out.splitlines()[3:] == [f"  {line}" for line in expected]
    assert frostline("plan", *words).err.splitlines() == expected


def test_the_notes_of_several_tables_name_their_file(frostline: Command) -> None:
    lines = [f"text {n},{'ab'[n % 2]}" for n in range(40)]
    Path("one.csv").write_text("\n".join(["text,label", *lines]))
    Path("two.csv").write_text("\n".join(["text,label", *lines, lines[0]]))
    out = frostline("check", "-m", "dataset=table", "dataset.train=one.csv,two.csv").out.splitlines()
    assert [line.partition(":")[0] for line in out[3:]] == ["  data (two.csv)"]


def test_what_the_preparation_of_the_texts_refuses_is_a_problem_of_check(frostline: Command) -> None:
    """After the copies are left out, there is one text of a class."""
    rows = [f"text {n},a" for n in range(20)] + ["the same,b"] * 9
    Path("my.csv").write_text("\n".join(["text,label", *rows]))
    result = frostline("check", "dataset=table", "dataset.train=my.csv")
    assert result.status == 2
    assert [problem.partition(":")[0] for problem in result.problems()] == ["dataset.train"]


def test_notes_on_a_large_table_are_left_to_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(table_texts, "LARGE_BYTES", 100)
    lines = [f"text {n},{'ab'[n % 2]}" for n in range(40)]
    (tmp_path / "my.csv").write_text("\n".join(["text,label", *lines, *lines]))
    found = read_tables([dataset(tmp_path / "my.csv")])
    assert (found.note_lines(), found.problems) == ([], [])
    assert found.texts_of(dataset(tmp_path / "my.csv")) == [line.partition(",")[0] for line in (lines + lines)[:-1]]
