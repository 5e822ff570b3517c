"""VPC peering: who sees a connection, who may do what when, and what becomes of the rules that refer over it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sgsim.control import Cloud
from sgsim.model import GroupReference
from tests.control.calling import ABROAD, ACCOUNT, HOME, OTHER, Account, account

WEEK = 7 * 86_400 * 10**9


class Two(NamedTuple):
    """Two VPCs with a group each, of one account or of two."""

    call: Account
    peer: Account
    vpc: str
    peer_vpc: str
    group: str
    peer_group: str

    def ask(self, **more: Any) -> str:
        made = self.call(
            "CreateVpcPeeringConnection",
            VpcId=self.vpc,
            PeerVpcId=self.peer_vpc,
            PeerOwnerId=self.peer.caller.account,
            PeerRegion=self.peer.caller.region,
            **more,
        )
        return str(made["VpcPeeringConnection"]["VpcPeeringConnectionId"])

    def join(self) -> str:
        name = self.ask()
        self.peer("AcceptVpcPeeringConnection", VpcPeeringConnectionId=name)
        return name

    def refer(self) -> str:
        """A rule of the group that refers to the peer's; its id."""
        pair = {"GroupId": self.peer_group, "UserId": self.peer.caller.account}
        made = self.call(
            "AuthorizeSecurityGroupIngress",
            GroupId=self.group,
            IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [pair]}],
        )
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def reference(self) -> GroupReference:
        """What the judges get of it."""
        peer = self.call.snapshot.groups[self.group].ingress[0].peer
        assert isinstance(peer, GroupReference)
        return peer


def two(call: Account, peer: Account, cidr: str = "10.1.0.0/16") -> Two:
    vpc, peer_vpc = call.vpc(), peer.vpc(cidr)
    return Two(call, peer, vpc, peer_vpc, call.group(vpc), peer.group(peer_vpc, "peer"))


@pytest.fixture
def own() -> Two:
    call = account()
    return two(call, call)


@pytest.fixture
def shared() -> Two:
    call = account()
    return two(call, Account(call.cloud, OTHER))


def status(call: Account, name: str) -> str:
    found = call("DescribeVpcPeeringConnections", VpcPeeringConnectionIds=[name])["VpcPeeringConnections"]
    return str(found[0]["Status"]["Code"])


