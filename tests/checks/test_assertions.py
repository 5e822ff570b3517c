"""``sgsim.testing``: assertions about a path, a Topology, a mocked boto3 session or client, a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgsim import load_topology
from sgsim.errors import SelectionError, SgsimError
from sgsim.testing import assert_allowed, assert_dropped

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "examples/three-tier/scenario.yaml"
PLAN = ROOT / "examples/terraform-plan/plan.json"


@pytest.mark.parametrize(
    "snapshot", [SCENARIO, str(SCENARIO), load_topology(SCENARIO)], ids=["Path", "str", "Topology"]
)
def test_a_snapshot_in_whatever_form(snapshot):
    """The answer is given back; where it is otherwise, the text explains."""
    assert assert_allowed(snapshot, "app-1", "db-1", "tcp", 5432).gates[1].rules[0].rule_id == "db/ingress/0"
    assert not assert_dropped(snapshot, "web-1", "db-1", "tcp", 5432).gates[0].rules
    with pytest.raises(AssertionError) as failed:
        assert_allowed(snapshot, "app-1", "db-1", "tcp", 5433)
    text = str(failed.value)
    assert text.startswith("expected allow:\nDROP  app-1 -> db-1, tcp")
    assert "tcp 5432 to db  fails on port  (app/egress/0)" in text
    assert "What would let it pass:" in text
    with pytest.raises(
        AssertionError, match=r"expected drop:\nALLOW  app-1 -> db-1(?s:.*)db/ingress/0: tcp 5432 from app"
    ):
        assert_dropped(snapshot, "app-1", "db-1", "tcp", 5432)


def test_both_sides_of_a_plan():
    """After the plan web servers do not reach the database any more."""
    assert_allowed(PLAN, "web", "db", "tcp", 5432, plan_before=True)
    assert_dropped(PLAN, "web", "db", "tcp", 5432)
    with pytest.raises(AssertionError, match="fails on port and peer"):
        assert_allowed(PLAN, "web", "db", "tcp", 5432)


def test_more_arguments_are_those_of_query():
    assert_allowed(SCENARIO, "198.51.100.7", "web-1", "icmp", icmp_type=8)
    assert_dropped(SCENARIO, "2001:db8::9", "web-1", "icmpv6", family=6)


@pytest.fixture
def session(monkeypatch):
    """A session of boto3's in moto's world: an interface that takes tcp 443 from anywhere."""
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        session = boto3.Session(region_name="us-east-1")
        ec2 = session.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
        https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https])
        ec2.create_network_interface(SubnetId=subnet, Groups=[group], PrivateIpAddress="10.0.1.10")
        yield session


@pytest.mark.parametrize("form", ["session", "client"])
def test_a_mocked_account(session, form):
    """A session is asked by its EC2 client, a client as it is."""
    account = session if form == "session" else session.client("ec2")
    assert_allowed(account, "192.0.2.7", "10.0.1.10", "tcp", 443)
    with pytest.raises(AssertionError, match=r"tcp 443 from 0\.0\.0\.0/0  fails on port"):
        assert_allowed(account, "192.0.2.7", "10.0.1.10", "tcp", 80)


@pytest.mark.parametrize("wrong", [None, 5, object(), [SCENARIO]])
def test_what_tells_of_no_groups_is_a_type_error(wrong):
    with pytest.raises(TypeError, match="no snapshot, Topology, boto3 session or EC2 client: "):
        assert_allowed(wrong, "a", "b", "tcp", 1)


def test_a_resource_and_another_services_client_are_type_errors(session):
    """They have no describe calls of EC2's."""
    for wrong in (session.client("sts"), session.resource("ec2")):
        with pytest.raises(TypeError, match="no snapshot, Topology"):
            assert_allowed(wrong, "a", "b", "tcp", 1)


def test_what_cannot_be_asked_is_no_failed_assertion(tmp_path):
    """An unknown end, a missing file."""
    with pytest.raises(SelectionError, match="there is web-1"):
        assert_dropped(SCENARIO, "wep-1", "db-1", "tcp", 1)
    with pytest.raises(SgsimError, match=r"none\.yaml"):
        assert_dropped(tmp_path / "none.yaml", "a", "b", "tcp", 1)
