"""Log events of CloudWatch Logs as JSON (``aws logs filter-log-events``, ``get-log-events``) -> lines of text."""

from __future__ import annotations

import json
import re

from sgsim.captures.source import Window

_MESSAGE = re.compile(rb'"message"\s*:\s*("(?:[^"\\]|\\.)*")')
_BEGINNING = b'"message"'
_PIECE = 1 << 18  # bytes of JSON read at a time
_LONGEST = 1 << 20  # bytes of an event: CloudWatch Logs takes no longer ones


class Messages:
    """The message of each event as a line; whatever else the events say is passed over, so that a document of any
    length is read in little memory. Made as ``captures.source.Bytes``."""

    def __init__(self, document: Window) -> None:
        self._document = document
        self._pending = b""  # JSON that was read and may begin an event's message
        self._lines = memoryview(b"")
        self._last = b""
        self._events = 0

    @property
    def position(self) -> int:
        return self._document.source.position

    def notice(self) -> str | None:
        notice = self._document.source.notice()
        if notice:
            return notice
        if self._last not in (b"}", b"]"):
            return "the JSON is cut off"
        return None if self._events else "the JSON has no events with a message"

    def read_into(self, room: memoryview) -> int:
        while not self._lines:
            if not self._more():
                return 0
        count = min(len(room), len(self._lines))
        room[:count] = self._lines[:count]
        self._lines = self._lines[count:]
        return count

    def _more(self) -> bool:
        """Read on; False at the end."""
        window = self._document
        if not window.fill(1):
            return False
        text = self._pending + window.take(min(_PIECE, window.end - window.begin))
        self._last = text.rstrip()[-1:] or self._last
        found, end = [], 0
        for match in _MESSAGE.finditer(text):
            found.append(_line(match[1]))
            end = match.end()
        self._events += len(found)
        self._lines = memoryview(b"".join(found))
        begun = text.rfind(_BEGINNING, end)
        keep = begun if begun >= 0 else max(end, len(text) - len(_BEGINNING))
        self._pending = text[keep:] if len(text) - keep <= _LONGEST else b""
        return True


def _line(literal: bytes) -> bytes:
    """A JSON string's text, with its end as a line."""
    if b"\\" not in literal:
        return literal[1:-1] + b"\n"
    try:
        text = str(json.loads(literal))
    except ValueError:  # no escape that JSON knows
        return literal[1:-1] + b"\n"
    return b" ".join(text.encode("utf-8", "replace").split()) + b"\n"
