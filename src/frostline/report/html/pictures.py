"""Figures within the page: small, in the page's own ink, and told in words beside."""

from __future__ import annotations

import re
from collections.abc import Sequence

from frostline.report.figures.draw.canvas import render
from frostline.report.figures.draw.style import INK
from frostline.report.figures.figure import Figure, MissingFigure
from frostline.report.html.markup import Markup, element, join_markup

LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", re.DOTALL)  # its style is the page's
NAMED = re.compile(r'(\bid="|\bhref="#|url\(#)')
LONG = re.compile(r"-?\d+\.\d{3,}")
SIZE = re.compile(r'\s(width|height)="[\d.]+pt"|\sversion="1.1"')
TAG = re.compile(r"<[^>]+>")  # what stands between tags are words
GAPS = re.compile(r">\s+<")


def figures_markup(figures: Sequence[Figure], absent: Sequence[MissingFigure]) -> Markup:
    made = [_picture(figure, f"f{at}") for at, figure in enumerate(figures)]
    parts = [element("div", *made, class_="figures")] if made else []
    if absent:
        lines = element("ul", *(element("li", str(one)) for one in absent))
        parts.append(element("details", element("summary", f"What is not drawn ({len(absent)})"), lines))
    return join_markup(*parts)


def _picture(figure: Figure, name: str) -> Markup:
    caption = element("figcaption", figure.says, id=f"{name}-says")
    return element("figure", Markup(inline_svg(render(figure, "svg").decode(), name)), caption)


def inline_svg(svg: str, name: str) -> str:
    """An SVG as part of a page. name: before its ids, which would else be those of other figures, too."""
    svg = LEFT_OUT.sub("", svg[svg.index("<svg") :])
    head, end, rest = svg.partition(">")
    head = SIZE.sub("", head).replace("<svg", f'<svg role="img" aria-labelledby="{name}-says"', 1)
    rest = TAG.sub(lambda found: _small(found.group(), name), rest)
    return GAPS.sub("><", head + end + rest).strip()


def _small(tag: str, name: str) -> str:
    """Two places are a fiftieth of a dot on a screen."""
    named = NAMED.sub(rf"\g<1>{name}-", tag.replace(INK, "currentColor"))
    return LONG.sub(lambda found: f"{float(found.group()):.2f}".rstrip("0").rstrip("."), named)
