"""``sgsim replay --changes``: the effect of each change on records and summary, and how changes are told."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from scapy.layers.inet import IP, TCP, UDP
from story import Story

SCENARIO = """
security_groups:
  web: {ingress: [tcp 443 from 10.0.0.0/8, tcp 8443 from 0.0.0.0/0], egress: [all to 0.0.0.0/0]}
  db: {ingress: [tcp 5432 from web], egress: []}
vpcs: {main: 10.0.0.0/16}
subnets: {a: {cidr: 10.0.1.0/24, vpc: main}}
interfaces:
  web-1: {addresses: [10.0.1.10], groups: [web], subnet: a}
  db-1: {addresses: [10.0.1.20], groups: [db], subnet: a}
"""
START = 1_700_000_000
CLIENT = "10.0.9.9"


def syn(client: str, server: str, port: int, to: int) -> Any:
    return IP(src=client, dst=server) / TCP(sport=port, dport=to, flags="S")


def ack(client: str, server: str, port: int, to: int) -> Any:
    return IP(src=client, dst=server) / TCP(sport=port, dport=to, flags="A") / b"data"


@pytest.fixture
def replayed(sgsim, tmp_path) -> Callable[..., dict[str, Any]]:
    """Replays packets, one a second from START on, with changes; gives the summary, and the records under "records"."""

    def run(packets: list[Any], changes: Any, *options: object, scenario: str = SCENARIO) -> dict[str, Any]:
        (tmp_path / "s.yaml").write_text(scenario)
        (tmp_path / "c.yaml").write_text(changes if isinstance(changes, str) else json.dumps(changes))
        capture = Story(START - 1).add(*packets, after=1).save(tmp_path / "c.pcap")
        records = tmp_path / "o.ndjson"
        files = ("--changes", tmp_path / "c.yaml", "--json", "-o", records)
        ended = sgsim("replay", tmp_path / "s.yaml", capture, *files, *options)
        assert ended.code == 0, ended.err
        summary: dict[str, Any] = json.loads(ended.out)
        summary["records"] = [json.loads(line) for line in records.read_text().splitlines()]
        summary["err"] = ended.err
        return summary

    return run


def said(summary: dict[str, Any], eni: str = "web-1") -> list[str]:
    """Reason and rule of the observations at one interface."""
    return [f"{r['reason']} {r['rule'] or ''}".strip() for r in summary["records"] if r["eni"] == eni]


def revoke(at: str, group: str = "web", rule: str = "web/ingress/0") -> dict[str, Any]:
    params = {"GroupId": group, "SecurityGroupRuleIds": [rule]}
    return {"at": at, "call": "RevokeSecurityGroupIngress", "params": params}


def authorize(at: str, port: int, cidr: str, group: str = "web") -> dict[str, Any]:
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}
    params = {"GroupId": group, "IpPermissions": [permission]}
    return {"at": at, "call": "AuthorizeSecurityGroupIngress", "params": params}


def effect(*numbers: int) -> dict[str, Any]:
    admitted, dropped = numbers[:2], numbers[2:]
    return {
        "admitted": dict(zip(("flows", "packets"), admitted, strict=True)),
        "dropped": dict(zip(("flows", "packets"), dropped, strict=True)),
    }


def test_a_rule_is_revoked(replayed) -> None:
    """A tracked connection goes on, a new one is dropped; the packet at the very time sees the change."""
    packets = [
        syn(CLIENT, "10.0.1.10", 1, 443),
        syn(CLIENT, "10.0.1.10", 2, 443),
        ack(CLIENT, "10.0.1.10", 1, 443),
        syn(CLIENT, "10.0.1.10", 3, 443),
        syn(CLIENT, "10.0.1.10", 3, 443),
    ]
    summary = replayed(packets, [revoke("+1s")])
    assert said(summary) == ["rule web/ingress/0", "no_rule", "tracked web/ingress/0", "no_rule", "no_rule"]
    (change,) = summary["changes"]
    place = change.pop("place")
    assert place.endswith("c.yaml: [0]")
    assert change == {
        "at_ns": (START + 1) * 10**9,
        "call": "RevokeSecurityGroupIngress",
        "took_effect": {"capture": summary["captures"][0], "packet": 2, "time_ns": (START + 1) * 10**9},
        "applied": True,
        "error": None,
        "effect": effect(0, 0, 2, 3),
    }
    (rule,) = (each for each in summary["rules"] if each["rule"] == "web/ingress/0")
    assert (rule["flows"], rule["packets"]) == (1, 2)  # revoked, it stays listed


def test_a_rule_is_authorised(replayed) -> None:
    """It is credited and stands behind the snapshot's rules; packets that the old rules admitted are no effect."""
    packets = [syn(CLIENT, "10.0.1.10", n, to) for n in range(2) for to in (22, 443, 22)]
    summary = replayed(packets, [authorize("+2.5s", 22, "10.0.0.0/8")])
    new = summary["rules"][-1]
    assert new["rule"].startswith("sgr-")
    assert (new["group"], new["direction"], new["flows"], new["packets"]) == ("web", "ingress", 1, 2)
    assert said(summary)[3:] == [f"rule {new['rule']}", "rule web/ingress/0", f"tracked {new['rule']}"]
    assert summary["changes"][0]["effect"] == effect(1, 1, 0, 0)


