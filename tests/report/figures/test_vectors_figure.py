"""Figures of embeddings before and after training (frostline.report.figures.vectors)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import report_folders as folders
from command_line import Command, in_process
from frostline.report.build import Report, build_report
from frostline.report.figures.every import all_figures
from frostline.report.figures.vectors import VectorsFigure
from frostline.report.query import Query
from frostline.report.statistics.separation import nearest_mean_accuracy, principal_components

frostline = in_process


def study(rows: tuple[str, ...] = ("freezing",)) -> Report:
    return build_report(["runs"], Query(rows=rows, metrics=("test/f1_macro",)))


def figures(rows: tuple[str, ...] = ("freezing",)) -> list[VectorsFigure]:
    return [one for one in all_figures(study(rows))[0] if isinstance(one, VectorsFigure)]


def missing() -> list[str]:
    return [str(one) for one in all_figures(study())[1] if one.kind.startswith("embeddings")]


def test_both_projections_are_drawn_with_the_accuracy_in_all_dimensions() -> None:
    labels, before, after, tsne = folders.write_vectors(folders.run(Path("runs"), "full", name="mine"))
    (result,) = figures()
    assert [panel.title for panel in result.panels] == ["PCA, before", "PCA, after", "t-SNE, before", "t-SNE, after"]
    first = principal_components(before)
    points = [first.points, principal_components(after, first).points, *tsne]
    assert all(np.array_equal(panel.points, at) for panel, at in zip(result.panels, points, strict=True))
    assert list(result.classes) == ["negative", "neutral", "positive"]
    assert np.array_equal(result.class_of, labels)
    accuracies = [f"{nearest_mean_accuracy(vectors, labels):.3f}" for vectors in (before, after)]
    assert accuracies[0] < accuracies[1]
    assert "60 of 60 test texts of mine, before and after training." in result.caption
    assert f"accuracy of the nearest class mean is {accuracies[0]} before and {accuracies[1]} after" in result.caption
    assert f"{np.bincount(labels).max() / 60:.3f} of the texts are of the largest class" in result.caption
    assert "frozen" not in result.caption


def test_a_frozen_encoder_is_named_in_the_caption() -> None:
    folders.write_vectors(folders.run(Path("runs"), "frozen"), frozen=True)
    (result,) = figures()
    assert "The encoder was frozen: both are the same." in result.caption


def test_all_panels_show_the_same_sample_of_texts_and_classes() -> None:
    labels, *_ = folders.write_vectors(folders.run(Path("runs"), "full"), classes=20, texts=1000)
    (result,) = figures()
    assert {len(panel.points) for panel in result.panels} == {len(result.class_of)} == {500}
    assert len(result.classes) == 12 and result.classes[-1] == "other classes"
    frequent = {str(kind) for kind in np.argsort(-np.bincount(labels), kind="stable")[:11]}
    named = {"negative": "0", "neutral": "1", "positive": "2"}
    assert {named.get(name, name) for name in result.classes[:-1]} == frequent


def test_the_command_is_named_if_there_are_no_embeddings() -> None:
    runs = folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    one, other = runs["frozen", 1], runs["full", 1]
    assert missing() == [
        f"embeddings before and after training: not drawn, run `frostline vectors {one} {other}` first"
    ]
    folders.write_vectors(runs["frozen", 2])
    assert missing() == [
        f"embeddings before and after training: full: not drawn, run `frostline vectors {other}` first"
    ]


@pytest.mark.parametrize("damage", ["several labels", "half a file"])
def test_the_reason_for_a_missing_figure_is_printed(damage: str) -> None:
    folder = folders.run(Path("runs"), "full")
    folders.write_vectors(folder, multilabel=True)
    if damage == "half a file":
        (folder / "vectors.parquet").write_bytes(b"PAR1")
    assert missing() == [
        "embeddings before and after training: full: not drawn, "
        "its texts are multilabel, or its vectors.parquet cannot be read"
    ]


def test_a_page_with_as_many_as_are_drawn_stays_below_3_mb(frostline: Command) -> None:
    for seed in range(8):
        folders.write_vectors(folders.run(Path("runs"), "full", seed), classes=12, texts=1000)
    output = frostline("report", "runs", "--rows", "seed", "--format", "html", "--into", "page.html")
    assert output.status == 0, output.err
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.count("t-SNE, after") == 6
    assert "embeddings before and after training: not drawn, 2 more arms than 6; select fewer rows" in page
    assert len(page.encode()) < 3_000_000


def test_it_is_the_same_file_every_day(frostline: Command) -> None:
    folders.write_vectors(folders.run(Path("runs"), "full"))
    for folder in ("one", "other"):
        assert frostline("figures", "runs", "--into", folder, "--format", "svg,png,pdf").status == 0
    names = [f"vectors-full.{form}" for form in ("svg", "png", "pdf")]
    assert all(Path("one", name).read_bytes() == Path("other", name).read_bytes() for name in names)
