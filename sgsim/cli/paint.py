"""Colours, where standard output is a terminal that wants them."""

from __future__ import annotations

import os
import sys

import click


def paint(text: str, colour: str) -> str:
    """The text in a colour; as it is where NO_COLOR is set or nobody looks."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return click.style(text, fg=colour, bold=True)
