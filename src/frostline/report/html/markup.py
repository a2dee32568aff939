"""HTML elements. Any text that is not an element is escaped."""

from __future__ import annotations

import html

EMPTY = ("meta", "link", "br")


class Markup(str):
    """Text that is HTML."""


def element(name: str, /, *content: str | None, **attributes: str | float | bool | None) -> Markup:
    """Return `<td class="number">a &lt; b</td>` for `element("td", "a < b", class_="number")`.

    An attribute that is None or False is left out; `data_v` becomes data-v.
    """
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items())
    return Markup(f"<{opening}>" if name in EMPTY else f"<{opening}>{join_markup(*content)}</{name}>")


def join_markup(*parts: str | None) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else html.escape(part or "", quote=False) for part in parts))


def _attribute(key: str, value: str | float | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
