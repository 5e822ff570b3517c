"""Terraform states: every kind of resource, as ``terraform show -json`` prints it and as the file has it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest

from sgsim.model import Direction, GroupReference, PrefixListReference, Rule, UnknownPeer
from tests.sources.terraforming import permission, state

GROUP = {"id": "sg-1", "name": "web", "vpc_id": "vpc-1", "ingress": [], "egress": []}


def rules(topology, group_id="sg-1"):
    """(id, protocol, from, to, peer) of all rules of a group."""
    group = topology.groups[group_id]
    return [(r.rule_id, r.protocol, r.from_port, r.to_port, r.peer) for r in group.ingress + group.egress]


def test_rules_written_in_a_group(load) -> None:
    """One rule for each peer, in AWS's order, numbered over all blocks; -1 has no ports."""
    blocks = [
        permission("tcp", 443, 443, cidr_blocks=["0.0.0.0/0"], ipv6_cidr_blocks=["::/0"], description="web"),
        permission("icmp", 8, 0, security_groups=["sg-2", "123456789012/sg-3"], self=True),
        permission("-1", prefix_list_ids=["pl-1"]),
        permission("47", cidr_blocks=["10.0.0.0/8"]),
    ]
    topology = load(state({"aws_security_group.web": GROUP | {"ingress": blocks}}))
    assert topology.groups["sg-1"].name == "web"
    assert topology.groups["sg-1"].vpc_id == "vpc-1"
    assert rules(topology) == [
        ("sg-1/ingress/0", 6, 443, 443, IPv4Network("0.0.0.0/0")),
        ("sg-1/ingress/1", 6, 443, 443, IPv6Network("::/0")),
        ("sg-1/ingress/2", 1, 8, 0, GroupReference("sg-2")),
        ("sg-1/ingress/3", 1, 8, 0, GroupReference("sg-3")),
        ("sg-1/ingress/4", 1, 8, 0, GroupReference("sg-1")),
        ("sg-1/ingress/5", -1, None, None, PrefixListReference("pl-1")),
        ("sg-1/ingress/6", 47, None, None, IPv4Network("10.0.0.0/8")),
    ]
    assert topology.groups["sg-1"].ingress[0].description == "web"


def test_rules_that_are_resources(load) -> None:
    """They go by AWS's id where it is known, else by their address; a rule with several peers is several rules."""
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP,
                "aws_security_group_rule.many": {
                    "id": "sgrule-1",
                    "type": "ingress",
                    "security_group_id": "sg-1",
                    "protocol": "TCP",
                    "from_port": 80,
                    "to_port": 81,
                    "cidr_blocks": ["10.0.0.0/8", "172.16.0.0/12"],
                    "self": False,
                },
                "aws_security_group_rule.own": {
                    "type": "egress",
                    "security_group_id": "sg-1",
                    "protocol": "all",
                    "from_port": 0,
                    "to_port": 0,
                    "self": True,
                    "security_group_rule_id": "sgr-7",
                },
                "aws_security_group_rule.both": {
                    "type": "egress",
                    "security_group_id": "sg-1",
                    "protocol": "6",
                    "from_port": 1,
                    "to_port": 2,
                    "source_security_group_id": "sg-9",
                    "prefix_list_ids": ["pl-1"],
                },
                "aws_vpc_security_group_ingress_rule.ping": {
                    "id": "sgr-8",
                    "security_group_rule_id": "sgr-8",
                    "security_group_id": "sg-1",
                    "cidr_ipv6": "::/0",
                    "ip_protocol": "icmpv6",
                    "from_port": None,
                    "to_port": None,
                    "description": "all of ICMPv6",
                },
                "aws_vpc_security_group_egress_rule.out[0]": {
                    "security_group_id": "sg-1",
                    "ip_protocol": "-1",
                    "referenced_security_group_id": "1234/sg-2",
                },
            }
        )
    )
    assert rules(topology) == [
        ("aws_security_group_rule.many/0", 6, 80, 81, IPv4Network("10.0.0.0/8")),
        ("aws_security_group_rule.many/1", 6, 80, 81, IPv4Network("172.16.0.0/12")),
        ("sgr-8", 58, -1, -1, IPv6Network("::/0")),
        ("sgr-7", -1, None, None, GroupReference("sg-1")),
        ("aws_security_group_rule.both/0", 6, 1, 2, PrefixListReference("pl-1")),
        ("aws_security_group_rule.both/1", 6, 1, 2, GroupReference("sg-9")),
        ("aws_vpc_security_group_egress_rule.out[0]", -1, None, None, GroupReference("sg-2")),
    ]


