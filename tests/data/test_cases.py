"""One small file of each kind that went wrong for users: it is read right, or refused with what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frostline.data.corpus import Corpus
from frostline.data.datasets.table import Table
from frostline.data.prepare import prepare
from frostline.errors import UserError

TEXTS = [f"the house number {n} was {'awful' if n % 2 else 'lovely'} and the book too" for n in range(60)]
LABELS = ["neg" if n % 2 else "pos" for n in range(60)]


def rows(texts: list[str], labels: list[str], separator: str = ",") -> str:
    lines = [f"text{separator}label", *(f"{t}{separator}{label}" for t, label in zip(texts, labels, strict=True))]
    return "\n".join(lines) + "\n"


def corpus(
    folder: Path, name: str, content: str | bytes, prepared: dict[str, Any] | None = None, **options: Any
) -> Corpus:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return prepare(Table(str(path), **options).load(), **(prepared or {}))


def size(found: Corpus) -> int:
    return sum(map(len, (found.train, found.val, found.test)))


def noted(found: Corpus) -> dict[str, int]:
    return {note.name: note.count for note in found.notes}


def test_two_lone_quotation_marks_in_a_tsv(tmp_path: Path) -> None:
    texts = [f'"Wow, {text}' if n in (5, 20) else text for n, text in enumerate(TEXTS)]
    found = corpus(tmp_path, "quotes.tsv", rows(texts, LABELS, "\t"))
    assert size(found) == 60 and found.dropped == {}


def test_scores_are_said(tmp_path: Path) -> None:
    found = corpus(
        tmp_path, "scores.csv", rows([f"sentence {n}" for n in range(520)], [f"{n % 26 / 5:.1f}" for n in range(520)])
    )
    assert noted(found) == {"scores": 26}
    assert found.classes[:3] == ["0", "0.2", "0.4"] and found.classes[-1] == "5"


def test_an_oversampled_class_is_said_and_can_be_kept(tmp_path: Path) -> None:
    texts = [*TEXTS, *[f"rare {n}" for n in range(10)] * 9]
    content = rows(texts, [*["major"] * 60, *["minor"] * 90])
    assert noted(corpus(tmp_path, "a.csv", content)) == {"duplicates": 80}
    kept = corpus(tmp_path, "a.csv", content, {"keep_copies": True})
    assert len(kept.train) > 100 and sum(noted(kept).values()) == 80


def test_half_an_emoji_is_replaced_and_counted(tmp_path: Path) -> None:
    pairs = [("great \ud83d", "pos"), ("whole \U0001f600", "neg"), *zip(TEXTS, LABELS, strict=True)]
    content = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in pairs)
    raw = Table(str((tmp_path / "a.jsonl").write_text(content) and tmp_path / "a.jsonl")).load()
    assert raw.train.texts[:2] == ["great \ufffd", "whole \U0001f600"]
    assert [(note.name, note.count) for note in raw.notes] == [("surrogates", 1)] and "row 1" in raw.notes[0].message


@pytest.mark.parametrize("text", ["\x01\x02", "\u200b\u200d", " \x7f ", "\ufeff"])
def test_texts_of_control_characters_are_empty(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError) as caught:
        corpus(tmp_path, "a.csv", rows([text, *TEXTS[1:]], LABELS))
    assert "1 of 60 cells of 'text' in a.csv are empty" in str(caught.value) and "(rows 1)" in str(caught.value)


def test_one_text_of_a_pair_may_be_empty(tmp_path: Path) -> None:
    def content(title: str, body: str) -> str:
        lines = [f"title {n},{text},{label}" for n, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]
        return "\n".join(["title,body,label", *lines[:7], f"{title},{body},pos", *lines[7:]]) + "\n"

    columns = {"text_column": ["title", "body"]}
    assert noted(corpus(tmp_path, "a.csv", content("", "words"), **columns)) == {"empty_halves": 1}
    assert noted(corpus(tmp_path, "a.csv", content("words", ""), **columns)) == {"empty_halves": 1}
    with pytest.raises(UserError, match=r"both texts are empty in 1 of 61 rows of a.csv \(rows 8\)"):
        corpus(tmp_path, "a.csv", content("", " "), **columns)
