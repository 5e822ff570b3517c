"""Terraform plans: both sides, values that are known only after apply, and references that tie resources together."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest

from sgsim.control.call import Caller
from sgsim.control.load import load_store
from sgsim.errors import InputError
from sgsim.model import Direction, GroupReference, UnknownPeer
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

# --- what a plan leaves ---------------------------------------------------------------------------------------------


def test_new_resources_go_by_their_addresses(load) -> None:
    """Groups, interfaces, VPCs and subnets that have no ids yet are tied together by what refers to what."""
    plan = Plan()
    plan.add("aws_vpc.main", {"cidr_block": "10.0.0.0/16", "tags": {"Name": "main"}})
    subnet = {"cidr_block": "10.0.1.0/24"}
    plan.add("aws_subnet.a", subnet, unknown={"vpc_id": True}, vpc_id=refers("aws_vpc.main.id"))
    group = {"name": "web", "revoke_rules_on_delete": False}
    plan.add("aws_security_group.web", group, unknown=NEW | {"vpc_id": True}, vpc_id=refers("aws_vpc.main.id"))
    plan.add("aws_security_group.db", group, unknown=NEW | {"vpc_id": True}, vpc_id=refers("aws_vpc.main.id"))
    rule = {"type": "ingress", "protocol": "tcp", "from_port": 5432, "to_port": 5432, "self": False}
    plan.add(
        "aws_security_group_rule.db",
        rule | {"cidr_blocks": None},
        unknown={"security_group_id": True, "source_security_group_id": True},
        security_group_id=refers("aws_security_group.db.id"),
        source_security_group_id=refers("aws_security_group.web.id"),
    )
    eni = {"private_ips": ["10.0.1.4"], "tags": None}
    plan.add(
        "aws_network_interface.db",
        eni,
        unknown={"private_ips": [False], "private_ip": True, "security_groups": True, "subnet_id": True},
        private_ips={"constant_value": ["10.0.1.4"]},
        subnet_id=refers("aws_subnet.a.id"),
        security_groups=refers("aws_security_group.db.id"),
    )
    plan.add(
        "aws_instance.web",
        {"tags": {"Name": "web"}, "private_ip": "10.0.1.5"},
        unknown={"vpc_security_group_ids": True, "subnet_id": True, "network_interface": True, "ipv6_addresses": True},
        subnet_id=refers("aws_subnet.a.id"),
        private_ip={"constant_value": "10.0.1.5"},
        vpc_security_group_ids=refers("aws_security_group.web.id"),
    )
    topology = load(plan.json())
    assert topology.vpcs["aws_vpc.main"].cidr == IPv4Network("10.0.0.0/16")
    assert topology.subnets["aws_subnet.a"].vpc_id == "aws_vpc.main"
    assert {group.vpc_id for group in topology.groups.values()} == {"aws_vpc.main"}
    (made,) = topology.groups["aws_security_group.db"].ingress
    assert (made.rule_id, made.peer) == ("aws_security_group_rule.db", GroupReference("aws_security_group.web"))
    eni, instance = topology.interfaces["aws_network_interface.db"], topology.interfaces["aws_instance.web"]
    assert (eni.group_ids, eni.vpc_id) == (("aws_security_group.db",), "aws_vpc.main")
    assert (instance.group_ids, instance.vpc_id) == (("aws_security_group.web",), "aws_vpc.main")
    assert (instance.name, instance.addresses) == ("web", (IPv4Address("10.0.1.5"),))
    (warning,) = topology.warnings  # aws_security_group.web has neither rules nor rule resources
    assert "taken for none: aws_security_group.web.ingress, aws_security_group.web.egress" in warning


def test_a_group_that_terraform_makes_lets_nothing_out_without_egress(load) -> None:
    """AWS's own egress rule is taken away; a block that is given is there."""
    assert load(web().json()).groups["aws_security_group.web"].egress == ()
    plan = Plan()
    after = GROUP | {"egress": [permission("-1", cidr_blocks=["0.0.0.0/0"])]}
    plan.add("aws_security_group.web", after, unknown={"ingress": True, "egress": [{"cidr_blocks": [False]}]})
    assert peers(load(plan.json()), "aws_security_group.web", Direction.EGRESS) == [IPv4Network("0.0.0.0/0")]