def test_a_rule_that_the_group_lists_too_is_one(load) -> None:
    """A refreshed state lists in the group what the rule resources made; that is no rule twice."""
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP
                | {
                    "ingress": [
                        permission("tcp", 22, 22, cidr_blocks=["10.0.0.0/8"]),
                        permission("tcp", 1, 1, self=True),
                    ]
                },
                "aws_vpc_security_group_ingress_rule.ssh": {
                    "security_group_rule_id": "sgr-1",
                    "security_group_id": "sg-1",
                    "ip_protocol": "tcp",
                    "from_port": 22,
                    "to_port": 22,
                    "cidr_ipv4": "10.0.0.0/8",
                },
            }
        ),
        strict=True,
    )
    assert [name for name, *_ in rules(topology)] == ["sgr-1", "sg-1/ingress/1"]


def test_a_rule_of_a_group_made_elsewhere(load) -> None:
    """The group is there with that rule, and all others are unresolved."""
    rule = {"security_group_id": "sg-9", "ip_protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_ipv4": "10.0.0.0/8"}
    topology = load(state({"aws_vpc_security_group_ingress_rule.one": rule}))
    assert rules(topology, "sg-9") == [
        ("sg-9/ingress/unknown", -1, None, None, UnknownPeer("sg-9")),
        ("aws_vpc_security_group_ingress_rule.one", 6, 1, 1, IPv4Network("10.0.0.0/8")),
        ("sg-9/egress/unknown", -1, None, None, UnknownPeer("sg-9")),
    ]
    assert "its group sg-9 is not made here" in topology.warnings[0]


def test_interfaces_and_instances(load) -> None:
    """An interface's primary address comes first; an instance has one of its own, named by its Name tag."""
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP,
                "aws_subnet.a": {"id": "subnet-1", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24"},
                "aws_network_interface.eni": {
                    "id": "eni-1",
                    "subnet_id": "subnet-1",
                    "private_ip": "10.0.1.9",
                    "security_groups": ["sg-1"],
                    "private_ips": ["10.0.1.4", "10.0.1.9"],
                    "ipv6_addresses": ["2001:db8::9"],
                    "ipv4_prefixes": ["10.0.1.16/28"],
                    "interface_type": "interface",
                    "tags": {"Name": "edge"},
                    "attachment": [{"instance": "i-1", "device_index": 1, "attachment_id": "x"}],
                },
                "aws_instance.web": {
                    "id": "i-1",
                    "primary_network_interface_id": "eni-2",
                    "subnet_id": "subnet-1",
                    "private_ip": "10.0.1.5",
                    "secondary_private_ips": ["10.0.1.6"],
                    "public_ip": "203.0.113.5",
                    "vpc_security_group_ids": ["sg-1"],
                    "security_groups": [],
                    "tags_all": {"Name": "web-1"},
                },
            }
        ),
        strict=True,
    )
    eni, web = topology.interfaces["eni-1"], topology.interfaces["eni-2"]
    assert eni.addresses == (IPv4Address("10.0.1.9"), IPv4Address("10.0.1.4"), IPv6Address("2001:db8::9"))
    assert eni.prefixes == (IPv4Network("10.0.1.16/28"),)
    assert (eni.name, eni.vpc_id, eni.instance_id, eni.device_index) == ("edge", "vpc-1", "i-1", 1)
    assert (web.name, web.vpc_id, web.instance_id, web.device_index) == ("web-1", "vpc-1", "i-1", 0)
    assert web.addresses == (IPv4Address("10.0.1.5"), IPv4Address("10.0.1.6"))
    assert web.public_addresses == (IPv4Address("203.0.113.5"),)
    assert topology.subnets["subnet-1"].cidr == IPv4Network("10.0.1.0/24")


