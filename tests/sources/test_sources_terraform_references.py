"""Terraform plans: what expressions refer to, followed through count, for_each, modules, variables and outputs."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from sgsim.model import GroupReference, PrefixListReference, UnknownPeer
from tests.sources.terraforming import (
    GROUP,
    INGRESS_RULE,
    LIVE,
    NEW,
    RULE,
    Plan,
    peers,
    permission,
    refers,
    warned,
    web,
)


def resolved(load, plan: Plan, **expressions):
    """The groups of a new instance whose groups are known only after apply."""
    after = {"private_ip": "10.0.0.9"}
    plan.add("aws_instance.asking", after, unknown={"vpc_security_group_ids": True}, **expressions)
    topology = load(plan.json())
    return topology.interfaces["aws_instance.asking"].group_ids, topology


def several(head: str, *keys: str) -> Plan:
    plan = Plan()
    for key in keys:
        plan.add(f"{head}[{key}]", GROUP, unknown=NEW)
    return plan


@pytest.mark.parametrize(
    ("references", "groups"),
    [
        (["aws_security_group.g[1].id"], ["[1]"]),
        (["aws_security_group.g"], ["[0]", "[1]"]),  # a splat
        (["aws_security_group.g[0].id", "aws_security_group.g"], ["[0]", "[1]"]),
        (["aws_security_group.g[0]"], ["[0]"]),
        (["aws_security_group.g[7].id"], None),
    ],
)
def test_instances_of_count(load, references, groups) -> None:
    """By index, all of them by a splat; one that is not there is none."""
    plan = several("aws_security_group.g", "0", "1")
    found, topology = resolved(load, plan, vpc_security_group_ids=refers(*references))
    if groups is None:
        assert found == ("aws_instance.asking.vpc_security_group_ids",)
        warned(topology, "which security groups aws_instance.asking has is known only after apply")
    else:
        assert found == tuple(f"aws_security_group.g{key}" for key in groups)


@pytest.mark.parametrize(
    ("head", "chooser", "keys"),
    [("for_each", "each.key", ['"a"', '"b"']), ("count", "count.index", ["0", "1"])],
)
def test_each_instance_takes_the_one_with_its_own_key(load, head, chooser, keys) -> None:
    """``aws_security_group.g[each.key].id`` is listed as the resource and the word behind it."""
    plan = several("aws_security_group.g", *keys)
    for key in keys:
        plan.add(
            f"aws_instance.i[{key}]",
            {"private_ip": f"10.0.0.{len(plan.changes)}"},
            unknown={"vpc_security_group_ids": True},
            vpc_security_group_ids={"references": ["aws_security_group.g", chooser]},
        )
    topology = load(plan.json())
    for key in keys:
        assert topology.interfaces[f"aws_instance.i[{key}]"].group_ids == (f"aws_security_group.g[{key}]",)


def module_plan() -> Plan:
    """Two instances of a module that makes a group and gives its id out."""
    plan = Plan()
    for key in ('"x"', '"y.z"'):
        plan.add(f"module.m[{key}].aws_security_group.g", GROUP, unknown=NEW)
    plan.output("module.m", "group_id", refers("aws_security_group.g.id"))
    return plan


def test_outputs_of_modules(load) -> None:
    """By key, by each.key of what refers to them, of all instances by a splat."""
    by_key, _ = resolved(load, module_plan(), vpc_security_group_ids=refers('module.m["y.z"].group_id'))
    assert by_key == ('module.m["y.z"].aws_security_group.g',)
    every, _ = resolved(load, module_plan(), vpc_security_group_ids={"references": ["module.m.group_id", "module.m"]})
    assert every == ('module.m["x"].aws_security_group.g', 'module.m["y.z"].aws_security_group.g')


def test_arguments_of_modules(load) -> None:
    """A variable is what the call gives it, two levels up too; each.key is the call's."""
    plan = module_plan()
    plan.output("module.m", "unused", refers("aws_security_group.other.id"))
    plan.call("module.app", groups={"references": ['module.m["x"].group_id', 'module.m["x"]', "module.m"]})
    plan.call("module.app.module.inner", ids=refers("var.groups"))
    address = "module.app[0].module.inner.aws_instance.i"
    plan.add(
        address,
        {"private_ip": "10.0.0.4"},
        unknown={"vpc_security_group_ids": True},
        vpc_security_group_ids=refers("var.ids"),
    )
    assert load(plan.json()).interfaces[address].group_ids == ('module.m["x"].aws_security_group.g',)


