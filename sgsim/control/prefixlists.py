"""Prefix lists: their entries, version by version, and what the API shows of them.

The model's record has the current entries, in canonical form; sizes, states and earlier versions are in the papers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from ipaddress import ip_network

from sgsim.control.answers import Shown, arn, tag_list
from sgsim.control.call import AWS, Call
from sgsim.control.errors import ApiError
from sgsim.control.store import Papers
from sgsim.model import Network, PrefixList

#: The entries of a version with their descriptions, in the order in which they were added.
Entries = Mapping[Network, str]

VERSIONS = "Versions"  # in the papers: [{"Version": 1, "Entries": [{"Cidr": ..., "Description": ...}]}, ...]
_UNSHOWN = (VERSIONS, "Entries", "Cidrs")

#: AWS's own lists of a Region, by family. VPC user guide, "Available AWS-managed prefix lists".
_AWS_LISTS = (
    ("com.amazonaws.global.cloudfront.origin-facing", 4),
    ("com.amazonaws.global.groundstation", 4),
    ("com.amazonaws.{region}.dynamodb", 4),
    ("com.amazonaws.{region}.ec2-instance-connect", 4),
    ("com.amazonaws.{region}.ipv6.ec2-instance-connect", 6),
    ("com.amazonaws.{region}.route53-healthchecks", 4),
    ("com.amazonaws.{region}.ipv6.route53-healthchecks", 6),
    ("com.amazonaws.{region}.s3", 4),
    ("com.amazonaws.{region}.vpc-lattice", 4),
    ("com.amazonaws.{region}.ipv6.vpc-lattice", 6),
)


def make_aws_lists(call: Call) -> None:
    """AWS's own lists in the Region of the call, where it has none yet. What they contain is not known here."""
    region = call.caller.region
    for pattern, family in _AWS_LISTS:
        name = pattern.format(region=region)
        prefix_list_id = f"pl-{blake2b(f'{region} {name}'.encode(), digest_size=4).hexdigest()}"
        if prefix_list_id not in call.draft.prefix_lists:
            call.draft.prefix_lists[prefix_list_id] = PrefixList(prefix_list_id, name, family, None)
            call.draft.papers[prefix_list_id] = Papers(AWS, region, {}, {"State": "create-complete"})


def shown_list(call: Call, listed: PrefixList) -> Shown:
    """As DescribeManagedPrefixLists shows it."""
    papers = call.papers(listed.prefix_list_id)
    shown = {
        "State": "create-complete",
        **papers.fields,
        "PrefixListId": listed.prefix_list_id,
        "PrefixListName": listed.name,
        "AddressFamily": None if listed.family is None else f"IPv{listed.family}",
        "PrefixListArn": arn(papers, "prefix-list", listed.prefix_list_id),
        "OwnerId": papers.owner,
        "Tags": tag_list(papers.tags),
    }
    return {name: value for name, value in shown.items() if value is not None and name not in _UNSHOWN}


def shown_entries(entries: Entries) -> list[Shown]:
    return [
        {"Cidr": str(network)} | ({"Description": description} if description else {})
        for network, description in entries.items()
    ]


def current_version(call: Call, listed: PrefixList) -> int:
    return int(call.papers(listed.prefix_list_id).fields.get("Version", 1))


def current_entries(call: Call, listed: PrefixList) -> Entries:
    """Empty where they are not known."""
    for version in reversed(versions(call, listed)):
        if version["Version"] == current_version(call, listed):
            return _entries(version["Entries"])
    described = _entries(call.papers(listed.prefix_list_id).fields.get("Entries") or ())
    return {network: described.get(network, "") for network in listed.entries or ()}


def versions(call: Call, listed: PrefixList) -> list[Shown]:
    """Those that were made here; of a list that was loaded from describe output, only those since then."""
    return list(call.papers(listed.prefix_list_id).fields.get(VERSIONS) or ())


def entries_of(call: Call, listed: PrefixList, number: int | None) -> Entries:
    """The entries of a version, without a number of the current one. Raises ApiError: there is no such version."""
    if number in (None, current_version(call, listed)):
        return current_entries(call, listed)
    for version in versions(call, listed):
        if version["Version"] == number:
            return _entries(version["Entries"])
    raise ApiError(
        "InvalidPrefixListVersion.NotFound", f"The prefix list '{listed.prefix_list_id}' has no version {number}."
    )


def _entries(shown: Sequence[Mapping[str, str]]) -> Entries:
    return {ip_network(each["Cidr"], strict=False): each.get("Description") or "" for each in shown}


def write_version(call: Call, listed: PrefixList, entries: Entries, state: str) -> None:
    """A new version of the list with these entries; the oldest goes where there are more than AWS keeps."""
    number = current_version(call, listed)
    before = versions(call, listed) or [{"Version": number, "Entries": shown_entries(current_entries(call, listed))}]
    after = [*before, {"Version": number + 1, "Entries": shown_entries(entries)}]
    kept = after[-call.quotas.versions_per_prefix_list :]
    call.refile(listed.prefix_list_id, **{"State": state, "StateMessage": None, "Version": number + 1, VERSIONS: kept})
    call.draft.prefix_lists[listed.prefix_list_id] = replace(listed, entries=tuple(entries))