def test_both_sides_see_it(shared: Two) -> None:
    """Nobody else does."""
    name = shared.ask()
    for call in (shared.call, shared.peer):
        found = call("DescribeVpcPeeringConnections")["VpcPeeringConnections"]
        assert [each["VpcPeeringConnectionId"] for each in found] == [name]
        assert found[0]["Status"] == {"Code": "pending-acceptance", "Message": f"Pending Acceptance by {OTHER}"}
        assert "CidrBlock" not in found[0]["AccepterVpcInfo"]
    for stranger in (Account(shared.call.cloud, "111122223333"), Account(shared.call.cloud, ACCOUNT, ABROAD)):
        assert stranger("DescribeVpcPeeringConnections")["VpcPeeringConnections"] == []
        error = stranger.refused("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
        assert error.code == "InvalidVpcPeeringConnectionID.NotFound"


def test_what_is_shown_of_an_active_one(shared: Two) -> None:
    shared.peer("AssociateVpcCidrBlock", VpcId=shared.peer_vpc, AmazonProvidedIpv6CidrBlock=True)
    name = shared.join()
    found = shared.call("DescribeVpcPeeringConnections", VpcPeeringConnectionIds=[name])["VpcPeeringConnections"][0]
    assert found["Status"] == {"Code": "active", "Message": "Active"}
    assert "ExpirationTime" not in found
    info = found["AccepterVpcInfo"]
    assert (info["OwnerId"], info["Region"], info["VpcId"]) == (OTHER, HOME, shared.peer_vpc)
    assert (info["CidrBlock"], info["CidrBlockSet"]) == ("10.1.0.0/16", [{"CidrBlock": "10.1.0.0/16"}])
    assert len(info["Ipv6CidrBlockSet"]) == 1
    connection = shared.call.snapshot.peerings[name]
    assert (connection.status, connection.requester_region, connection.accepter_region) == ("active", HOME, HOME)


def test_only_the_accepter_accepts_and_rejects(shared: Two) -> None:
    name = shared.ask()
    for operation in ("AcceptVpcPeeringConnection", "RejectVpcPeeringConnection"):
        assert shared.call.refused(operation, VpcPeeringConnectionId=name).code == "OperationNotPermitted"
    shared.peer("RejectVpcPeeringConnection", VpcPeeringConnectionId=name)
    assert status(shared.call, name) == "rejected"


def test_accepted_in_the_region_of_the_accepter() -> None:
    call = account()
    far = two(call, Account(call.cloud, ACCOUNT, ABROAD))
    name = far.ask()
    error = call.refused("AcceptVpcPeeringConnection", VpcPeeringConnectionId=name)
    assert error.code == "OperationNotPermitted"
    assert error.message.endswith(f"must be accepted in region {ABROAD}")
    far.peer("AcceptVpcPeeringConnection", VpcPeeringConnectionId=name)
    assert status(call, name) == status(far.peer, name) == "active"
    shown = call("DescribeVpcPeeringConnections")["VpcPeeringConnections"][0]
    assert (shown["RequesterVpcInfo"]["Region"], shown["AccepterVpcInfo"]["Region"]) == (HOME, ABROAD)
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": far.peer_group}]}
    error = call.refused("AuthorizeSecurityGroupIngress", GroupId=far.group, IpPermissions=[permission])
    assert error.code == "InvalidGroup.NotFound"  # groups of other Regions cannot be referred to


@pytest.mark.parametrize(
    ("before", "after", "target"),
    [
        ("Reject", "Accept", "active"),
        ("Reject", "Delete", "deleting"),
        ("Accept", "Accept", "active"),
        ("Accept", "Reject", "rejected"),
        ("Delete", "Delete", "deleting"),
        ("Delete", "Accept", "active"),
    ],
)
def test_what_cannot_follow(own: Two, before: str, after: str, target: str) -> None:
    name = own.ask()
    own.call(f"{before}VpcPeeringConnection", VpcPeeringConnectionId=name)
    error = own.call.refused(f"{after}VpcPeeringConnection", VpcPeeringConnectionId=name)
    assert error.code == "InvalidStateTransition"
    assert error.message.endswith(f" to {target}")


def test_who_deletes_a_request(shared: Two) -> None:
    """The requester alone; an active one, either side."""
    name = shared.ask()
    error = shared.peer.refused("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
    assert error.code == "InvalidStateTransition"
    shared.call("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
    active = shared.join()
    shared.peer("DeleteVpcPeeringConnection", VpcPeeringConnectionId=active)
    assert status(shared.call, name) == status(shared.call, active) == "deleted"


@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        ("Accept", {"Code": "active", "Message": "Active"}),
        ("Reject", {"Code": "rejected", "Message": "Rejected"}),
        ("Delete", {"Code": "deleted", "Message": f"Deleted by {ACCOUNT}"}),
    ],
)
def test_what_is_shown_afterwards(own: Two, operation: str, shown: dict[str, str]) -> None:
    """The request expires no more."""
    name = own.ask()
    own.call(f"{operation}VpcPeeringConnection", VpcPeeringConnectionId=name)
    found = own.call("DescribeVpcPeeringConnections", VpcPeeringConnectionIds=[name])["VpcPeeringConnections"][0]
    assert found["Status"] == shown
    assert "ExpirationTime" not in found


def test_a_request_expires(own: Two) -> None:
    own.call.now_ns = 1_700_000_000 * 10**9
    name = own.ask()
    found = own.call("DescribeVpcPeeringConnections")["VpcPeeringConnections"][0]
    assert found["ExpirationTime"] == datetime(2023, 11, 21, 22, 13, 20, tzinfo=UTC)
    own.call.now_ns += WEEK - 1
    assert status(own.call, name) == "pending-acceptance"
    own.call.now_ns += 1
    assert status(own.call, name) == "expired"
    error = own.call.refused("AcceptVpcPeeringConnection", VpcPeeringConnectionId=name)
    assert error.code == "InvalidStateTransition"


def test_an_expired_request_stays_one(own: Two) -> None:
    """Also when its VPC is deleted."""
    name = own.ask()
    own.call.now_ns += WEEK
    own.call("DeleteSecurityGroup", GroupId=own.peer_group)
    own.call("DeleteVpc", VpcId=own.peer_vpc)
    assert status(own.call, name) == "expired"


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.0.128.0/17"])
def test_overlapping_blocks(cidr: str) -> None:
    call = account()
    pair = two(call, call, cidr)
    assert status(call, pair.ask()) == "failed"


def test_further_blocks_overlap_too(own: Two) -> None:
    """Also those that were added after the request."""
    name = own.ask()
    own.call("AssociateVpcCidrBlock", VpcId=own.peer_vpc, CidrBlock="10.0.9.0/24")
    own.call("AcceptVpcPeeringConnection", VpcPeeringConnectionId=name)
    assert status(own.call, name) == "failed"
    assert status(own.call, own.ask()) == "failed"


def test_a_vpc_that_is_not_there(own: Two) -> None:
    """An error for one's own; of others nothing is told, the connection fails."""
    gone = {"VpcId": own.vpc, "PeerVpcId": "vpc-0123456789abcdef0"}
    assert own.call.refused("CreateVpcPeeringConnection", **gone).code == "InvalidVpcID.NotFound"
    made = own.call("CreateVpcPeeringConnection", PeerOwnerId=OTHER, **gone)["VpcPeeringConnection"]
    assert status(own.call, made["VpcPeeringConnectionId"]) == "failed"


def test_two_vpcs_are_peered_once(own: Two) -> None:
    first, second = own.ask(), own.ask()
    own.call("AcceptVpcPeeringConnection", VpcPeeringConnectionId=first)
    for operation, given in (
        ("AcceptVpcPeeringConnection", {"VpcPeeringConnectionId": second}),
        ("CreateVpcPeeringConnection", {"VpcId": own.peer_vpc, "PeerVpcId": own.vpc}),
    ):
        assert own.call.refused(operation, **given).code == "VpcPeeringConnectionAlreadyExists"


def test_quota_of_peerings() -> None:
    call = account(peerings_per_vpc=1)
    first = two(call, call)
    first.join()
    third = call.vpc("10.2.0.0/16")
    error = call.refused("CreateVpcPeeringConnection", VpcId=third, PeerVpcId=first.vpc)
    assert error.code == "ActiveVpcPeeringConnectionPerVpcLimitExceeded"
    Two(call, call, third, call.vpc("10.3.0.0/16"), "", "").join()


def test_references_need_an_active_one(shared: Two) -> None:
    name = shared.ask()
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": shared.peer_group, "UserId": OTHER}]}
    error = shared.call.refused("AuthorizeSecurityGroupIngress", GroupId=shared.group, IpPermissions=[permission])
    assert error.code == "InvalidGroup.NotFound"
    shared.peer("AcceptVpcPeeringConnection", VpcPeeringConnectionId=name)
    shared.refer()
    assert shared.reference() == GroupReference(shared.peer_group, shared.peer_vpc, name, "active")


def test_rules_become_stale_and_live_again(shared: Two) -> None:
    """VPC peering guide: a new connection of the same two VPCs makes them rules again, with their ids."""
    name, rule = shared.join(), shared.refer()
    before = shared.call.snapshot
    shared.peer("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
    assert shared.reference() == GroupReference(shared.peer_group, shared.peer_vpc, name, "deleted")
    peer = before.groups[shared.group].ingress[0].peer
    assert isinstance(peer, GroupReference)
    assert peer.peering_status == "active"
    assert _stale(shared) == [shared.group]
    again = shared.join()
    assert shared.reference() == GroupReference(shared.peer_group, shared.peer_vpc, again, "active")
    assert _stale(shared) == []
    assert shared.call.snapshot.groups[shared.group].ingress[0].rule_id == rule


def test_rules_to_a_group_that_is_gone_stay_stale(shared: Two) -> None:
    name = shared.join()
    shared.refer()
    shared.peer("DeleteSecurityGroup", GroupId=shared.peer_group)
    shared.peer("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
    shared.join()
    assert _stale(shared) == [shared.group]


def test_other_peerings_revive_nothing(own: Two) -> None:
    name = own.join()
    own.refer()
    own.call("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
    third = own.call.vpc("10.2.0.0/16")
    made = own.call("CreateVpcPeeringConnection", VpcId=own.vpc, PeerVpcId=third)["VpcPeeringConnection"]
    own.call("AcceptVpcPeeringConnection", VpcPeeringConnectionId=made["VpcPeeringConnectionId"])
    assert own.reference().peering_status == "deleted"


def _stale(pair: Two) -> list[str]:
    found = pair.call("DescribeStaleSecurityGroups", VpcId=pair.vpc)["StaleSecurityGroupSet"]
    return [each["GroupId"] for each in found]


def test_a_vpc_with_peerings(own: Two) -> None:
    """An active one keeps it, a request ends with it."""
    name = own.join()
    own.call("DeleteSecurityGroup", GroupId=own.peer_group)
    assert own.call.refused("DeleteVpc", VpcId=own.peer_vpc).code == "DependencyViolation"
    own.call("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
    request = own.ask()
    own.call("DeleteVpc", VpcId=own.peer_vpc)
    assert status(own.call, request) == "deleted"
    error = own.call.refused("AcceptVpcPeeringConnection", VpcPeeringConnectionId=request)
    assert error.code == "InvalidStateTransition"


def test_options(shared: Two) -> None:
    """Each side changes its own, when the connection is active."""
    name = shared.ask()
    given: dict[str, Any] = {"RequesterPeeringConnectionOptions": {"AllowDnsResolutionFromRemoteVpc": True}}
    given["VpcPeeringConnectionId"] = name
    error = shared.call.refused("ModifyVpcPeeringConnectionOptions", **given)
    assert error.code == "OperationNotPermitted"
    shared.peer("AcceptVpcPeeringConnection", VpcPeeringConnectionId=name)
    answer = shared.call("ModifyVpcPeeringConnectionOptions", **given)
    assert answer == {"RequesterPeeringConnectionOptions": {"AllowDnsResolutionFromRemoteVpc": True}}
    assert shared.peer.refused("ModifyVpcPeeringConnectionOptions", **given).code == "OperationNotPermitted"
    error = shared.call.refused("ModifyVpcPeeringConnectionOptions", VpcPeeringConnectionId=name)
    assert error.code == "MissingParameter"
    found = shared.peer("DescribeVpcPeeringConnections")["VpcPeeringConnections"][0]
    assert found["RequesterVpcInfo"]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"] is True


def test_filters(own: Two) -> None:
    name = own.join()
    for filter_name, value in (
        ("requester-vpc-info.vpc-id", own.vpc),
        ("accepter-vpc-info.vpc-id", own.peer_vpc),
        ("accepter-vpc-info.cidr-block", "10.1.0.0/16"),
        ("requester-vpc-info.owner-id", ACCOUNT),
        ("status-code", "active"),
        ("vpc-peering-connection-id", name),
    ):
        for wanted, number in ((value, 1), ("nothing", 0)):
            filters = [{"Name": filter_name, "Values": [wanted]}]
            found = own.call("DescribeVpcPeeringConnections", Filters=filters)["VpcPeeringConnections"]
            assert len(found) == number, filter_name


def test_state_is_loaded_again(shared: Two, tmp_path: Path) -> None:
    """Both sides find it, and it can be deleted."""
    name = shared.join()
    shared.refer()
    file = tmp_path / "state.json"
    file.write_bytes(shared.call.cloud.state()[1])
    cloud = Cloud.load(file, ACCOUNT, HOME)
    loaded, peer = Account(cloud), Account(cloud, OTHER)
    for before, after in ((shared.call, loaded), (shared.peer, peer)):
        asked: tuple[str, dict[str, Any]] = ("DescribeVpcPeeringConnections", {"VpcPeeringConnectionIds": [name]})
        assert after(asked[0], **asked[1]) == before(asked[0], **asked[1])
    peer("DeleteVpcPeeringConnection", VpcPeeringConnectionId=name)
    rule = loaded.snapshot.groups[shared.group].ingress[0]
    assert isinstance(rule.peer, GroupReference)
    assert rule.peer.peering_status == "deleted"