def test_constants_among_references(load) -> None:
    """What the root's variables, or a call's constants, name by id is part of a list."""
    plan = web()
    plan.variables = {"extra": {"value": "sg-9"}, "on": {"value": True}}
    found, _ = resolved(load, plan, vpc_security_group_ids=refers("var.extra", "var.on", "aws_security_group.web.id"))
    assert found == ("sg-9", "aws_security_group.web")


def test_one_id_of_two_that_could_be_meant_is_unknown(load) -> None:
    """A conditional between two resources that are both there shows both."""
    plan = several("aws_security_group.g", "0", "1")
    plan.add(
        f"{INGRESS_RULE}.r",
        RULE | {"cidr_ipv4": "10.0.0.0/8"},
        unknown={"security_group_id": True},
        security_group_id=refers("aws_security_group.g[0].id", "aws_security_group.g[1].id"),
    )
    topology = load(plan.json())
    for n in (0, 1):
        assert peers(topology, f"aws_security_group.g[{n}]") == [UnknownPeer(f"{INGRESS_RULE}.r.security_group_id")]
    warned(topology, f"{INGRESS_RULE}.r.security_group_id: is known only after apply: taken for one that any group")


def test_an_id_that_exists_is_not_what_is_unknown(load) -> None:
    """Of a new and an old group, one id that is not known is the new one's."""
    plan = web()
    plan.add("aws_security_group.old", LIVE, before=LIVE)
    plan.add(
        f"{INGRESS_RULE}.r",
        RULE | {"cidr_ipv4": "10.0.0.0/8"},
        unknown={"security_group_id": True},
        security_group_id=refers("aws_security_group.old.id", "aws_security_group.web.id"),
    )
    assert peers(load(plan.json()), "aws_security_group.web") == [IPv4Network("10.0.0.0/8")]


def test_locals_are_not_in_a_plan(load) -> None:
    """The only group of its module is taken for what a local stands for, and that is said; else it is unknown."""
    plan = Plan()
    plan.add("module.sg.aws_security_group.this[0]", GROUP, unknown=NEW)
    plan.add(
        f"module.sg.{INGRESS_RULE}.r",
        RULE | {"cidr_ipv4": "10.0.0.0/8"},
        unknown={"security_group_id": True},
        security_group_id=refers("local.group_id"),
    )
    topology = load(plan.json())
    assert peers(topology, "module.sg.aws_security_group.this[0]") == [IPv4Network("10.0.0.0/8")]
    warned(topology, "depends on local.group_id, which a plan does not show: taken for module.sg.aws_security_group")
    found, _ = resolved(load, web(), vpc_security_group_ids=refers("aws_security_group.web.id", "local.more"))
    assert found == ("aws_security_group.web", "aws_instance.asking.vpc_security_group_ids")


def test_other_attributes_of_resources_are_followed(load) -> None:
    """A subnet's VPC, the groups of another interface; an id that AWS makes goes by where it stands."""
    plan = web()
    plan.add("aws_vpc.main", {"cidr_block": "10.0.0.0/16"})
    plan.add("aws_subnet.a", {}, unknown={"vpc_id": True}, vpc_id=refers("aws_vpc.main.id"))
    plan.add(
        "aws_security_group.b", {"name": "b"}, unknown=NEW | {"vpc_id": True}, vpc_id=refers("aws_subnet.a.vpc_id")
    )
    plan.add("aws_eks_cluster.k", {"vpc_config": [{}]}, unknown={"vpc_config": [{"cluster_security_group_id": True}]})
    plan.add(
        f"{INGRESS_RULE}.k",
        RULE,
        unknown={"security_group_id": True, "referenced_security_group_id": True},
        security_group_id=refers("aws_security_group.web.id"),
        referenced_security_group_id=refers("aws_eks_cluster.k.vpc_config[0].cluster_security_group_id"),
    )
    plan.add(
        "aws_lb.l", {"name": "l"}, unknown={"security_groups": True}, security_groups=refers("aws_security_group.b.id")
    )
    found, topology = resolved(load, plan, vpc_security_group_ids=refers("aws_lb.l.security_groups"))
    assert found == ("aws_security_group.b",)
    assert topology.groups["aws_security_group.b"].vpc_id == "aws_vpc.main"
    (peer,) = peers(topology, "aws_security_group.web")
    assert peer == GroupReference("aws_eks_cluster.k.vpc_config[0].cluster_security_group_id")
    warned(
        topology, "the security group aws_eks_cluster.k.vpc_config[0].cluster_security_group_id is not in the snapshot"
    )


