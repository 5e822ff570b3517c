"""VPC peering connections: requested, accepted, rejected, deleted, described.

Source: VPC peering guide, "VPC peering connection lifecycle". What AWS does in the background is done at once: answers
show the state in between, the next describe the one after.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from sgsim.control.answers import Shown, tag_list
from sgsim.control.call import ACCEPTER_TAGS, Answer, Call, Caller, handles, named, tags_for
from sgsim.control.errors import ApiError, missing, unknown_id
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.peers import DELETED
from sgsim.control.references import crossing, revive, with_status
from sgsim.control.requests.peerings import (
    AcceptVpcPeeringConnection,
    CreateVpcPeeringConnection,
    DeleteVpcPeeringConnection,
    DescribeVpcPeeringConnections,
    ModifyVpcPeeringConnectionOptions,
    RejectVpcPeeringConnection,
)
from sgsim.model import Network, VpcPeeringConnection

PENDING, ACTIVE = "pending-acceptance", "active"
_LIFETIME = timedelta(days=7)  # of a request
_OPTIONS = {
    "AllowDnsResolutionFromRemoteVpc": False,
    "AllowEgressFromLocalClassicLinkToRemoteVpc": False,
    "AllowEgressFromLocalVpcToRemoteClassicLink": False,
}


@handles(CreateVpcPeeringConnection)
def create_vpc_peering_connection(call: Call, request: CreateVpcPeeringConnection) -> Answer:
    """A VPC that is not there, or whose blocks overlap with the requester's, makes a connection that failed."""
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    peer_vpc_id = named(request.peer_vpc_id, "PeerVpcId")
    tags = tags_for("vpc-peering-connection", request.tag_specifications)
    accepter = Caller(request.peer_owner_id or call.caller.account, request.peer_region or call.caller.region)
    is_there = _is_of(call, peer_vpc_id, accepter)
    if not is_there and accepter == call.caller:
        raise unknown_id("vpc", peer_vpc_id)
    _check_possible(call, vpc.vpc_id, peer_vpc_id)
    failed = not is_there or _overlap(call, vpc.vpc_id, peer_vpc_id)
    connection = VpcPeeringConnection(
        call.ids.new("pcx"),
        vpc.vpc_id,
        peer_vpc_id,
        "failed" if failed else PENDING,
        call.caller.region,
        accepter.region,
    )
    call.draft.peerings[connection.vpc_peering_connection_id] = connection
    fields: dict[str, Any] = {
        "RequesterVpcInfo": {"OwnerId": call.caller.account, "PeeringOptions": dict(_OPTIONS)},
        "AccepterVpcInfo": {"OwnerId": accepter.account},
        "ExpirationTime": call.now + _LIFETIME,
    }
    call.file(connection.vpc_peering_connection_id, fields, tags)
    return {"VpcPeeringConnection": _shown_as(call, connection, "initiating-request")}


@handles(AcceptVpcPeeringConnection)
def accept_vpc_peering_connection(call: Call, request: AcceptVpcPeeringConnection) -> Answer:
    """Rules of the two VPCs that an earlier connection's end made stale are so no longer."""
    connection = _pending(call, request, ACTIVE)
    name = connection.vpc_peering_connection_id
    _check_possible(call, connection.requester_vpc_id, connection.accepter_vpc_id)
    status = "failed" if _overlap(call, connection.requester_vpc_id, connection.accepter_vpc_id) else ACTIVE
    connection = call.draft.peerings[name] = replace(connection, status=status)
    accepter = call.papers(name).fields.get("AccepterVpcInfo", {})
    call.refile(name, ExpirationTime=None, AccepterVpcInfo={**accepter, "PeeringOptions": dict(_OPTIONS)})
    if status == ACTIVE and connection.requester_region == connection.accepter_region:
        revive(call, connection)
    return {"VpcPeeringConnection": _shown_as(call, connection, "provisioning")}


@handles(RejectVpcPeeringConnection)
def reject_vpc_peering_connection(call: Call, request: RejectVpcPeeringConnection) -> Answer:
    connection = _pending(call, request, "rejected")
    call.draft.peerings[connection.vpc_peering_connection_id] = replace(connection, status="rejected")
    call.refile(connection.vpc_peering_connection_id, ExpirationTime=None)
    return {"Return": True}


@handles(DeleteVpcPeeringConnection)
def delete_vpc_peering_connection(call: Call, request: DeleteVpcPeeringConnection) -> Answer:
    """Either side deletes an active one, the requester one that was not accepted. It stays listed; rules that refer
    over it become stale."""
    connection = _named(call, request)
    requester, _ = call.sides(connection)
    if connection.status != ACTIVE and not (connection.status == PENDING and call.caller == requester):
        raise _no_transition(connection, "deleting")
    end_peering(call, connection)
    return {"Return": True}


