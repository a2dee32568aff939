"""Each text of a corpus names the row of the source from which it comes."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.data.corpus import Labelled, Origin, RawData
from frostline.data.prepare import prepare
from frostline.errors import UserError

CELLS = st.tuples(
    st.sampled_from([" ", *(f"{word} {n}" for word in ("A", "a", "b") for n in range(30))]), st.sampled_from("xyz")
)
PART = st.lists(CELLS, min_size=3, max_size=120)


def labelled(rows: list[tuple[str, str]], pairs: bool) -> Labelled:
    texts = [(text, f"{text} again") if pairs and text.strip() else text for text, _ in rows]
    return Labelled(texts, [label for _, label in rows])


@settings(max_examples=60, deadline=None)
@given(
    train=PART,
    val=st.none() | PART,
    test=st.none() | PART,
    pairs=st.booleans(),
    limits=st.fixed_dictionaries(
        {"max_train": st.none() | st.integers(3, 20), "max_test": st.none() | st.integers(3, 20)}
    ),
    folds=st.none() | st.just(2),
)
def test_the_row_of_a_text_has_its_text_and_its_label(train, val, test, pairs, limits, folds) -> None:  # type: ignore[no-untyped-def]
    parts = {"train": train, "val": val, "test": test}
    raw = {name: None if rows is None else labelled(rows, pairs) for name, rows in parts.items()}
    with contextlib.suppress(UserError):  # too few texts of a class
        corpus = prepare(RawData(**raw), **limits, folds=folds, fold=None if folds is None else 1)
        seen: list[Origin] = []
        for split in (corpus.train, corpus.val, corpus.test):
            assert split.origins is not None and len(split.origins) == len(split)
            seen += split.origins
            for text, label, (part, row) in zip(split.texts, split.labels, split.origins, strict=True):
                source = raw[part]
                stripped = source.texts[row - 1]
                stripped = stripped.strip() if isinstance(stripped, str) else tuple(half.strip() for half in stripped)
                assert (text, corpus.classes[label]) == (stripped, source.labels[row - 1])
        assert len(seen) == len(set(seen))


def test_rows_that_a_source_has_numbered_stay() -> None:
    texts, origins = [f"text {n}" for n in range(20)], [Origin("train", 3 * n) for n in range(20)]
    corpus = prepare(RawData(Labelled(texts, ["x", "y"] * 10, origins=origins)))
    for split in (corpus.train, corpus.val, corpus.test):
        assert [f"text {origin.row // 3}" for origin in split.origins or ()] == split.texts