INTERFACE = {"id": "eni-1", "private_ip": "10.0.0.4", "security_groups": ["sg-1"], "interface_type": "interface"}


@pytest.mark.parametrize(
    "more",
    [
        {
            "aws_instance.web": {
                "id": "i-1",
                "primary_network_interface_id": "eni-1",
                "vpc_security_group_ids": ["sg-1"],
            }
        },
        {
            "aws_instance.web": {
                "id": "i-1",
                "network_interface": [{"network_interface_id": "eni-1", "device_index": 0}],
            }
        },
        {"aws_instance.web": {"id": "i-1", "primary_network_interface": [{"network_interface_id": "eni-1"}]}},
    ],
    ids=["by id", "in a block", "in its own block"],
)
def test_an_instance_with_an_interface_resource_has_no_other(load, more) -> None:
    """Its primary interface is that resource, and takes the instance's Name tag."""
    more["aws_instance.web"]["tags"] = {"Name": "web"}
    topology = load(state({"aws_security_group.web": GROUP, "aws_network_interface.eni": INTERFACE} | more))
    assert list(topology.interfaces) == ["eni-1"]
    eni = topology.interfaces["eni-1"]
    assert (eni.instance_id, eni.device_index, eni.name) == ("i-1", 0, "web")


def test_attachments_and_tags_that_are_resources(load) -> None:
    """Of an interface to an instance, of a group to an interface, of a Name tag."""
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP,
                "aws_security_group.more": GROUP | {"id": "sg-2", "name": "more"},
                "aws_network_interface.eni": INTERFACE,
                "aws_network_interface_attachment.a": {
                    "instance_id": "i-1",
                    "network_interface_id": "eni-1",
                    "device_index": 2,
                },
                "aws_network_interface_sg_attachment.a": {"security_group_id": "sg-2", "network_interface_id": "eni-1"},
                "aws_ec2_tag.owner": {"resource_id": "eni-1", "key": "Owner", "value": "me"},
                "aws_ec2_tag.name": {"resource_id": "eni-1", "key": "Name", "value": "edge"},
            }
        )
    )
    eni = topology.interfaces["eni-1"]
    assert (eni.group_ids, eni.instance_id, eni.device_index, eni.name) == (("sg-1", "sg-2"), "i-1", 2, "edge")


def test_an_interface_goes_by_its_address_where_it_has_no_name(load) -> None:
    """So that a question may name it as the configuration does."""
    topology = load(state({"aws_security_group.web": GROUP, "aws_network_interface.eni": INTERFACE}))
    assert topology.interfaces["eni-1"].name == "aws_network_interface.eni"


def test_groups_made_elsewhere_are_unresolved(load) -> None:
    """A hard-coded id, or a data source, which tells no rules: the interface's own group has unknown rules."""
    eni = INTERFACE | {"security_groups": ["sg-7"]}
    data = {"data.aws_security_group.seven": {"id": "sg-7", "name": "seven", "vpc_id": "vpc-1"}}
    for more in ({}, data):
        topology = load(state({"aws_network_interface.eni": eni} | more))
        assert [r.peer for r in topology.groups["sg-7"].ingress + topology.groups["sg-7"].egress] == [
            UnknownPeer("sg-7"),
            UnknownPeer("sg-7"),
        ]
        assert "eni-1 has the security group sg-7, which is not made here" in topology.warnings[0]


def test_a_reference_to_a_group_made_elsewhere_stands_for_more_than_is_known(load) -> None:
    """Its known member matches; any other address is unresolved."""
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP | {"ingress": [permission("tcp", 1, 1, security_groups=["sg-7"])]},
                "aws_network_interface.eni": INTERFACE | {"security_groups": ["sg-7"]},
            }
        )
    )
    assert rules(topology) == [
        ("sg-1/ingress/0", 6, 1, 1, GroupReference("sg-7")),
        ("sg-1/ingress/0/unknown", 6, 1, 1, UnknownPeer("sg-7")),
    ]