def test_rules_that_are_computed_from_unknown_values_are_unresolved(load) -> None:
    """A group whose ingress is given, but known only after apply, may admit anything."""
    topology = load(web(ingress=refers("var.rules", "aws_instance.a.private_ip")).json())
    (rule,) = topology.groups["aws_security_group.web"].ingress
    assert (rule.protocol, rule.peer) == (-1, UnknownPeer("aws_security_group.web.ingress"))
    warned(topology, "aws_security_group.web.ingress: is known only after apply")


def test_the_known_cidrs_of_a_list_are_rules_and_the_rest_is_one_unresolved_rule(load) -> None:
    """Of its family; several unknown ones are one."""
    plan = web()
    plan.add(
        "aws_security_group_rule.r",
        {
            "type": "ingress",
            "protocol": "tcp",
            "from_port": 1,
            "to_port": 1,
            "self": False,
            "cidr_blocks": ["10.0.0.0/8", None, None],
            "ipv6_cidr_blocks": None,
        },
        unknown={"cidr_blocks": [False, True, True], "ipv6_cidr_blocks": True, "security_group_id": True},
        security_group_id=refers("aws_security_group.web.id"),
        cidr_blocks=refers("aws_eip.a.public_ip"),
        ipv6_cidr_blocks=refers("aws_vpc.main.ipv6_cidr_block"),
    )
    topology = load(plan.json())
    assert peers(topology, "aws_security_group.web") == [
        IPv4Network("10.0.0.0/8"),
        UnknownPeer("aws_security_group_rule.r.cidr_blocks[1]", 4),
        UnknownPeer("aws_security_group_rule.r.ipv6_cidr_blocks", 6),
    ]


@pytest.mark.parametrize(
    ("unknown", "service"),
    [
        ("ip_protocol", (-1, None, None)),
        ("from_port", (6, 0, 65535)),
        ("to_port", (6, 0, 65535)),
    ],
)
def test_a_rule_whose_service_is_unknown_is_unresolved_for_all_that_it_may_be(load, unknown, service) -> None:
    """Whatever its peer, which is not known to admit anything; in the peer's family."""
    plan = web()
    after = {key: value for key, value in (RULE | {"cidr_ipv4": "10.0.0.0/8"}).items() if key != unknown}
    plan.add(
        f"{INGRESS_RULE}.r",
        after,
        unknown={"security_group_id": True, unknown: True},
        security_group_id=refers("aws_security_group.web.id"),
    )
    (rule,) = load(plan.json()).groups["aws_security_group.web"].ingress
    assert (rule.protocol, rule.from_port, rule.to_port) == service
    assert rule.peer == UnknownPeer(f"{INGRESS_RULE}.r.{unknown}", 4)


def test_interfaces_with_unknown_addresses_are_noted_and_own_nothing(load) -> None:
    """A reference to their group is unresolved beyond what is known; strict loading does not refuse them."""
    plan = web()
    plan.add(
        "aws_instance.a",
        {},
        unknown={"private_ip": True, "vpc_security_group_ids": True},
        vpc_security_group_ids=refers("aws_security_group.web.id"),
    )
    rule = {"security_group_id": True, "referenced_security_group_id": True}
    plan.add(
        f"{INGRESS_RULE}.r",
        RULE,
        unknown=rule,
        security_group_id=refers("aws_security_group.web.id"),
        referenced_security_group_id=refers("aws_security_group.web.id"),
    )
    topology = load(plan.json(), strict=True)
    assert topology.interfaces["aws_instance.a"].addresses == ()
    assert peers(topology, "aws_security_group.web") == [
        GroupReference("aws_security_group.web"),
        UnknownPeer("aws_security_group.web"),
    ]
    assert topology.groups["aws_security_group.web"].ingress[1].rule_id == f"{INGRESS_RULE}.r/unknown"
    warned(topology, "addresses that are known only after apply: aws_instance.a: no packet is theirs")