def test_an_untracked_flow_is_judged_by_the_new_rules_at_once(replayed) -> None:
    """Each of its packets counts, of one flow."""
    packets = [syn(CLIENT, "10.0.1.10", 1, 8443), *[ack(CLIENT, "10.0.1.10", 1, 8443) for _ in range(4)]]
    summary = replayed(packets, [revoke("+2s", rule="web/ingress/1")])
    assert said(summary) == ["rule web/ingress/1"] * 2 + ["no_rule"] * 3
    assert summary["changes"][0]["effect"] == effect(0, 0, 1, 3)


def test_effects_end_with_the_next_change(replayed) -> None:
    """Each change has what was decided otherwise till the next one of the interface; others end nothing."""
    packets = [syn(CLIENT, "10.0.1.10", n, 443) for n in range(6)]
    spare = {"at": "+1.5s", "call": "CreateSecurityGroup", "params": {"GroupName": "spare", "Description": "d"}}
    changes = [revoke("+1s"), spare, authorize("+3s", 443, "10.0.9.0/24"), revoke("+5s", rule="web/ingress/1")]
    summary = replayed(
        packets, changes, scenario=SCENARIO.replace("vpcs: {main: 10.0.0.0/16}", "").replace(", vpc: main", "")
    )
    assert [each["effect"] for each in summary["changes"]] == [
        effect(0, 0, 2, 2),
        effect(0, 0, 0, 0),
        effect(2, 2, 0, 0),
        effect(0, 0, 0, 0),
    ]


def test_changes_at_one_packet_are_told_with_the_last(replayed) -> None:
    """A rule that is replaced by a wider one at the same time has no effect on what both admit."""
    packets = [
        syn(CLIENT, "10.0.1.10", 1, 443),
        syn(CLIENT, "10.0.1.10", 2, 443),
        syn("192.0.2.1", "10.0.1.10", 3, 443),
    ]
    summary = replayed(packets, [revoke("+0.2s"), authorize("+0.4s", 443, "0.0.0.0/0")])
    first, second = summary["changes"]
    assert first["applied"] is second["applied"] is True
    assert (first["effect"], second["effect"]) == (None, effect(1, 1, 0, 0))
    assert first["took_effect"] == second["took_effect"]
    assert first["took_effect"]["packet"] == 2


def test_groups_of_an_interface_are_replaced(replayed) -> None:
    """The rules of both groups are listed, of the one that it had and of the one that it has."""
    packets = [syn(CLIENT, "10.0.1.20", n, 443) for n in range(2)]
    modify = {"at": "+1s", "call": "ModifyNetworkInterfaceAttribute"}
    summary = replayed(
        packets, [modify | {"params": {"NetworkInterfaceId": "db-1", "Groups": ["web"]}}], "--eni", "db-1"
    )
    assert said(summary, "db-1") == ["no_rule", "rule web/ingress/0"]
    assert Counter(rule["group"] for rule in summary["rules"]) == {"db": 1, "web": 3}
    assert summary["changes"][0]["effect"] == effect(1, 1, 0, 0)