def test_interfaces_of_other_resources_are_noted_once(load) -> None:
    """Load balancers, functions, clusters: references to their groups stand for more than is known."""
    group = GROUP | {"ingress": [permission("tcp", 1, 1, security_groups=["sg-lb", "sg-fn"])]}
    topology = load(
        state(
            {
                "aws_security_group.web": group,
                "aws_security_group.lb": GROUP | {"id": "sg-lb"},
                "aws_security_group.fn": GROUP | {"id": "sg-fn"},
                "aws_lb.front": {"security_groups": ["sg-lb"]},
                "aws_lambda_function.fn": {"vpc_config": [{"security_group_ids": ["sg-fn"], "subnet_ids": []}]},
                "aws_s3_bucket.b": {"security_groups": []},
            }
        ),
        strict=True,
    )
    assert [name for name, *_ in rules(topology)] == [
        "sg-1/ingress/0",
        "sg-1/ingress/0/unknown",
        "sg-1/ingress/1",
        "sg-1/ingress/1/unknown",
    ]
    (warning,) = topology.warnings
    assert warning.endswith(
        "the interfaces of these are not here: aws_lb.front, aws_lambda_function.fn: no packet is judged at them"
    )


def test_prefix_lists(load) -> None:
    """Written in the list, resources by themselves, from data sources; of a list made elsewhere the rest is unknown."""
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP
                | {"egress": [permission("-1", prefix_list_ids=["pl-1", "pl-2", "pl-9"])]},
                "aws_ec2_managed_prefix_list.corp": {
                    "id": "pl-1",
                    "name": "corp",
                    "address_family": "IPv4",
                    "entry": [{"cidr": "198.51.100.0/24"}],
                },
                "aws_ec2_managed_prefix_list_entry.more": {"prefix_list_id": "pl-1", "cidr": "203.0.113.0/24"},
                "aws_ec2_managed_prefix_list_entry.other": {"prefix_list_id": "pl-9", "cidr": "2001:db8::/32"},
                "data.aws_prefix_list.s3": {"id": "pl-2", "name": "s3", "cidr_blocks": ["52.218.0.0/17"]},
                "data.aws_ec2_managed_prefix_list.p": {
                    "id": "pl-3",
                    "entries": [{"cidr": "10.0.0.0/8", "description": ""}],
                },
            }
        )
    )
    lists = topology.prefix_lists
    assert lists["pl-1"].entries == (IPv4Network("198.51.100.0/24"), IPv4Network("203.0.113.0/24"))
    assert (lists["pl-1"].name, lists["pl-1"].family) == ("corp", 4)
    assert lists["pl-2"].entries == (IPv4Network("52.218.0.0/17"),)
    assert lists["pl-3"].entries == (IPv4Network("10.0.0.0/8"),)
    assert (lists["pl-9"].entries, lists["pl-9"].family) == ((IPv6Network("2001:db8::/32"),), 6)
    assert [name for name, *_ in rules(topology)][-2:] == ["sg-1/egress/2", "sg-1/egress/2/unknown"]


def test_peerings_associations_and_vpcs(load) -> None:
    """A peering's status is what AWS said, or what its accepter said."""
    peering = {"id": "pcx-1", "vpc_id": "vpc-1", "peer_vpc_id": "vpc-2", "accept_status": "active"}
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP,
                "aws_vpc.one": {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "tags": {"Name": "one"}},
                "aws_default_vpc.two": {"id": "vpc-2", "cidr_block": "172.31.0.0/16"},
                "aws_vpc_peering_connection.p": peering | {"region": "eu-west-1", "peer_region": "eu-west-1"},
                "aws_vpc_peering_connection.q": {"id": "pcx-2", "vpc_id": "vpc-1", "peer_vpc_id": "vpc-3"},
                "aws_vpc_peering_connection_accepter.q": {"vpc_peering_connection_id": "pcx-2", "auto_accept": True},
                "aws_vpc_security_group_vpc_association.a": {
                    "security_group_id": "sg-1",
                    "vpc_id": "vpc-2",
                    "state": "associated",
                },
                "aws_vpc_security_group_vpc_association.b": {
                    "security_group_id": "sg-1",
                    "vpc_id": "vpc-3",
                    "state": "disassociated",
                },
            }
        )
    )
    assert (topology.vpcs["vpc-1"].cidr, topology.vpcs["vpc-1"].name) == (IPv4Network("10.0.0.0/16"), "one")
    assert "vpc-2" in topology.vpcs
    assert {name: each.status for name, each in topology.peerings.items()} == {"pcx-1": "active", "pcx-2": "active"}
    assert topology.peerings["pcx-1"].accepter_region == "eu-west-1"
    assert [(each.group_id, each.vpc_id) for each in topology.associations] == [("sg-1", "vpc-2")]


