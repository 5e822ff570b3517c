"""Managed prefix lists."""

from __future__ import annotations

from sgsim.control.requests.base import Paged, Part, Request, TagSpecification


class AddPrefixListEntry(Part, frozen=True, kw_only=True):
    cidr: str | None = None
    description: str | None = None


class RemovePrefixListEntry(Part, frozen=True, kw_only=True):
    cidr: str | None = None


class CreateManagedPrefixList(Request, frozen=True, kw_only=True):
    prefix_list_name: str | None = None
    address_family: str | None = None
    max_entries: int | None = None
    entries: list[AddPrefixListEntry] = []
    tag_specifications: list[TagSpecification] = []
    client_token: str | None = None


class ModifyManagedPrefixList(Request, frozen=True, kw_only=True):
    prefix_list_id: str | None = None
    current_version: int | None = None
    prefix_list_name: str | None = None
    add_entries: list[AddPrefixListEntry] = []
    remove_entries: list[RemovePrefixListEntry] = []
    max_entries: int | None = None


class RestoreManagedPrefixListVersion(Request, frozen=True, kw_only=True):
    prefix_list_id: str | None = None
    previous_version: int | None = None
    current_version: int | None = None


class DeleteManagedPrefixList(Request, frozen=True, kw_only=True):
    prefix_list_id: str | None = None


class DescribeManagedPrefixLists(Paged, frozen=True, kw_only=True):
    prefix_list_ids: list[str] = []


class DescribePrefixLists(DescribeManagedPrefixLists, frozen=True, kw_only=True):
    pass


class GetManagedPrefixListEntries(Request, frozen=True, kw_only=True):
    prefix_list_id: str | None = None
    target_version: int | None = None
    max_results: int | None = None
    next_token: str | None = None


class GetManagedPrefixListAssociations(Request, frozen=True, kw_only=True):
    prefix_list_id: str | None = None
    max_results: int | None = None
    next_token: str | None = None
