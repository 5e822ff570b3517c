"""What calls are given, in the shapes of the EC2 API reference (and of boto3). The class of a request is its operation.

Members that sgsim does not model are refused; the open requests (instances, VPCs) take any.
"""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, rename="pascal", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member of a request that has members of its own."""


class Request(Part, frozen=True, kw_only=True):
    dry_run: bool = False


class OpenRequest(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """A request with members that sgsim accepts and does not model."""

    dry_run: bool = False


class Tag(Part, frozen=True, kw_only=True):
    key: str | None = None
    value: str | None = None


class TagSpecification(Part, frozen=True, kw_only=True):
    resource_type: str | None = None
    tags: list[Tag] = []


class Filter(Part, frozen=True, kw_only=True):
    name: str | None = None
    values: list[str] = []


class Paged(Request, frozen=True, kw_only=True):
    """A describe call that gives pages."""

    filters: list[Filter] = []
    max_results: int | None = None
    next_token: str | None = None
