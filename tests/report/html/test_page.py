"""The page as text: it loads nothing, and runs add no markup.

Tests frostline.report.html.document, frostline.report.html.results, frostline.report.html.runs.
"""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

import report_folders as folders
from command_line import Command, in_process
from frostline.report.html.markup import element
from frostline.report.html.pictures import inline_svg
from frostline.report.html.runs import config_differences, most_common
from frostline.report.read.run_folders import read_runs

frostline = in_process
ODD = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collect the tags and words of a page. open: elements that were never closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def page(frostline: Command, *words: str) -> str:
    result = frostline("report", "runs", "--format", "html", "--into", "out/page.html", *words)
    assert result.status == 0, result.err
    assert result.out == "report: out/page.html\n"
    return Path("out/page.html").read_text(encoding="utf-8")


def test_a_page_is_whole_and_fetches_nothing(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    text = page(frostline, "--baseline", "freezing=frozen")
    seen = Reader(text)
    assert seen.open == []
    assert [seen.count(tag) for tag in ("h1", "main", "nav", "header", "footer", "caption")] == [1] * 6
    assert [attrs for tag, attrs in seen.tags if tag == "th" and "scope" not in attrs] == []
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert [anchor for anchor, number in Counter(ids).items() if number > 1] == []
    links = [attrs[key] for _, attrs in seen.tags for key in ("href", "xlink:href", "src", "srcset") if key in attrs]
    assert [link for link in links if not str(link).startswith("#") or str(link)[1:] not in ids] == []
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert "default-src 'none'" in text


def test_no_content_of_a_run_becomes_markup(frostline: Command) -> None:
    for freezing in ("frozen", ODD):
        folder = folders.run(
            Path("runs"),
            freezing,
            name=f"run-{len(freezing)}",
            config={"head.dropout": '"><img src=x onerror=alert(1)>'},
        )
        folders.edit(folder / "environment.json", {"data": {"classes": [ODD, "b'\"", "c&d"]}, "device": ODD})
        folders.edit(folder / "result.json", {"overrides": [f"freezing={freezing}", "head.text='it\"s & <b>'"]})
        (folder / "plan.txt").write_text(
            f"phase  epochs  {ODD}  head  trainable  frost line\nprobe  1  ·  1  3  1 of 2\n"
        )
    seen = Reader(page(frostline, "--rows", "freezing,head.dropout"))
    assert (seen.count("script"), seen.count("style"), seen.count("img"), seen.count("b")) == (1, 1, 0, 2)
    assert not [attrs for _, attrs in seen.tags if any(key.startswith("on") for key in attrs)]
    words = "".join(seen.words)
    assert ODD in words and "it\"'\"'s" not in words
    assert "frostline freezing=frozen 'head.text='\"'\"'it\"s & <b>'\"'\"''" in words


def test_each_run_shows_its_command_and_its_differences(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2, 3])
    folders.run(Path("runs"), "full", 4, config={"optimizer.lr": 0.5})
    runs = read_runs(["runs"])
    usual = most_common(runs)
    differences = {run.seed: config_differences(run, usual) for run in runs if run.choices["freezing"] == "full"}
    assert ("optimizer.lr", 0.5, 0.003) in differences[4]
    assert [key for key, *_ in differences[1]] == []
    text = page(frostline)
    assert text.count("frostline freezing=full seed=") == 4
    assert text.count('<details class="run">') == 7
    assert text.count(">environment 1</a>") == 7
    assert text.count("<summary>environment ") == 1  # which all runs share


def test_a_page_of_500_runs_stays_below_3_mb(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full", "lp_ft", "top_k", "bitfit"], range(100))
    assert len(page(frostline, "--per-seed").encode()) < 3_000_000


def test_a_picture_becomes_part_of_a_page() -> None:
    svg = '<?xml version="1.0"?><svg width="10pt" height="5pt" viewBox="0 0 10 5" version="1.1"><metadata>x</metadata>'
    svg += '<g id="a" style="fill: #1b1b1a"><path d="M 1.23456 2.000000" clip-path="url(#b)"/></g>\n'
    svg += "<text>0.00125</text></svg>"
    assert inline_svg(svg, "f1") == (
        '<svg role="img" aria-labelledby="f1-caption" viewBox="0 0 10 5"><g id="f1-a" style="fill: currentColor">'
        '<path d="M 1.23 2" clip-path="url(#f1-b)"/></g><text>0.00125</text></svg>'
    )


def test_the_text_of_an_element_is_escaped() -> None:
    assert element("td", "a<b", element("b", "&"), title='"x"', hidden=True, id=None) == (
        '<td title="&quot;x&quot;" hidden>a&lt;b<b>&amp;</b></td>'
    )


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "json"])
def test_any_form_goes_into_a_file(frostline: Command, form: str) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    shown = frostline("report", "runs", "--format", form).out
    assert frostline("report", "runs", "--format", form, "--into", "a, b/table").out == "report: a, b/table\n"
    assert Path("a, b/table").read_bytes().decode() == shown


def test_a_file_that_cannot_be_written_is_reported_with_all_problems(frostline: Command) -> None:
    folders.run(Path("runs"), "full")
    result = frostline("report", "runs", "--into", "runs", "--format", "htm")
    assert result.problems() == [
        "--format: no format is called htm; did you mean html?",
        "--into: runs is a folder; give a file, such as runs/report.html",
    ]