def end_peering(call: Call, connection: VpcPeeringConnection) -> None:
    name = connection.vpc_peering_connection_id
    for rule in crossing(call, name):
        with_status(call, rule, DELETED)
    call.draft.peerings[name] = replace(connection, status=DELETED)
    told = {"Code": DELETED, "Message": f"Deleted by {call.caller.account}"}
    call.refile(name, ExpirationTime=None, Status=told)


@handles(ModifyVpcPeeringConnectionOptions)
def modify_vpc_peering_connection_options(call: Call, request: ModifyVpcPeeringConnectionOptions) -> Answer:
    """Options say how names are resolved: they are kept, and decide nothing here."""
    connection = _named(call, request)
    if connection.status != ACTIVE:
        message = f"The peering connection '{connection.vpc_peering_connection_id}' is not active."
        raise ApiError("OperationNotPermitted", message)
    given = {
        "Requester": request.requester_peering_connection_options,
        "Accepter": request.accepter_peering_connection_options,
    }
    if all(options is None for options in given.values()):
        raise missing("requesterPeeringConnectionOptions or accepterPeeringConnectionOptions")
    reply: Answer = {}
    for (role, options), side in zip(given.items(), call.sides(connection), strict=True):
        if options is None:
            continue
        if side != call.caller:
            raise ApiError("OperationNotPermitted", f"The options of the {role.lower()} are for its own account.")
        papers = call.papers(connection.vpc_peering_connection_id)
        info = papers.fields.get(f"{role}VpcInfo", {})
        changed = {**_OPTIONS, **info.get("PeeringOptions", {}), **options}
        call.refile(connection.vpc_peering_connection_id, **{f"{role}VpcInfo": {**info, "PeeringOptions": changed}})
        reply[f"{role}PeeringConnectionOptions"] = options
    return reply


# --- what may become of a connection ------------------------------------------------------------------------------


def _named(call: Call, request: AcceptVpcPeeringConnection | ModifyVpcPeeringConnectionOptions) -> VpcPeeringConnection:
    return of_now(call, call.peering(named(request.vpc_peering_connection_id, "VpcPeeringConnectionId")))


def of_now(call: Call, connection: VpcPeeringConnection) -> VpcPeeringConnection:
    """A request that nobody accepted has expired after a week."""
    ends = call.papers(connection.vpc_peering_connection_id).fields.get("ExpirationTime")
    if connection.status == PENDING and isinstance(ends, datetime) and call.now >= ends:
        return replace(connection, status="expired")
    return connection


def _pending(call: Call, request: AcceptVpcPeeringConnection, target: str) -> VpcPeeringConnection:
    """The connection that the caller, its accepter, is asked about. Raises ApiError."""
    connection = _named(call, request)
    name = connection.vpc_peering_connection_id
    _, accepter = call.sides(connection)
    if accepter.account != call.caller.account:
        raise ApiError("OperationNotPermitted", f"User {call.caller.account} cannot accept peering {name}")
    if accepter.region != call.caller.region:
        raise ApiError(
            "OperationNotPermitted",
            f"Incorrect region ({call.caller.region}) specified for this request. "
            f"VPC peering connection {name} must be accepted in region {accepter.region}",
        )
    if connection.status != PENDING:
        raise _no_transition(connection, target)
    return connection


def _no_transition(connection: VpcPeeringConnection, target: str) -> ApiError:
    return ApiError(
        "InvalidStateTransition",
        f"Invalid state transition for {connection.vpc_peering_connection_id}, "
        f"attempted to transition from {connection.status} to {target}",
    )


def _is_of(call: Call, vpc_id: str, owner: Caller) -> bool:
    papers = call.draft.papers.get(vpc_id)
    return vpc_id in call.draft.vpcs and papers is not None and (papers.owner, papers.region) == owner


def _check_possible(call: Call, one: str, other: str) -> None:
    """Raises ApiError: the two VPCs are peered already, one has as many connections as it may have."""
    active = [each for each in call.draft.peerings.values() if each.status == ACTIVE]
    if any(each.joins(one, other) for each in active):
        raise ApiError(
            "VpcPeeringConnectionAlreadyExists", f"A VPC peering connection between {one} and {other} already exists."
        )
    for vpc_id in (one, other):
        own = sum(vpc_id in (each.requester_vpc_id, each.accepter_vpc_id) for each in active)
        if own >= call.quotas.peerings_per_vpc:
            raise ApiError(
                "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
                f"The maximum number of active VPC peering connections for VPC '{vpc_id}' has been reached.",
            )


def _overlap(call: Call, one: str, other: str) -> bool:
    return one == other or any(
        here.version == there.version and here.overlaps(there)
        for here in _networks(call, one)
        for there in _networks(call, other)
    )


