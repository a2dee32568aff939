"""The page as a whole: one file, which asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from frostline.report.build import Report
from frostline.report.figures.draw.canvas import require_matplotlib
from frostline.report.figures.every import all_figures
from frostline.report.html.markup import Markup, element
from frostline.report.html.pictures import figures_markup
from frostline.report.html.results import table_markup, warnings_markup
from frostline.report.html.runs import runs_markup
from frostline.report.read.runs import format_value
from frostline.report.warnings.warning import format_count


def html_page(study: Report) -> str:
    """Raises UserError where matplotlib is not installed."""
    require_matplotlib()
    name = ", ".join(dict.fromkeys(format_value(run.value("study")) for run in study.runs))
    doubts = list(study.table.warnings)
    sections = [
        _section("results", "Results", table_markup(study.table)),
        _section("warnings", f"Warnings ({len(doubts)})", warnings_markup(doubts)),
        _section("figures", "Figures", figures_markup(*all_figures(study))),
        _section("runs", f"Runs ({len(study.runs)})", runs_markup(study.runs, study.asked.metrics)),
    ]
    titles = (("results", "Results"), ("warnings", "Warnings"), ("figures", "Figures"), ("runs", "Runs"))
    links = [element("li", element("a", title, href=f"#{place}")) for place, title in titles]
    body = element(
        "body",
        element("a", "Skip to the results", href="#results", class_="skip"),
        element("header", element("h1", f"Study {name}"), element("p", _told(study))),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *sections),
        element("footer", element("p", "Made by frostline report.")),
        element("p", role="status", class_="away", id="said"),
        element("script", _kept("page.js")),
    )
    return f"<!doctype html>\n{element('html', _head(f'Study {name}'), body, lang='en')}\n"


def _head(title: str) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", _kept("page.css")),
    )


def _policy() -> str:
    """No network at all, and no script but the page's own: what a run holds can never be one."""
    digest = base64.b64encode(hashlib.sha256(_kept("page.js").encode()).digest()).decode()
    rules = ["default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'"]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _kept(name: str) -> Markup:
    return Markup((files("frostline.report.html") / name).read_text(encoding="utf-8"))


def _section(place: str, title: str, content: Markup) -> Markup:
    heading = element("h2", title, id=f"{place}-title")
    return element("section", heading, content, id=place, aria_labelledby=f"{place}-title")


def _told(study: Report) -> str:
    arms = len(study.grid.at)
    seeds = len({run.seed for run in study.runs})
    said = f"{format_count(len(study.runs))}, {format_count(arms, 'arm')}, {format_count(seeds, 'seed')}"
    return f"{said}; {len(study.others)} more without a result" if study.others else said
