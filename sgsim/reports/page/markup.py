"""HTML elements. Whatever is not made here is text, and is escaped: here and nowhere else."""

from __future__ import annotations

import re
from html import escape

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_EMPTY = ("meta", "rect", "path", "line", "br")  # closed at once where nothing is in them


class Html(str):
    """Markup, in which every text is escaped already."""


Child = Html | str | int | None


def text(value: str | int) -> Html:
    """Escaped; what no HTML text may hold (control characters, halves of characters) becomes U+FFFD."""
    return value if isinstance(value, Html) else Html(escape(_CONTROLS.sub("�", str(value)), quote=True))


def element(tag: str, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """An element. An attribute's name is written with _ for -, and with _ behind it where Python has the word; None and
    False leave it out, True gives it no value."""
    written = "".join(
        f" {name.strip('_').replace('_', '-')}" + ("" if value is True else f'="{text(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _EMPTY and not children:
        return Html(f"<{tag}{written}/>")
    return Html(f"<{tag}{written}>{join(*children)}</{tag}>")


def join(*children: Child) -> Html:
    """One behind the other; None is nothing."""
    return Html("".join(text(child) for child in children if child is not None))