def test_an_interface_comes_and_goes(replayed) -> None:
    """It is guarded if all are, or if its VPC is selected; its packets are nobody's before and after."""
    create = {
        "at": "+1s",
        "call": "CreateNetworkInterface",
        "params": {"SubnetId": "a", "Groups": ["web"], "PrivateIpAddress": "10.0.1.30"},
        "answer": {"NetworkInterface": {"NetworkInterfaceId": "eni-new"}},
    }
    delete = {"at": "+3s", "call": "DeleteNetworkInterface", "params": {"NetworkInterfaceId": "eni-new"}}
    packets = [syn(CLIENT, "10.0.1.30", n, to) for n, to in enumerate((443, 443, 22, 443))]
    for options in ((), ("--vpc-id", "main")):
        summary = replayed(packets, [create, delete], *options)
        assert summary["changes"][0]["error"] is None, summary["changes"][0]
        assert said(summary, "eni-new") == ["rule web/ingress/0", "no_rule"]
        assert summary["skipped"]["no_interface"] == 2
        assert summary["by_interface"][-2:] == [
            {"eni": "eni-new", "direction": "ingress", "allowed": 1, "dropped": 1},
            {"eni": "eni-new", "direction": "egress", "allowed": 0, "dropped": 0},
        ]
    assert said(replayed(packets, [create, delete], "--eni", "web-1"), "eni-new") == []
    scenario = SCENARIO.replace("main: 10.0.0.0/16", "main: 10.0.0.0/16, other: 10.0.0.0/16")
    scenario = scenario.replace("subnets: {", "subnets: {b: {cidr: 10.0.1.0/24, vpc: other}, ")
    for name in ("web", "db"):
        scenario = scenario.replace(f"  {name}: {{", f"  {name}: {{vpc: main, ")
    scenario = scenario.replace("security_groups:", "security_groups:\n  far: {vpc: other, ingress: [all from any]}")
    create["params"] |= {"SubnetId": "b", "Groups": ["far"]}
    summary = replayed(packets, [create, delete], "--vpc-id", "main", scenario=scenario)
    assert [change["error"] for change in summary["changes"]] == [None, None]
    assert said(summary, "eni-new") == []


def test_an_address_that_stands_for_an_interface(replayed) -> None:
    """--map follows the interface to its new primary address; when it is gone, its address is nobody's."""
    delete = {"at": "+2s", "call": "DeleteNetworkInterface", "params": {"NetworkInterfaceId": "eni-1"}}
    create = {
        "at": "+1s",
        "call": "CreateNetworkInterface",
        "params": {"SubnetId": "a", "Groups": ["web"], "PrivateIpAddress": "10.0.1.50"},
        "answer": {"NetworkInterface": {"NetworkInterfaceId": "eni-1"}},
    }
    scenario = SCENARIO.replace("web-1", "eni-1")
    packets = [syn(CLIENT, "54.1.2.3", n, 443) for n in range(3)]
    summary = replayed(packets, [delete | {"at": "+1s"}, create, delete], "--map", "54.1.2.3=eni-1", scenario=scenario)
    assert [(record["dst"], record["reason"]) for record in summary["records"]] == [
        ("10.0.1.10", "rule"),
        ("10.0.1.50", "rule"),
    ]
    assert summary["skipped"]["no_interface"] == 1
    assert [change["error"] for change in summary["changes"]] == [None] * 3


def test_what_is_refused_is_listed_and_warned_of(replayed, sgsim, tmp_path) -> None:
    """With EC2's code and message; strictly, it is an error."""
    delete = {"at": "+1s", "call": "DeleteSecurityGroup", "params": {"GroupId": "web"}}
    packets = [syn(CLIENT, "10.0.1.10", n, 443) for n in range(3)]
    summary = replayed(packets, [delete])
    (change,) = summary["changes"]
    assert change["applied"] is False
    assert change["error"] == {"code": "DependencyViolation", "message": "resource web has a dependent object"}
    assert (change["effect"], change["took_effect"]["packet"]) == (None, 2)
    line = "c.yaml: [0]: DeleteSecurityGroup is refused: DependencyViolation: resource web has a dependent object"
    assert line in summary["warnings"][0]
    assert line in summary["err"]
    ended = sgsim("replay", tmp_path / "s.yaml", tmp_path / "c.pcap", "--changes", tmp_path / "c.yaml", "--strict")
    assert ended.code == 2
    assert line in ended.err


def test_mistakes_are_found_before_anything_is_judged(sgsim, scenario, capture, tmp_path) -> None:
    """One line that names file, place and remedy."""
    path = tmp_path / "c.yaml"
    path.write_text("- {at: +1s, call: RevokeSecurityGroupIngres, params: {GroupId: web}}\n")
    ended = sgsim("replay", scenario, capture, "--changes", path)
    assert (ended.code, ended.out) == (2, "")
    assert f"{path}: [0].call, line 1: 'RevokeSecurityGroupIngres' is no call that" in ended.err
    ended = sgsim("replay", scenario, capture, "--changes", tmp_path / "none.yaml")
    assert ended.err == f"sgsim: error: {tmp_path}/none.yaml: No such file or directory\n"
    path.write_text("[]")
    ended = sgsim("replay", scenario, capture, "--changes", path, "-o", path)
    assert ended.code == 2
    assert "it is the input" in ended.err or "unknown ending" in ended.err