def test_what_is_unknown_is_refused_when_loading_is_strict(load, refused) -> None:
    """Each unresolved value is a doubt."""
    line = refused(web(ingress=refers("aws_instance.a.private_ip")).json(), strict=True)
    assert line.startswith("snapshot.json: aws_security_group.web.ingress: is known only after apply")


def test_inline_rules_and_rule_resources_of_one_group(load) -> None:
    """They overwrite each other: a warning. Terraform itself does not tell."""
    plan = Plan()
    inline = GROUP | {"ingress": [permission("tcp", 22, 22, cidr_blocks=["10.0.0.0/8"])]}
    plan.add("aws_security_group.web", inline, unknown={"egress": True}, ingress={"constant_value": []})
    plan.add(
        f"{INGRESS_RULE}.r",
        RULE | {"cidr_ipv4": "10.0.0.0/8"},
        unknown={"security_group_id": True},
        security_group_id=refers("aws_security_group.web.id"),
    )
    topology = load(plan.json())
    assert len(topology.groups["aws_security_group.web"].ingress) == 2
    warned(topology, "ingress rules of its own and others that are resources: they overwrite each other")


# --- both sides -----------------------------------------------------------------------------------------------------


def changing() -> Plan:
    """A group that is narrowed, an instance that goes, a group that comes."""
    plan = Plan()
    plan.add("aws_security_group.web", LIVE | {"ingress": []}, before=LIVE, ingress={"constant_value": []})
    plan.add("aws_security_group.new", GROUP, unknown=NEW)
    live = {"id": "i-1", "primary_network_interface_id": "eni-1", "private_ip": "10.0.0.4"}
    plan.add("aws_instance.old", None, before=live | {"vpc_security_group_ids": ["sg-1"]})
    return plan


def test_a_plan_has_two_sides(load) -> None:
    """After: created resources are there and destroyed ones gone; before, the other way round."""
    after, before = load(changing().json()), load(changing().json(), plan_before=True)
    assert list(after.groups) == ["sg-1", "aws_security_group.new"]
    assert after.groups["sg-1"].ingress == ()
    assert list(after.interfaces) == []
    assert list(before.groups) == ["sg-1"]
    assert [rule.rule_id for rule in before.groups["sg-1"].ingress] == ["sg-1/ingress/0"]
    assert list(before.interfaces) == ["eni-1"]


def test_the_side_before_is_there_without_a_prior_state(load) -> None:
    """Plans that were cut down to their changes still say what they change."""
    plan = changing().json()
    del plan["prior_state"]
    assert list(load(plan, plan_before=True).groups) == ["sg-1"]
    del plan["planned_values"]
    assert list(load(plan).groups) == ["sg-1", "aws_security_group.new"]


def test_a_plan_without_its_changes_knows_what_it_shows(load) -> None:
    """``planned_values`` leaves out what is not known: an attribute that is not there is no empty one."""
    plan = changing().json()
    del plan["resource_changes"], plan["prior_state"], plan["configuration"]
    topology = load(plan)
    assert peers(topology, "sg-1") == []
    assert peers(topology, "aws_security_group.new") == [UnknownPeer("aws_security_group.new.ingress")]


def test_only_a_plan_has_a_side_before(load, refused) -> None:
    """An error for states, scenarios and describe output."""
    from tests.sources.terraforming import state

    for content in (state({"aws_security_group.web": LIVE}), "security_groups: {}", {"SecurityGroups": []}):
        assert "no Terraform plan" in refused(content, plan_before=True)


def test_a_replaced_group_goes_by_its_address(load) -> None:
    """Its old id is gone; what refers to it has the new one."""
    plan = Plan()
    plan.add(
        "aws_security_group.web",
        GROUP | {"ingress": [], "egress": []},
        before=LIVE,
        unknown={"id": True},
        actions=["delete", "create"],
    )
    live = {"id": "eni-1", "private_ip": "10.0.0.4", "interface_type": "interface"}
    after = {"id": "eni-1", "private_ip": "10.0.0.4", "interface_type": "interface"}
    plan.add(
        "aws_network_interface.e",
        after,
        before=live | {"security_groups": ["sg-1"]},
        unknown={"security_groups": True},
        security_groups=refers("aws_security_group.web.id"),
    )
    topology = load(plan.json())
    assert list(topology.groups) == ["aws_security_group.web"]
    assert topology.interfaces["eni-1"].group_ids == ("aws_security_group.web",)
    assert load(plan.json(), plan_before=True).interfaces["eni-1"].group_ids == ("sg-1",)


