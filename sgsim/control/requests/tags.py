"""Tags of whatever has them."""

from __future__ import annotations

from sgsim.control.requests.base import Paged, Request, Tag


class CreateTags(Request, frozen=True, kw_only=True):
    resources: list[str] = []
    tags: list[Tag] = []


class DeleteTags(CreateTags, frozen=True, kw_only=True):
    pass


class DescribeTags(Paged, frozen=True, kw_only=True):
    pass
