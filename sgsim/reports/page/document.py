"""The frame of a page: head, styles, script, and a policy that lets nothing else run or load."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from sgsim import __version__
from sgsim.reports.page.markup import Html, element, join


class Section(NamedTuple):
    """``anchor`` is its id on the page, ``short`` its name among the links."""

    anchor: str
    short: str
    title: str
    body: Html


def document(title: str, about: Html, sections: Sequence[Section]) -> bytes:
    """The whole page. ``about`` stands below its heading."""
    styles, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(styles)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        Html(f"<style>{styles}</style>"),
    )
    links = (element("li", element("a", each.short, href=f"#{each.anchor}")) for each in sections)
    body = element(
        "body",
        element("a", "To the contents", class_="skip", href="#main"),
        element("header", element("h1", title), about, _switch()),
        element("nav", element("ul", *links), aria_label="Parts of this page"),
        element("main", *map(_section, sections), id="main", tabindex="-1"),
        element("footer", f"Made by sgsim {__version__}. All times are UTC."),
        Html(f"<script>{script}</script>"),
    )
    page = join(Html("<!DOCTYPE html>\n"), element("html", head, "\n", body, lang="en"), "\n")
    return page.encode()


def _section(section: Section) -> Html:
    heading = element("h2", section.title, id=f"{section.anchor}-title")
    labelled = f"{section.anchor}-title"
    return join("\n", element("section", heading, section.body, id=section.anchor, aria_labelledby=labelled))


def _switch() -> Html:
    return element("button", "Dark", type="button", id="theme", hidden=True, aria_pressed="false")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8").strip()


def _digest(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"
