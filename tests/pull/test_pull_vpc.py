"""--vpc-id: a VPC's own, and of other VPCs what its interfaces are judged by, and no more."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sgsim.model import Topology
from sgsim.pulling import _take
from sgsim.pulling.merging import merge
from sgsim.pulling.reader import MOST_FILTER_VALUES, Reader, View
from sgsim.query import query
from sgsim.sources import load_topology
from tests.pull.conftest import Ended
from tests.pull.endpoint import Endpoint, matching
from tests.pull.world import (
    IRELAND,
    VIRGINIA,
    A,
    Record,
    group,
    interface,
    peering,
    permission,
    reservation,
    seen,
    subnet,
    vpc,
)

Pull = Callable[..., Ended]
BOTH = ("--profile", "a", "--profile", "b")


def names(path: Path) -> dict[str, list[str]]:
    """The ids in a snapshot, by key, without what all of a key begin with."""
    snapshot = json.loads(path.read_bytes())
    found = {}
    for key, field in (
        ("SecurityGroups", "GroupId"),
        ("NetworkInterfaces", "NetworkInterfaceId"),
        ("PrefixLists", "PrefixListId"),
        ("VpcPeeringConnections", "VpcPeeringConnectionId"),
        ("Vpcs", "VpcId"),
        ("Subnets", "SubnetId"),
        ("SecurityGroupVpcAssociations", "GroupId"),
    ):
        found[key] = [record[field].split("-")[1] for record in snapshot[key]]
    instances = (each for record in snapshot["Reservations"] for each in record["Instances"])
    found["Instances"] = sorted(each["InstanceId"].split("-")[1] for each in instances)
    found["SecurityGroupRules"] = sorted({rule["GroupId"].split("-")[1] for rule in snapshot["SecurityGroupRules"]})
    return found


def test_what_a_vpc_needs_comes_along_and_no_more(pull: Pull, tmp_path: Path):
    """Referenced groups of peered VPCs, the interfaces that have them, what those refer to; of the associated group
    its members elsewhere. What nothing refers to stays away, in other VPCs of the account and of its peers."""
    assert pull("--vpc-id", "vpc-main", *BOTH).code == 0
    interfaces = ["app1", "data1", "deep1", "lone2", "web1", "web2"]
    groups = ["app", "data", "deep", "ops", "shared", "web"]
    assert names(tmp_path / "snapshot.json") == {
        "SecurityGroups": groups,
        "SecurityGroupRules": groups,
        "NetworkInterfaces": interfaces,
        "Instances": interfaces,
        "PrefixLists": ["corp1"],
        "VpcPeeringConnections": ["datadeep", "maindata"],
        "Vpcs": ["data", "deep", "lone", "main"],
        "Subnets": ["data", "deep", "lone", "main"],
        "SecurityGroupVpcAssociations": ["shared"],
    }
    load_topology(tmp_path / "snapshot.json", strict=True)


def test_the_calls_have_the_filter(pull: Pull, endpoint: Endpoint):
    """EC2 sends no more than what is asked for: the VPC's, then by group, instance, VPC and prefix list."""
    pull("--vpc-id", "vpc-main")
    assert endpoint.filters("DescribeSecurityGroups")[0] == {"vpc-id": ["vpc-main"]}
    assert endpoint.filters("DescribeNetworkInterfaces")[0] == {"vpc-id": ["vpc-main"]}
    assert endpoint.filters("DescribeInstances")[0] == {"vpc-id": ["vpc-main"]}
    everything = {asked.action for asked in endpoint.asked if not asked.filters}
    assert everything == {
        "GetCallerIdentity",
        "DescribeSecurityGroupVpcAssociations",
        "GetManagedPrefixListEntries",
    }


def test_an_account_that_is_not_pulled_is_missed_as_without_the_option(pull: Pull, tmp_path: Path):
    """The reference to B's group is unresolved, in the one snapshot as in the other."""
    assert pull("--vpc-id", "vpc-main").code == 0
    (line,) = load_topology(tmp_path / "snapshot.json").warnings
    assert "sg-data is not in the snapshot" in line
    assert names(tmp_path / "snapshot.json")["NetworkInterfaces"] == ["app1", "lone2", "web1", "web2"]