def _networks(call: Call, vpc_id: str) -> list[Network]:
    shown = _blocks(call, vpc_id)
    return [
        *(ip_network(each["CidrBlock"]) for each in shown.get("CidrBlockSet", ())),
        *(ip_network(each["Ipv6CidrBlock"]) for each in shown.get("Ipv6CidrBlockSet", ())),
    ]


# --- describe -----------------------------------------------------------------------------------------------------


@handles(DescribeVpcPeeringConnections)
def describe_vpc_peering_connections(call: Call, request: DescribeVpcPeeringConnections) -> Answer:
    ids = dict.fromkeys(request.vpc_peering_connection_ids)
    found = [call.peering(each) for each in ids] or [
        each for each in call.draft.peerings.values() if call.caller in call.sides(each)
    ]
    connections = [of_now(call, each) for each in found]

    def info(role: str, member: str) -> Values[VpcPeeringConnection]:
        return lambda each: (_info(call, each, role).get(member),)

    known: dict[str, Values[VpcPeeringConnection]] = {
        "accepter-vpc-info.cidr-block": info("Accepter", "CidrBlock"),
        "accepter-vpc-info.owner-id": info("Accepter", "OwnerId"),
        "accepter-vpc-info.vpc-id": lambda each: (each.accepter_vpc_id,),
        "requester-vpc-info.cidr-block": info("Requester", "CidrBlock"),
        "requester-vpc-info.owner-id": info("Requester", "OwnerId"),
        "requester-vpc-info.vpc-id": lambda each: (each.requester_vpc_id,),
        "status-code": lambda each: (each.status,),
        "status-message": lambda each: (_message(call, each),),
        "vpc-peering-connection-id": lambda each: (each.vpc_peering_connection_id,),
    }
    connections = filtered(connections, request.filters, known, lambda each: call.tags(each.vpc_peering_connection_id))
    shown, token = page(connections, request.max_results, request.next_token)
    return answer("VpcPeeringConnections", [shown_peering(call, each) for each in shown], token)


def shown_peering(call: Call, connection: VpcPeeringConnection) -> Shown:
    papers = call.papers(connection.vpc_peering_connection_id)
    shown = {
        **papers.fields,
        "VpcPeeringConnectionId": connection.vpc_peering_connection_id,
        "Status": {"Code": connection.status, "Message": _message(call, connection)},
        "RequesterVpcInfo": _info(call, connection, "Requester"),
        "AccepterVpcInfo": _info(call, connection, "Accepter"),
        "Tags": tag_list(call.tags(connection.vpc_peering_connection_id)),
    }
    return {name: value for name, value in shown.items() if value is not None and name != ACCEPTER_TAGS}


def _shown_as(call: Call, connection: VpcPeeringConnection, status: str) -> Shown:
    """What the answer of a call shows: AWS is still at it."""
    on_the_way = replace(connection, status=status)
    return shown_peering(call, connection) | {
        "Status": {"Code": status, "Message": _message(call, on_the_way)},
    }


def _info(call: Call, connection: VpcPeeringConnection, role: str) -> Shown:
    """One side; the accepter's blocks are shown when it has accepted."""
    requester = role == "Requester"
    vpc_id = connection.requester_vpc_id if requester else connection.accepter_vpc_id
    region = connection.requester_region if requester else connection.accepter_region
    kept = call.papers(connection.vpc_peering_connection_id).fields.get(f"{role}VpcInfo", {})
    blocks = _blocks(call, vpc_id) if requester or connection.status == ACTIVE else {}
    return {**kept, **blocks, "VpcId": vpc_id} | ({} if region is None else {"Region": region})


def _blocks(call: Call, vpc_id: str) -> Shown:
    """The VPC's CIDR blocks; nothing of a VPC that is not known."""
    vpc = call.draft.vpcs.get(vpc_id)
    if vpc is None or vpc.cidr is None:
        return {}
    fields = call.papers(vpc_id).fields
    more = [each["CidrBlock"] for each in fields.get("CidrBlockAssociationSet", ())] or [str(vpc.cidr)]
    six = [each["Ipv6CidrBlock"] for each in fields.get("Ipv6CidrBlockAssociationSet", ())]
    return {"CidrBlock": str(vpc.cidr), "CidrBlockSet": [{"CidrBlock": each} for each in more]} | (
        {"Ipv6CidrBlockSet": [{"Ipv6CidrBlock": each} for each in six]} if six else {}
    )


def _message(call: Call, connection: VpcPeeringConnection) -> str:
    told = call.papers(connection.vpc_peering_connection_id).fields.get("Status", {})
    if told.get("Code") == connection.status and told.get("Message"):
        return str(told["Message"])
    _, accepter = call.sides(connection)
    messages = {
        "initiating-request": f"Initiating Request to {accepter.account}",
        PENDING: f"Pending Acceptance by {accepter.account}",
        "failed": "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range",
    }
    return messages.get(connection.status) or connection.status.capitalize()