def test_what_other_resources_put_into_a_group_goes_with_them(load) -> None:
    """A group without blocks lists, as computed, the rules of rule resources as they were: those that the plan removes
    or changes are not there after it."""
    listed = [permission("tcp", port, port, cidr_blocks=["10.0.0.0/8"]) for port in (1, 2, 3)]
    live = GROUP | {"id": "sg-1", "ingress": listed, "egress": []}
    rule = {"security_group_id": "sg-1", "ip_protocol": "tcp", "cidr_ipv4": "10.0.0.0/8"}
    gone, kept = rule | {"from_port": 1, "to_port": 1}, rule | {"from_port": 3, "to_port": 3}
    plan = Plan()
    plan.add("aws_security_group.web", live, before=live)
    plan.add(f"{INGRESS_RULE}.gone", None, before=gone)
    plan.add(
        f"{INGRESS_RULE}.moved", rule | {"from_port": 9, "to_port": 9}, before=rule | {"from_port": 2, "to_port": 2}
    )
    plan.add(f"{INGRESS_RULE}.kept", kept, before=kept)
    ports = [each.from_port for each in load(plan.json()).groups["sg-1"].ingress]
    assert ports == [9, 3]
    before = load(plan.json(), plan_before=True).groups["sg-1"].ingress
    assert [(each.from_port, each.rule_id) for each in before] == [
        (1, f"{INGRESS_RULE}.gone"),
        (2, f"{INGRESS_RULE}.moved"),
        (3, f"{INGRESS_RULE}.kept"),
    ]


