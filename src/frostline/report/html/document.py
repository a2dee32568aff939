"""The HTML page of a report: one file, which loads nothing from any network."""

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


def html_page(report: Report) -> str:
    """Return the page; raise a UserError if matplotlib is not installed."""
    require_matplotlib()
    name = ", ".join(dict.fromkeys(format_value(run.value("study")) for run in report.runs))
    warnings = list(report.table.warnings)
    sections = [
        _section("results", "Results", table_markup(report.table)),
        _section("warnings", f"Warnings ({len(warnings)})", warnings_markup(warnings)),
        _section("figures", "Figures", figures_markup(*all_figures(report))),
        _section("runs", f"Runs ({len(report.runs)})", runs_markup(report.runs, report.query.metrics)),
    ]
    titles = (("results", "Results"), ("warnings", "Warnings"), ("figures", "Figures"), ("runs", "Runs"))
    links = [element("li", element("a", title, href=f"#{anchor}")) for anchor, title in titles]
    body = element(
        "body",
        element("a", "Skip to the results", href="#results", class_="skip"),
        element("header", element("h1", f"Study {name}"), element("p", _overview(report))),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *sections),
        element("footer", element("p", "Made by frostline report.")),
        element("p", role="status", class_="away", id="message"),
        element("script", _resource("page.js")),
    )
    return f"<!doctype html>\n{element('html', _head(f'Study {name}'), body, lang='en')}\n"


def _head(title: str) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_security_policy()}">'),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", _resource("page.css")),
    )


def _security_policy() -> str:
    """Return a policy that allows no network and no script but that of the page."""
    digest = base64.b64encode(hashlib.sha256(_resource("page.js").encode()).digest()).decode()
    rules = ["default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'"]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _resource(name: str) -> Markup:
    return Markup((files("frostline.report.html") / name).read_text(encoding="utf-8"))


def _section(anchor: str, title: str, content: Markup) -> Markup:
    heading = element("h2", title, id=f"{anchor}-title")
    return element("section", heading, content, id=anchor, aria_labelledby=f"{anchor}-title")


def _overview(report: Report) -> str:
    arms, seeds = len(report.grid.at), len({run.seed for run in report.runs})
    counts = f"{format_count(len(report.runs))}, {format_count(arms, 'arm')}, {format_count(seeds, 'seed')}"
    return f"{counts}; {len(report.incomplete)} more without a result" if report.incomplete else counts
