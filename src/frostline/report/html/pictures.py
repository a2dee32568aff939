"""Figures inside the page: small SVG in the colours of the page, with a caption in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from frostline.report.figures.draw.canvas import render
from frostline.report.figures.draw.style import INK
from frostline.report.figures.figure import Figure, MissingFigure
from frostline.report.html.markup import Markup, element, join_markup

LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", re.DOTALL)  # the page has its style
REFERENCE = re.compile(r'(\bid="|\bhref="#|url\(#)')
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
SIZE = re.compile(r'\s(width|height)="[\d.]+pt"|\sversion="1.1"')
TAG = re.compile(r"<[^>]+>")  # between tags there is text, which is left as it is
GAPS = re.compile(r">\s+<")


def figures_markup(figures: Sequence[Figure], missing: Sequence[MissingFigure]) -> Markup:
    """Return the figures, and a list of those that cannot be drawn."""
    markups = [_figure_markup(figure, f"f{at}") for at, figure in enumerate(figures)]
    parts = [element("div", *markups, class_="figures")] if markups else []
    if missing:
        reasons = element("ul", *(element("li", str(figure)) for figure in missing))
        parts.append(element("details", element("summary", f"Figures that cannot be drawn ({len(missing)})"), reasons))
    return join_markup(*parts)


def _figure_markup(figure: Figure, name: str) -> Markup:
    caption = element("figcaption", figure.caption, id=f"{name}-caption")
    return element("figure", Markup(inline_svg(render(figure, "svg").decode(), name)), caption)


def inline_svg(svg: str, name: str) -> str:
    """Return an SVG as part of a page. name: a prefix of its ids, so that they differ from those of other figures."""
    svg = LEFT_OUT.sub("", svg[svg.index("<svg") :])
    head, end, rest = svg.partition(">")
    head = SIZE.sub("", head).replace("<svg", f'<svg role="img" aria-labelledby="{name}-caption"', 1)
    rest = TAG.sub(lambda tag: _shorten(tag.group(), name), rest)
    return GAPS.sub("><", head + end + rest).strip()


def _shorten(tag: str, name: str) -> str:
    """Prefix ids and round coordinates to two decimals, a fiftieth of a pixel."""
    prefixed = REFERENCE.sub(rf"\g<1>{name}-", tag.replace(INK, "currentColor"))
    return LONG_NUMBER.sub(lambda number: f"{float(number.group()):.2f}".rstrip("0").rstrip("."), prefixed)