def test_two_files_of_changes(replayed, sgsim, tmp_path) -> None:
    """Both count; of one time, the first file's come first."""
    packets = [syn(CLIENT, "10.0.1.10", n, 443) for n in range(2)]
    replayed(packets, [])
    for number, name in enumerate("ab"):
        (tmp_path / f"{name}.yaml").write_text(json.dumps([authorize("+1s", 1000 + number, "0.0.0.0/0")]))
    files = [part for name in "ba" for part in ("--changes", tmp_path / f"{name}.yaml")]
    ended = sgsim("replay", tmp_path / "s.yaml", tmp_path / "c.pcap", "--json", *files)
    assert [Path(each["place"].split(":")[0]).name for each in json.loads(ended.out)["changes"]] == ["b.yaml", "a.yaml"]


def test_no_changes_change_nothing(replayed, sgsim, tmp_path) -> None:
    """An empty file gives the same records and summary as none."""
    packets = [syn(CLIENT, "10.0.1.10", n, to) for n, to in enumerate((443, 22, 5432))]
    with_none = replayed(packets, [])
    ended = sgsim("replay", tmp_path / "s.yaml", tmp_path / "c.pcap", "--json", "-o", tmp_path / "p.ndjson")
    without = json.loads(ended.out)
    assert (tmp_path / "p.ndjson").read_text() == (tmp_path / "o.ndjson").read_text()
    assert without["changes"] == []
    for key in set(without) - {"seconds", "packets_per_second"}:
        assert with_none[key] == without[key]


def test_stale_and_unresolved_are_those_of_the_end(replayed) -> None:
    """A rule for a prefix list that is deleted, which AWS refuses while the rule is there."""
    packets = [syn(CLIENT, "10.0.1.10", n, 443) for n in range(2)]
    scenario = SCENARIO.replace("tcp 8443 from 0.0.0.0/0", "tcp 22 from office") + "prefix_lists: {office: null}\n"
    summary = replayed(packets, [revoke("+1s", rule="web/ingress/1")], scenario=scenario)
    assert summary["unresolved"] == []
    assert replayed(packets, [], scenario=scenario)["unresolved"] == ["web/ingress/1"]


def trail(name: str, request: Any, response: Any, second: int) -> dict[str, Any]:
    return {
        "eventTime": f"2023-11-14T22:13:{20 + second}Z",  # START is 22:13:20
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-central-1",
        "userIdentity": {"accountId": "111122223333"},
        "requestParameters": request,
        "responseElements": response,
    }