def test_modules_and_the_order_of_a_state(load) -> None:
    """Resources of modules at any depth are read; a group that is there twice is read once."""
    topology = load(
        state(
            {
                "aws_security_group.web": GROUP,
                'module.a["x.y"].aws_security_group.web': GROUP | {"id": "sg-2"},
                'module.a["x.y"].module.b[0].aws_security_group.web["k"]': GROUP | {"id": "sg-3"},
                "module.c.aws_security_group.web": GROUP | {"name": "twice"},
            }
        )
    )
    assert list(topology.groups) == ["sg-1", "sg-2", "sg-3"]
    assert "sg-1 is managed twice: as aws_security_group.web already" in topology.warnings[0]


def test_a_state_file(load) -> None:
    """terraform.tfstate, version 4: instances with their keys, modules, deposed objects apart."""
    eni = INTERFACE | {"security_groups": ["sg-1", "sg-old"]}
    topology = load(
        {
            "version": 4,
            "terraform_version": "1.9.5",
            "serial": 3,
            "lineage": "6f7f",
            "outputs": {},
            "resources": [
                {
                    "module": "module.net",
                    "mode": "managed",
                    "type": "aws_security_group",
                    "name": "web",
                    "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                    "instances": [
                        {"index_key": "a.b", "schema_version": 1, "attributes": GROUP},
                        {"index_key": "a.b", "deposed": "0f", "attributes": GROUP | {"id": "sg-old"}},
                    ],
                },
                {
                    "mode": "managed",
                    "type": "aws_network_interface",
                    "name": "eni",
                    "instances": [{"index_key": 0, "attributes": eni}],
                },
                {"mode": "data", "type": "aws_ami", "name": "x", "instances": [{"attributes": {"id": "ami-1"}}]},
            ],
        },
        strict=True,
    )
    assert list(topology.groups) == ["sg-1", "sg-old"]
    assert topology.interfaces["eni-1"].name == "aws_network_interface.eni[0]"


def test_an_instance_in_the_default_vpc_names_its_groups_by_name(load) -> None:
    """``security_groups`` are names there; ids elsewhere."""
    instance = {"id": "i-1", "private_ip": "172.31.0.4", "security_groups": ["web"], "vpc_security_group_ids": []}
    topology = load(state({"aws_security_group.web": GROUP, "aws_instance.web": instance}))
    assert topology.interfaces["aws_instance.web"].group_ids == ("sg-1",)


def test_an_instance_without_a_word_about_groups_has_its_vpcs_default_group(load) -> None:
    """Where that group is known; else its groups are not known."""
    values = {
        "aws_default_security_group.d": GROUP | {"id": "sg-d", "name": "default"},
        "aws_subnet.a": {"id": "subnet-1", "vpc_id": "vpc-1"},
        "aws_instance.web": {"id": "i-1", "private_ip": "10.0.0.4", "subnet_id": "subnet-1"},
    }
    assert load(state(values)).interfaces["aws_instance.web"].group_ids == ("sg-d",)
    del values["aws_default_security_group.d"]
    topology = load(state(values))
    assert topology.interfaces["aws_instance.web"].group_ids == ("aws_instance.web.vpc_security_group_ids",)
    assert "which security groups aws_instance.web has is known only after apply" in topology.warnings[0]