def test_a_vpc_may_be_either_side_of_a_peering(pull: Pull, tmp_path: Path):
    """Of a peering that no group of the VPC refers through, too."""
    assert pull("--vpc-id", "vpc-deep", "--profile", "b").code == 0
    found = names(tmp_path / "snapshot.json")
    assert (found["Vpcs"], found["VpcPeeringConnections"]) == (["deep"], ["datadeep"])


def test_a_call_that_is_not_allowed_is_not_made_again(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """Though what it would tell is asked for in several steps: one line says so, and what is left is a snapshot."""
    endpoint.refuse("DescribeSecurityGroups", "UnauthorizedOperation")
    (line,) = pull("--vpc-id", "vpc-main").warnings
    assert "ec2:DescribeSecurityGroups: not allowed" in line
    assert len(endpoint.filters("DescribeSecurityGroups")) == 1
    topology = load_topology(tmp_path / "snapshot.json")
    assert topology.groups.keys() == {"sg-web", "sg-app", "sg-shared"}
    assert topology.prefix_lists.keys() == {"pl-corp1"}


def test_several_vpcs_of_several_regions(pull: Pull, tmp_path: Path):
    """Each is in one of the Regions; what is far from both stays away."""
    assert pull("--vpc-id", "vpc-main", "--vpc-id", "vpc-far", "--region", VIRGINIA, "--region", IRELAND).code == 0
    assert names(tmp_path / "snapshot.json")["Vpcs"] == ["far", "lone", "main"]


def test_an_instance_with_interfaces_in_two_vpcs(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """Its record has both, so the group of the other one has to come along."""
    view = endpoint.sees["KEYA", IRELAND]
    other = interface("web9", "lone", A, "10.4.1.99", "lone")
    view["Reservations"][0]["Instances"][0]["NetworkInterfaces"] = [other]
    assert pull("--vpc-id", "vpc-main").code == 0
    assert "lone" in names(tmp_path / "snapshot.json")["SecurityGroups"]
    assert "eni-web9" in load_topology(tmp_path / "snapshot.json").interfaces


def test_an_unknown_vpc_is_an_error(pull: Pull, tmp_path: Path):
    """The line names it and where it was looked for; nothing is written."""
    assert pull("--vpc-id", "vpc-main", "--vpc-id", "vpc-9", *BOTH).error == (
        "--vpc-id vpc-9: no such VPC for profile a in eu-west-1, profile b in eu-west-1 "
        "(check the id, --region and --profile)"
    )
    assert not list(tmp_path.iterdir())


def test_more_groups_than_a_filter_may_have(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """EC2 takes 200 values of a filter: more are asked for in several calls."""
    groups = [group(f"g{number:03}", "big", A) for number in range(2 * MOST_FILTER_VALUES + 1)]
    endpoint.sees["KEYA", IRELAND] = seen(groups, Vpcs=[vpc("big", A, 9)])
    assert pull("--vpc-id", "vpc-big").code == 0
    sizes = [len(each["group-id"]) for each in endpoint.filters("DescribeSecurityGroupRules")]
    assert sizes == [MOST_FILTER_VALUES, MOST_FILTER_VALUES, 1]
    assert len(load_topology(tmp_path / "snapshot.json").rules()) == len(groups)


class Pages:
    """A boto3 client of one view, without HTTP."""

    def __init__(self, view: dict[str, list[Record]]) -> None:
        self._view = view

    def __getattr__(self, operation: str) -> str:
        return operation

    def get_paginator(self, operation: str) -> Any:
        keys = {
            "describe_instances": "Reservations",
            "describe_managed_prefix_lists": "PrefixLists",
        }
        words = operation.removeprefix("describe_").split("_")
        self._key = keys.get(operation, "".join(word.capitalize() for word in words))
        return self

    def paginate(self, Filters: tuple[Record, ...] = (), **more: Any) -> Iterator[Record]:  # noqa: N803
        yield {self._key: matching(self._view[self._key], {each["Name"]: each["Values"] for each in Filters})}


def drawn_world(draw: random.Random) -> dict[str, list[Record]]:
    """Four VPCs, some peered, their groups with references to each other's, their interfaces with some of those."""
    vpcs = ["a", "b", "c", "d"]
    home = {f"{name}{number}": name for name in vpcs for number in range(4)}
    joined = {(one, other) for one in vpcs for other in vpcs if one < other and draw.random() < 0.5}
    associated = {name: draw.choice(vpcs) for name in home if draw.random() < 0.2}
    associated = {name: there for name, there in associated.items() if there != home[name]}

    def permissions(name: str) -> list[Record]:
        found = []
        for port in (1, 2):
            peer = draw.choice(list(home))
            pair = tuple(sorted((home[name], home[peer])))
            if home[peer] == home[name] or pair in joined:
                pcx = None if home[peer] == home[name] else f"pcx-{pair[0]}{pair[1]}"
                found.append(permission(port, f"sg-{peer}", peering=pcx))
        return found

    def usable(there: str) -> list[str]:
        return [name for name in home if there in (home[name], associated.get(name))]

    interfaces = [
        interface(f"{name}{number}", name, A, f"10.{place}.1.{number}", *draw.sample(usable(name), draw.choice([1, 2])))
        for place, name in enumerate(vpcs)
        for number in range(5)
    ]
    return seen(
        [group(name, there, A, *permissions(name)) for name, there in home.items()],
        NetworkInterfaces=interfaces,
        Reservations=[reservation(n, A, name, *(f"{name}{k}" for k in range(5))) for n, name in enumerate(vpcs)],
        VpcPeeringConnections=[peering(one + other, (one, A), (other, A)) for one, other in joined],
        Vpcs=[vpc(name, A, number) for number, name in enumerate(vpcs)],
        Subnets=[subnet(name, A, number) for number, name in enumerate(vpcs)],
        SecurityGroupVpcAssociations=[
            {"GroupId": f"sg-{name}", "VpcId": f"vpc-{there}", "State": "associated"}
            for name, there in associated.items()
        ],
    )


def pulled(view: dict[str, list[Record]], path: Path, *vpc_ids: str) -> Topology:
    reader = Reader(Pages(view), View("a", IRELAND, A))
    with ThreadPoolExecutor(1) as pool:
        _take([reader], frozenset(vpc_ids), pool)
    found, left_out = merge([reader], vpc_ids)
    assert not reader.doubts
    assert not left_out
    path.write_text(json.dumps(found.snapshot))
    return load_topology(path)


def gates(topology: Topology, source: str, destination: str, port: int, enis: set[str]) -> list[Any]:
    """What the gates of some interfaces say of a packet between two addresses, the sender's gate and all aside."""
    answer = query(topology, source, destination, "tcp", port)
    return [
        (gate.interface.interface_id, gate.direction, [rule.rule_id for rule in gate.rules])
        for gate in answer.gates
        if gate.interface.interface_id in enis
    ]


@pytest.mark.parametrize("seed", range(12))
def test_a_vpcs_gates_judge_as_in_the_whole_region(tmp_path: Path, seed: int):
    """For every address of drawn VPCs, the rules that admit it at the VPC's interfaces are the same ones."""
    world = drawn_world(random.Random(seed))
    whole = pulled(world, tmp_path / "whole.json")
    part = pulled(world, tmp_path / "part.json", "vpc-a")
    assert not [line for line in part.warnings if line.partition(": ")[2] not in str(whole.warnings)]
    mine = {name for name, each in whole.interfaces.items() if each.vpc_id == "vpc-a"}
    addresses = {name: str(each.addresses[0]) for name, each in whole.interfaces.items()}
    asked = 0
    for one in mine:
        for other in addresses.keys() - {one}:
            for port in (1, 2):
                pair = addresses[other], addresses[one]
                assert gates(part, *pair, port, mine) == gates(whole, *pair, port, mine)
                asked += bool(gates(whole, *pair, port, mine)[-1][2])
    assert asked


def test_a_region_that_has_more_is_cut(tmp_path: Path):
    """The drawn worlds are no proof if everything comes along: in most of them something stays away."""
    worlds = [drawn_world(random.Random(seed)) for seed in range(12)]
    sizes = [len(pulled(world, tmp_path / "part.json", "vpc-a").interfaces) for world in worlds]
    assert min(sizes) < 12
    assert max(sizes) > 12