def test_entries_and_group_attachments_go_with_their_resources(load) -> None:
    """As rules do: prefix list entries and groups of interfaces that resources of their own had added."""
    plan = Plan()
    live = {"id": "pl-1", "address_family": "IPv4", "entry": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.1.0.0/16"}]}
    plan.add("aws_ec2_managed_prefix_list.l", live, before=live)
    plan.add("aws_ec2_managed_prefix_list_entry.e", None, before={"prefix_list_id": "pl-1", "cidr": "10.1.0.0/16"})
    plan.add("aws_security_group.web", LIVE, before=LIVE)
    instance = {"id": "i-1", "primary_network_interface_id": "eni-1", "private_ip": "10.0.0.4"}
    instance |= {"vpc_security_group_ids": ["sg-1", "sg-2"]}
    plan.add("aws_instance.w", instance, before=instance)
    attached = {"network_interface_id": "eni-1", "security_group_id": "sg-2"}
    plan.add("aws_network_interface_sg_attachment.a", None, before=attached)
    topology = load(plan.json())
    assert topology.prefix_lists["pl-1"].entries == (IPv4Network("10.0.0.0/8"),)
    assert topology.interfaces["eni-1"].group_ids == ("sg-1",)
    assert load(plan.json(), plan_before=True).interfaces["eni-1"].group_ids == ("sg-1", "sg-2")


def test_what_a_plan_does_not_touch_or_only_forgets_stays(load) -> None:
    """-target leaves resources out; ``removed`` blocks take them out of the state and not out of AWS."""
    plan = Plan()
    plan.prior["aws_security_group.untouched"] = LIVE | {"id": "sg-2"}
    plan.add("aws_security_group.forgotten", None, before=LIVE, actions=["forget"])
    assert list(load(plan.json()).groups) == ["sg-1", "sg-2"]


def test_deposed_objects_are_there_before(load) -> None:
    """The old object of a replacement that failed half-way is destroyed by the plan."""
    plan = Plan()
    plan.add("aws_security_group.web", LIVE, before=LIVE)
    plan.changes.append(
        plan.changes[0]
        | {
            "deposed": "a1",
            "change": {"actions": ["delete"], "after": None, "before": LIVE | {"id": "sg-old"}, "after_unknown": {}},
        }
    )
    assert list(load(plan.json()).groups) == ["sg-1"]
    assert list(load(plan.json(), plan_before=True).groups) == ["sg-1", "sg-old"]


def test_a_moved_resource_is_there_once(load) -> None:
    """Under its old address in the state, under its new one in the changes."""
    plan = Plan()
    plan.add("aws_security_group.new", LIVE, before=LIVE)
    plan.changes[0]["previous_address"] = "aws_security_group.old"
    plan.prior = {"aws_security_group.old": LIVE}
    for before in (False, True):
        assert list(load(plan.json(), plan_before=before).groups) == ["sg-1"]
        assert not load(plan.json(), plan_before=before).warnings


def test_an_incomplete_plan_is_doubtful(load) -> None:
    """One of a run that failed, one that defers resources."""
    plan = changing().json() | {"errored": True}
    plan["deferred_changes"] = [{"reason": "x", "resource_change": {"address": "aws_security_group.later"}}]
    topology = load(plan)
    warned(topology, "is the plan of a run that failed")
    warned(topology, "aws_security_group.later: is deferred")


# --- what Terraform did not write ---


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda plan: plan.update(resource_changes={}), "resource_changes: an object where a list belongs"),
        (lambda plan: plan["resource_changes"][0].pop("address"), "resource_changes[0].address: is missing"),
        (lambda plan: plan["resource_changes"][0].pop("type"), "resource_changes[0].type: is missing"),
        (lambda plan: plan["resource_changes"][0].update(change=[]), "change: a list where an object belongs"),
        (lambda plan: plan["resource_changes"][0]["change"].update(after=7), "change.after: 7 where an object belongs"),
        (lambda plan: plan.update(configuration=[]), "configuration: a list where an object belongs"),
        (lambda plan: plan["configuration"]["root_module"].update(resources=1), "resources: 1 where a list belongs"),
        (lambda plan: plan.update(errored="maybe"), "errored: 'maybe' where true or false belongs"),
    ],
)
def test_malformed_plans_are_refused_in_one_line(refused, spoil, message) -> None:
    """With the place."""
    plan = web(ingress=refers("var.x")).json()
    spoil(plan)
    assert message in refused(plan)


def test_nesting_without_end_is_refused(refused) -> None:
    """In the values of a resource, and in the JSON itself."""
    plan = web().json()
    deep: object = True
    for _ in range(200):
        deep = [deep]
    plan["resource_changes"][0]["change"]["after_unknown"]["ingress"] = deep
    assert "is nested too deeply to be a resource" in refused(plan)


def test_ipv6_only_rules_and_all_ports_of_unknown_icmp(load) -> None:
    """Ports of icmp that are not known are all types."""
    plan = web()
    plan.add(
        f"{INGRESS_RULE}.r",
        {"ip_protocol": "icmpv6", "cidr_ipv6": "::/0"},
        unknown={"security_group_id": True, "from_port": True, "to_port": True},
        security_group_id=refers("aws_security_group.web.id"),
    )
    (rule,) = load(plan.json()).groups["aws_security_group.web"].ingress
    assert (rule.protocol, rule.from_port, rule.to_port) == (58, -1, -1)
    assert rule.peer == UnknownPeer(f"{INGRESS_RULE}.r.from_port", 6)
    assert IPv6Network("::/0") not in peers(load(plan.json()), "aws_security_group.web")


def test_a_cloud_is_not_made_of_what_is_not_known(tmp_path) -> None:
    """The control plane holds rules that exist: one of a plan that is known only after apply is refused."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(web(ingress=refers("aws_instance.a.private_ip")).json()))
    with pytest.raises(InputError, match=r"aws_security_group\.web\.ingress: is not known before it is applied"):
        load_store(path, Caller("123456789012", "eu-west-1"))
    path.write_text(json.dumps(web().json()))
    assert list(load_store(path, Caller("123456789012", "eu-west-1")).groups) == ["aws_security_group.web"]
