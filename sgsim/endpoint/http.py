"""What comes in and what goes out, as plain values: the border between the server and what answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class HttpRequest(NamedTuple):
    """One request. ``headers`` by lower-case names; ``query`` without its question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class HttpResponse(NamedTuple):
    """One answer."""

    status: int
    content_type: str
    body: bytes
    request_id: str