def test_data_sources_that_are_read_during_apply(load) -> None:
    """They go by their addresses, and their groups are made elsewhere."""
    plan = Plan()
    plan.add("data.aws_security_group.g", {"name": "g"}, unknown={"id": True}, actions=["read"])
    found, topology = resolved(load, plan, vpc_security_group_ids=refers("data.aws_security_group.g.id"))
    assert found == ("data.aws_security_group.g",)
    assert peers(topology, "data.aws_security_group.g") == [UnknownPeer("data.aws_security_group.g")]


def test_the_default_group_of_a_vpc(load) -> None:
    """By the VPC's attribute, and for an instance that names no groups."""
    plan = Plan()
    plan.add("aws_vpc.main", {"cidr_block": "10.0.0.0/16"}, unknown={"default_security_group_id": True})
    plan.add(
        "aws_default_security_group.d",
        {"name": "default"},
        unknown=NEW | {"vpc_id": True},
        vpc_id=refers("aws_vpc.main.id"),
    )
    plan.add("aws_subnet.a", {}, unknown={"vpc_id": True}, vpc_id=refers("aws_vpc.main.id"))
    plan.add(
        "aws_instance.silent",
        {"private_ip": "10.0.0.4"},
        unknown={"vpc_security_group_ids": True, "security_groups": True, "subnet_id": True},
        subnet_id=refers("aws_subnet.a.id"),
    )
    found, topology = resolved(load, plan, vpc_security_group_ids=refers("aws_vpc.main.default_security_group_id"))
    assert found == ("aws_default_security_group.d",)
    assert topology.interfaces["aws_instance.silent"].group_ids == ("aws_default_security_group.d",)


def test_unknown_groups_within_blocks(load) -> None:
    """Terraform shows the references of all blocks as one: told apart where one block, or one group, is meant."""
    unknown = {"ingress": [{"security_groups": True}, {"security_groups": [False]}], "egress": True}
    blocks = [permission("tcp", 1, 1), permission("tcp", 2, 2, security_groups=["sg-1"])]
    del blocks[0]["security_groups"]
    one = several("aws_security_group.g", "0", "1")
    one.add("aws_security_group.old", LIVE, before=LIVE)
    one.add(
        "aws_security_group.asking",
        GROUP | {"ingress": blocks},
        unknown=unknown,
        ingress=refers("aws_security_group.old.id", "aws_security_group.g"),
    )
    assert peers(load(one.json()), "aws_security_group.asking") == [
        GroupReference("aws_security_group.g[0]"),
        GroupReference("aws_security_group.g[1]"),
        GroupReference("sg-1"),
    ]
    unknown["ingress"][1] = {"security_groups": True}
    del blocks[1]["security_groups"]
    both = several("aws_security_group.g", "0", "1")
    both.add(
        "aws_security_group.asking",
        GROUP | {"ingress": blocks},
        unknown=unknown,
        ingress=refers("aws_security_group.g[0].id", "aws_security_group.g[1].id"),
    )
    assert peers(load(both.json()), "aws_security_group.asking") == [
        UnknownPeer("aws_security_group.asking.ingress[0].security_groups"),
        UnknownPeer("aws_security_group.asking.ingress[1].security_groups"),
    ]


def test_prefix_lists_and_peerings_that_a_plan_makes(load) -> None:
    """Entries with unknown CIDRs leave their list incomplete; a peering that nobody accepts is not active."""
    plan = web()
    entries = [{"cidr": "10.0.0.0/8"}, {"cidr": None}]
    plan.add(
        "aws_ec2_managed_prefix_list.l",
        {"name": "l", "address_family": "IPv4", "entry": entries},
        unknown={"entry": [{}, {"cidr": True}]},
        entry=[{}, {"cidr": refers("aws_eip.a.public_ip")}],
    )
    plan.add(
        "aws_ec2_managed_prefix_list_entry.e",
        {"cidr": "10.9.0.0/16"},
        unknown={"prefix_list_id": True},
        prefix_list_id=refers("aws_ec2_managed_prefix_list.l.id"),
    )
    plan.add(
        f"{INGRESS_RULE}.r",
        RULE,
        unknown={"security_group_id": True, "prefix_list_id": True},
        security_group_id=refers("aws_security_group.web.id"),
        prefix_list_id=refers("aws_ec2_managed_prefix_list.l.id"),
    )
    for name, accept in (("p", None), ("q", True)):
        plan.add(
            f"aws_vpc_peering_connection.{name}",
            {"peer_vpc_id": "vpc-2", "vpc_id": "vpc-1", "auto_accept": accept},
            unknown={"accept_status": True},
        )
    topology = load(plan.json())
    listed = topology.prefix_lists["aws_ec2_managed_prefix_list.l"]
    assert listed.entries == (IPv4Network("10.0.0.0/8"), IPv4Network("10.9.0.0/16"))
    assert peers(topology, "aws_security_group.web") == [
        PrefixListReference("aws_ec2_managed_prefix_list.l"),
        UnknownPeer("aws_ec2_managed_prefix_list.l"),
    ]
    assert [each.status for each in topology.peerings.values()] == ["pending-acceptance", "active"]