def test_cloudtrails_events(replayed) -> None:
    """A group is made, gets a rule and an interface; other groups' events are passed over, and told in one line."""
    ssh = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22}
    permissions = {"items": [ssh | {"ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}]}}]}
    rules = {"items": [ssh | {"securityGroupRuleId": "sgr-0f", "cidrIpv4": "10.0.0.0/8"}]}
    group, rule_ids, groups = {"groupId": "sg-0f"}, {"items": ["sgr-0f"]}, {"items": [{"groupId": "sg-0f"}]}
    authorized = {"securityGroupRuleSet": rules}
    made = {"groupName": "n", "groupDescription": "d", "vpcId": "main"}
    records = [
        trail("AuthorizeSecurityGroupIngress", group | {"ipPermissions": permissions}, authorized, 1),
        trail("CreateSecurityGroup", made, group, 1),
        trail("ModifyNetworkInterfaceAttribute", {"networkInterfaceId": "web-1", "groupSet": groups}, None, 2),
        trail("DeleteSecurityGroup", {"groupId": "sg-0e"}, None, 2),
        trail("CreateVolume", {"size": "8"}, {"volumeId": "vol-1"}, 2),
        trail("RevokeSecurityGroupIngress", group | {"securityGroupRuleIds": rule_ids}, None, 4),
    ]
    packets = [syn(CLIENT, "10.0.1.10", n, 22) for n in range(5)]
    summary = replayed(packets, {"Records": records})
    assert [change["call"] for change in summary["changes"]] == [
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "ModifyNetworkInterfaceAttribute",
        "RevokeSecurityGroupIngress",
    ]
    assert [change["error"] for change in summary["changes"]] == [None] * 4
    assert said(summary) == ["no_rule", "no_rule", "rule sgr-0f", "rule sgr-0f", "no_rule"]
    assert summary["warnings"] == [
        "events of CloudTrail's passed over: 1 about what the snapshot does not hold, "
        "1 that change nothing of what is judged (CreateVolume 1)"
    ]


def test_reordered_packets_see_the_clocks_rules(replayed, sgsim, tmp_path) -> None:
    """A packet that comes late is judged at the time of the latest one before it."""
    replayed([syn(CLIENT, "10.0.1.10", 1, 443)], [revoke("+2s")])
    story = Story(START - 1)
    for number, time in enumerate((0, 3, 1)):
        story.add(syn(CLIENT, "10.0.1.10", number, 443))
        story.packets[-1].time = START + time
    capture = story.save(tmp_path / "late.pcap")
    ended = sgsim("replay", tmp_path / "s.yaml", capture, "--changes", tmp_path / "c.yaml", "--json")
    summary = json.loads(ended.out)
    assert (summary["reordered"], summary["dropped"]) == (1, 2)
    assert summary["changes"][0]["took_effect"]["packet"] == 2


def test_the_table_of_changes(sgsim, replayed, tmp_path) -> None:
    """What each did, in words."""
    packets = [syn(CLIENT, "10.0.1.10", n, 443) for n in range(4)]
    replayed(
        packets,
        [
            authorize("+1s", 80, "10.0.0.0/8"),
            revoke("+1.5s"),
            authorize("+2.2s", 22, "10.0.0.0/8"),
            authorize("+2.5s", 443, "10.0.9.9/32"),
            {"at": "+3s", "call": "DeleteSecurityGroup", "params": {"GroupId": "web"}},
            revoke("+1h", rule="web/ingress/1"),
        ],
    )
    ended = sgsim("replay", tmp_path / "s.yaml", tmp_path / "c.pcap", "--changes", tmp_path / "c.yaml")
    table = ended.out[ended.out.index("Changes\n") :].split("\n\n")[0]
    assert [" ".join(line.split()) for line in table.splitlines()[2:]] == [
        "2023-11-14 22:13:21.000 UTC AuthorizeSecurityGroupIngress web nothing that was seen",
        "2023-11-14 22:13:21.500 UTC RevokeSecurityGroupIngress web dropped 1 packet of 1 flow",
        "2023-11-14 22:13:22.200 UTC AuthorizeSecurityGroupIngress web told with a later one, at the same packet",
        "2023-11-14 22:13:22.500 UTC AuthorizeSecurityGroupIngress web admitted 1 packet of 1 flow",
        "2023-11-14 22:13:23.000 UTC DeleteSecurityGroup web refused: DependencyViolation",
        "2023-11-14 23:13:20.000 UTC RevokeSecurityGroupIngress web not reached: no packet came then or later",
    ]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_rules_and_interfaces_that_came_later_in_other_forms(replayed, sgsim, tmp_path, form) -> None:
    """Their names are in every form of the records."""
    packets = [syn(CLIENT, "10.0.1.10", n, to) for n in range(3) for to in (443, 22)]
    expected = replayed(packets, [authorize("+2s", 22, "10.0.0.0/8")])["records"]
    path = tmp_path / f"o.{form}"
    sgsim("replay", tmp_path / "s.yaml", tmp_path / "c.pcap", "--changes", tmp_path / "c.yaml", "-o", path)
    if form == "csv":
        found = [row["rule"] or None for row in csv.DictReader(path.read_text().splitlines())]
    else:
        found = parquet.read_table(path).column("rule").to_pylist()
    assert found == [record["rule"] for record in expected]
    assert any(rule and rule.startswith("sgr-") for rule in found)


def test_packets_that_belong_to_no_flow(replayed) -> None:
    """They are in the number of packets, and in no flow's."""
    error = IP(src=CLIENT, dst="10.0.1.10") / UDP(sport=9, dport=9)
    other = IP(src=CLIENT, dst="10.0.1.10", proto=1) / bytes([3, 1, 0, 0, 0, 0, 0, 0, *[0] * 8])
    permission = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    params = {"GroupId": "web", "IpPermissions": [permission]}
    change = {"at": "+1s", "call": "AuthorizeSecurityGroupIngress", "params": params}
    summary = replayed([error, error, other, other], [change])
    assert summary["changes"][0]["effect"] == effect(1, 3, 0, 0)
