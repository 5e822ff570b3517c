"""A snapshot from EC2 endpoints: the describe calls of several accounts and Regions, merged into one.

``pull`` takes it, ``sgsim.pulling.files`` writes it. boto3 is imported when ``pull`` runs, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sgsim.errors import MissingExtraError, PullError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from sgsim.model import Topology
    from sgsim.pulling.merging import Pulled
    from sgsim.pulling.reader import Reader

__all__ = ["pull", "topology_of_client"]

MOST_THREADS = 8  # each waits for an endpoint nearly all of its time


def pull(
    profiles: Sequence[str] = (),
    regions: Sequence[str] = (),
    *,
    endpoint_url: str | None = None,
    vpc_ids: Sequence[str] = (),
    strict: bool = False,
    warning: Callable[[str], None] = lambda text: None,
) -> Pulled:
    """Take a snapshot with every profile in every Region.

    ``profiles`` are those of the AWS configuration, none for the default credentials; ``regions`` are named as AWS
    does, none for the credentials' own; ``endpoint_url`` stands for AWS's endpoints of EC2 and STS; ``vpc_ids`` are
    the VPCs that the snapshot is about, none for all: what their interfaces are judged by comes along from others.
    ``warning`` is told, a line each, which calls were not answered and what is missing for it.

    Raises:
        PullError: no credentials, no Region, no such profile or VPC, an endpoint that cannot be reached or throttles
            for longer than boto3 retries, no call answered, one id with different content; with ``strict``, any
            warning.
        MissingExtraError: boto3 is not installed.
    """
    try:
        import boto3  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("reading from AWS", "aws") from error
    from sgsim.pulling.connect import connect
    from sgsim.pulling.merging import merge

    pool = ThreadPoolExecutor(MOST_THREADS)
    try:
        readers = connect(profiles, regions, endpoint_url, pool)
        _take(readers, frozenset(vpc_ids), pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    doubts = [doubt for reader in readers for doubt in reader.doubts]
    for doubt in doubts:
        warning(doubt)
    pulled, left_out = merge(readers, vpc_ids)
    if left_out:
        doubts.append(left_out)
        warning(left_out)
    if not pulled.snapshot:
        raise PullError(str(pulled.views[0]), "no call was answered", "the warnings say why")
    if strict and doubts:
        raise PullError("--strict", f"the snapshot is incomplete ({len(doubts)} warnings): nothing was written")
    return pulled


def topology_of_client(client: Any) -> Topology:
    """The topology that a boto3 EC2 client sees, mocked or not. What it cannot tell is a warning of the topology.

    Raises PullError as ``pull`` does; InputError: what EC2 could not have answered.
    """
    from sgsim.pulling.merging import merge
    from sgsim.pulling.reader import Reader, View
    from sgsim.sources.describe import describe_topology
    from sgsim.sources.places import Document, Notes

    region = client.meta.region_name
    reader = Reader(client, View(None, region, None))
    with ThreadPoolExecutor(MOST_THREADS) as pool:
        _take([reader], frozenset(), pool)
    pulled, left_out = merge([reader], ())
    source = f"EC2 in {region}"
    topology = describe_topology(source, [Document(source, pulled.snapshot, {})], Notes(strict=False))
    doubts = (*reader.doubts, *([left_out] if left_out else ()))
    return replace(topology, warnings=(*doubts, *topology.warnings))


def _take(readers: list[Reader], vpc_ids: frozenset[str], pool: Executor) -> None:
    """Interfaces before groups, and groups before rules: what is made in between is named by the later call."""
    from sgsim.pulling import calls
    from sgsim.pulling.peers import follow, take_surroundings
    from sgsim.pulling.reader import each

    def take_first(reader: Reader) -> None:
        for call in (calls.NETWORK_INTERFACES, calls.INSTANCES, calls.SECURITY_GROUPS):
            reader.take(call, "vpc-id" if vpc_ids else None, vpc_ids)
        # Of a VPC both are needed, its groups elsewhere and others' groups here: no one filter asks for that.
        reader.take(calls.ASSOCIATIONS)

    def take_rest(reader: Reader) -> None:
        for call in (calls.SECURITY_GROUP_RULES, calls.PREFIX_LISTS, calls.PEERINGS, calls.VPCS, calls.SUBNETS):
            reader.take(call)

    each(pool, readers, take_first)
    if vpc_ids:
        for region in dict.fromkeys(reader.view.region for reader in readers):
            here = [reader for reader in readers if reader.view.region == region]
            follow(here, vpc_ids, pool)
            take_surroundings(here, vpc_ids, pool)
    else:
        each(pool, readers, take_rest)
    each(pool, readers, lambda reader: reader.take_entries())
