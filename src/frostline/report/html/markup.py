"""Elements of HTML, in which every text that is not an element is escaped."""

from __future__ import annotations

import html

EMPTY = ("meta", "link", "br")


class Markup(str):
    """Text that is HTML already."""


def element(name: str, /, *inside: str | None, **attributes: str | float | bool | None) -> Markup:
    """`element("td", "a < b", class_="number")`; an attribute that is None or false is left out, `data_v` is data-v."""
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in EMPTY:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{join_markup(*inside)}</{name}>")


def join_markup(*parts: str | None) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else html.escape(part or "", quote=False) for part in parts))


def _attribute(key: str, value: str | float | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