def test_interfaces_of_aws_itself_have_no_groups(load) -> None:
    """A NAT gateway's interface, read by a data source, filters nothing."""
    nat = {"id": "eni-9", "private_ip": "10.0.0.9", "security_groups": [], "interface_type": "nat_gateway"}
    topology = load(state({"data.aws_network_interface.nat": nat}), strict=True)
    assert topology.interfaces["eni-9"].group_ids == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format_version": "1.0"}, "has no security group, interface or VPC of AWS's provider"),
        (state({"aws_s3_bucket.b": {}}), "among its resources (aws_s3_bucket)"),
        ({"version": 3, "modules": []}, "is a state file of version 3: sgsim reads version 4"),
        ({"version": 4, "resources": 7}, "resources: 7 where a list belongs"),
        ({"version": 4, "resources": [{"type": "x"}]}, "resources[0].name: is missing: Terraform writes it"),
        ({"format_version": "1.0", "values": {"root_module": []}}, "root_module: a list where an object belongs"),
        (
            state({"aws_security_group_rule.r": {"security_group_id": "sg-1"}}),
            "aws_security_group_rule.r.type: is missing",
        ),
        (
            state({"aws_security_group_rule.r": {"security_group_id": "sg-1", "type": "in"}}),
            "aws_security_group_rule.r.type: 'in' is neither ingress nor egress",
        ),
        (
            state({"aws_security_group.web": GROUP | {"ingress": [permission("tcp", 5, 4, self=True)]}}),
            "aws_security_group.web.ingress[0].from_port: the port range 5-4 is the wrong way round",
        ),
        (
            state({"aws_security_group.web": GROUP | {"ingress": [permission("tcpp", 5, 4)]}}),
            "aws_security_group.web.ingress[0].protocol: unknown protocol 'tcpp'",
        ),
        (
            state({"aws_security_group.web": GROUP | {"egress": [permission(cidr_blocks=["10.0.0.0"])]}}),
            "aws_security_group.web.egress[0].cidr_blocks[0]: '10.0.0.0' is no CIDR",
        ),
        (
            state({"aws_security_group.web": GROUP | {"egress": [permission(cidr_blocks="10.0.0.0/8")]}}),
            "",
        ),
        (state({"aws_instance.w": {"private_ip": ["10.0.0.1"]}}), ""),
        (
            state({"aws_instance.w": {"private_ip": {"a": 1}}}),
            "aws_instance.w.private_ip: an object where text belongs",
        ),
        (state({"aws_vpc.v": {"id": "vpc-1", "cidr_block": "::/0"}}), "cidr_block: '::/0' is an IPv6 CIDR"),
        (
            {"version": 4, "resources": [{"type": "t", "name": "n", "instances": [{"attributes_flat": {"id": "1"}}]}]},
            "t.n is as Terraform 0.11 wrote it",
        ),
    ],
)
def test_what_terraform_did_not_write_is_refused(load, refused, content, message) -> None:
    """One line that names the place; a single value where a list may stand is read as the list."""
    if message:
        assert message in refused(content)
    else:
        load(content)


def test_what_is_not_the_output_of_show_is_told_apart(folder, refused) -> None:
    """A plan in Terraform's own form, the log of a run, configuration: each with the commands that help."""
    from sgsim.errors import InputError
    from sgsim.sources import load_topology

    root = folder(
        {
            "plan": b"PK\x03\x04rest",
            "log.json": '{"@level":"info","@message":"Terraform 1.9.5"}\n{"@level":"info"}\n',
            "main.tf": 'resource "aws_vpc" "main" {}\n',
            "main.tf.json": {"resource": {"aws_vpc": {}}},
            "resources.json": {"aws_vpc": [{}]},
        }
    )
    for name in ("plan", "log.json", "main.tf", "main.tf.json", "resources.json"):
        with pytest.raises(InputError, match=r"terraform show -json FILE > plan\.json"):
            load_topology(root / name)
    (root / "plan").unlink()
    (root / "main.tf").unlink()
    (root / "log.json").unlink()
    (root / "plan.json").write_text('{"format_version": "1.2", "planned_values": {}}')
    with pytest.raises(InputError, match=r"plan\.json is a Terraform plan or state: give that file itself"):
        load_topology(root)


def test_rules_keep_their_direction(load) -> None:
    """Ingress and egress of one resource type are told apart by ``type``."""
    rule = {"security_group_id": "sg-1", "protocol": "-1", "from_port": 0, "to_port": 0, "self": True}
    topology = load(state({"aws_security_group.web": GROUP, "aws_security_group_rule.r": rule | {"type": "egress"}}))
    assert topology.groups["sg-1"].egress == (
        Rule("aws_security_group_rule.r", "sg-1", Direction.EGRESS, -1, None, None, GroupReference("sg-1")),
    )
