"""The page in a real browser: sorting, accessibility, and the width of a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import report_folders as folders
from browser import DESK, PHONE, Browser, axe_core, chromium
from frostline import cli

PLAN = "phase  epochs  emb  0  head  trainable  frost line\nprobe  1-2  ·  ·  1  387  2 of 3\n"
COLUMN = "return Array.from(document.querySelectorAll('tbody tr'), row => row.cells[arguments[0]].innerText)"
SORTED = "return Array.from(document.querySelectorAll('thead th'), head => head.ariaSort)"
WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
ENTER = "\ue007"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of runs with a warning, a plan, curves, embeddings, and names that contain a script."""
    root = tmp_path_factory.mktemp("page")
    runs = folders.grid(root / "runs", ["frozen", "<script>alert(1)</script>", "full"], [1, 2, 10])
    for (_, seed), folder in runs.items():
        (folder / "plan.txt").write_text(PLAN)
        lines = [f"{at},{at},val/f1_macro,{0.5 + 0.01 * at * seed}" for at in range(3)]
        (folder / "metrics.csv").write_text("\r\n".join(["step,epoch,name,value", *lines, ""]))
    folders.failed(runs["full", 10])
    folders.write_vectors(runs["full", 1])
    options = ["--rows", "freezing,seed", "--metric", "test/f1_macro,cost/seconds"]
    cli.main(["report", str(root / "runs"), *options, "--format", "html", "--into", str(root / "page.html")])
    assert "t-SNE, after" in (root / "page.html").read_text()
    return root / "page.html"


@pytest.fixture(scope="module")
def browser(page: Path) -> Iterator[Browser]:
    with chromium() as window:
        yield window


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_core(tmp_path_factory.mktemp("axe"))


def test_a_click_and_a_key_sort(browser: Browser, page: Path) -> None:
    """Numbers are sorted by size, and in reverse at the second click; only one column is marked as sorted."""
    browser.look(DESK)
    browser.open(page)
    assert browser.do(SORTED) == [None] * 4
    browser.do("document.querySelectorAll('thead button')[1].click()")
    assert browser.do(COLUMN, 1) == ["1", "1", "1", "2", "2", "2", "10", "10"]
    assert browser.do(SORTED) == [None, "ascending", None, None]
    browser.do("document.querySelectorAll('thead button')[1].focus()")
    browser.press(ENTER)
    assert browser.do(COLUMN, 1) == ["10", "10", "2", "2", "2", "1", "1", "1"]
    assert browser.do(SORTED) == [None, "descending", None, None]
    browser.do("document.querySelectorAll('thead button')[2].click()")
    values = [float(re.split(r"[\s,]", text)[0]) for text in browser.do(COLUMN, 2)]
    assert values == sorted(values)


def test_no_name_is_run_as_a_script(browser: Browser, page: Path) -> None:
    browser.open(page)  # an alert would make the next command fail
    assert "<script>alert(1)</script>" in browser.do("return document.querySelector('table').innerText")
    assert browser.do("return document.scripts.length") == 1


def test_a_link_opens_the_plan_it_goes_to(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.do("document.querySelector('.run').open = true; document.querySelector('.run a').click()")
    assert browser.do("return document.querySelector('#plan-1').parentElement.open")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, page: Path, axe: str, size: tuple[int, int], scheme: str) -> None:
    browser.look(size, scheme)
    browser.open(page)
    browser.do("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert browser.violations(axe) == []


def test_a_phone_scrolls_the_table_and_never_the_page(browser: Browser, page: Path) -> None:
    browser.look(PHONE)
    browser.open(page)
    browser.do("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert browser.do("return innerWidth") == PHONE[0]
    assert browser.do(WIDE) == 0