def test_groups_and_interfaces_of_an_instances_blocks(load) -> None:
    """A network_interface block ties an instance to an interface; a group is attached by the instance's attribute."""
    plan = web()
    plan.add(
        "aws_network_interface.e",
        {"private_ip": "10.0.0.7"},
        unknown={"security_groups": True},
        private_ip={"constant_value": "10.0.0.7"},
        security_groups=refers("aws_security_group.web.id"),
    )
    plan.add(
        "aws_instance.a",
        {"network_interface": [{"device_index": 0}], "tags": {"Name": "a"}},
        unknown={"network_interface": [{"network_interface_id": True}], "vpc_security_group_ids": True},
        network_interface=[
            {"device_index": {"constant_value": 0}, "network_interface_id": refers("aws_network_interface.e.id")}
        ],
    )
    plan.add(
        "aws_instance.b",
        {"private_ip": "10.0.0.8", "vpc_security_group_ids": ["sg-1"]},
        unknown={"primary_network_interface_id": True},
        private_ip={"constant_value": "10.0.0.8"},
    )
    plan.add(
        "aws_network_interface_sg_attachment.x",
        {},
        unknown={"security_group_id": True, "network_interface_id": True},
        security_group_id=refers("aws_security_group.web.id"),
        network_interface_id=refers("aws_instance.b.primary_network_interface_id"),
    )
    plan.add(
        "aws_ec2_tag.t",
        {"key": "Name", "value": "bee"},
        unknown={"resource_id": True},
        resource_id=refers("aws_instance.b.id"),
    )
    topology = load(plan.json())
    assert list(topology.interfaces) == ["aws_network_interface.e", "aws_instance.b"]
    e, b = topology.interfaces.values()
    assert (e.instance_id, e.device_index, e.name) == ("aws_instance.a", 0, "a")
    assert b.group_ids == ("sg-1", "aws_security_group.web")


def test_expressions_that_lead_in_a_circle_or_far_end(load) -> None:
    """Terraform refuses such configurations: what a plan claims all the same is unknown."""
    plan = web()
    plan.output("module.a", "x", refers("module.b.x", "module.b.x", "var.y"))
    plan.output("module.a.module.b", "x", refers("var.y"))
    plan.call("module.a", y=refers("module.a.x", "module.a.x"))
    plan.call("module.a.module.b", y=refers("var.y", "module.b.x"))
    plan.add("module.a.module.b.aws_security_group.g", GROUP, unknown=NEW)
    found, _ = resolved(load, plan, vpc_security_group_ids=refers("module.a.x", "module.a.x"))
    assert found == ("aws_instance.asking.vpc_security_group_ids",)


def test_references_that_double_at_every_step_are_followed_once(load) -> None:
    """Thirty modules within each other, each with two ways to the one around it: a thousand million ways."""
    plan = web()
    path = ""
    for n in range(30):
        path += f".module.m{n}" if path else f"module.m{n}"
        plan.call(path, ids=refers("aws_security_group.web.id") if n == 0 else refers("var.ids", "var.ids"))
    address = f"{path}.aws_instance.i"
    plan.add(
        address,
        {"private_ip": "10.0.0.4"},
        unknown={"vpc_security_group_ids": True},
        vpc_security_group_ids=refers("var.ids", "var.ids"),
    )
    assert load(plan.json()).interfaces[address].group_ids == ("aws_security_group.web",)


def test_a_vpc_that_nothing_tells(load) -> None:
    """What could be in any VPC is in the only one that there is; with two of them it is a doubt."""
    plan = Plan()
    plan.add("aws_vpc.main", {"cidr_block": "10.0.0.0/16"})
    plan.add("aws_security_group.lost", {"name": "lost"}, unknown=NEW | {"vpc_id": True}, vpc_id=refers("local.vpc"))
    plan.add("aws_security_group.too", {"name": "too"}, unknown=NEW | {"vpc_id": True})
    topology = load(plan.json())
    assert {group.vpc_id for group in topology.groups.values()} == {"aws_vpc.main"}
    plan.add("aws_vpc.other", {"cidr_block": "10.1.0.0/16"})
    topology = load(plan.json())
    assert [group.vpc_id for group in topology.groups.values()] == [None, None]
    warned(
        topology, "in which VPC these are is known only after apply: aws_security_group.lost, aws_security_group.too"
    )
