"""Replays with changes: nothing but the speed depends on threads and batch sizes, and the plain judge agrees."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sgsim.captures import open_capture
from sgsim.captures.batch import BATCH
from sgsim.errors import CaptureError
from sgsim.model import Address, Topology, UnknownPeer
from tests.differential.compare import copied
from tests.differential.test_captures import captures
from tests.differential.test_jobs import Cut, hosts_of, results, same
from tests.differential.worlds import peer_of, service_of, settings_of, topology_of

MOST = 250  # packets of a capture
CHANGES = 12
EVERY = 4  # of so many captures one is replayed

MUCH: tuple[dict[str, Any], ...] = (
    {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    {"IpRanges": [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]},
    {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
)

Random = random.Random
Hosts = Sequence[Address]
Call = tuple[str, dict[str, Any]]


def permission_of(rng: Random, hosts: Hosts, topology: Topology) -> dict[str, Any]:
    """A random IpPermission, often one that admits much; some are none that EC2 takes."""
    if rng.random() < 0.4:
        return {"IpProtocol": "-1", **rng.choice(MUCH)}
    protocol, first, last = service_of(rng)
    found: dict[str, Any] = {"IpProtocol": str(protocol)}
    if first is not None:
        found |= {"FromPort": first, "ToPort": last}
    peer = peer_of(rng, hosts, [*topology.groups])
    match getattr(peer, "version", None):
        case 4:
            found["IpRanges"] = [{"CidrIp": str(peer)}]
        case 6:
            found["Ipv6Ranges"] = [{"CidrIpv6": str(peer)}]
        case _ if isinstance(peer, UnknownPeer):
            found["PrefixListIds"] = [{"PrefixListId": "pl-0"}]
        case _ if hasattr(peer, "group_id"):
            found["UserIdGroupPairs"] = [{"GroupId": peer.group_id}]
        case _:
            found["PrefixListIds"] = [{"PrefixListId": peer.prefix_list_id}]
    return found


def call_of(rng: Random, hosts: Hosts, topology: Topology) -> Call:
    """A random call about something in the topology; mostly one that matters."""
    way = rng.choice(("Ingress", "Egress"))
    group = rng.choice([*topology.groups.values()])
    rules = group.ingress if way == "Ingress" else group.egress
    interface = rng.choice([*topology.interfaces])
    match rng.randrange(9):
        case 0 | 1 if rules:
            ids = [rule.rule_id for rule in rng.sample(rules, rng.choice((1, len(rules))))]
            return f"RevokeSecurityGroup{way}", {"GroupId": group.group_id, "SecurityGroupRuleIds": ids}
        case 2:
            ids = rng.sample([*topology.groups], rng.randrange(1, len(topology.groups) + 1))
            return "ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": interface, "Groups": ids}
        case 3 if rules:
            rule = rng.choice(rules)
            spec = {"IpProtocol": "-1", "CidrIpv4": rng.choice(("0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24"))}
            changed = [{"SecurityGroupRuleId": rule.rule_id, "SecurityGroupRule": spec}]
            return "ModifySecurityGroupRules", {"GroupId": group.group_id, "SecurityGroupRules": changed}
        case 4:
            return "DeleteNetworkInterface", {"NetworkInterfaceId": interface}
        case 5:
            tracking = {"UdpTimeout": rng.choice((30, 60, 10))}
            params = {"NetworkInterfaceId": interface, "ConnectionTrackingSpecification": tracking}
            return "ModifyNetworkInterfaceAttribute", params
        case 6:
            entry = [{"Cidr": f"{rng.choice((10, 172, 192))}.0.0.0/8"}]
            lists = [*topology.prefix_lists] or ["pl-9"]
            return "ModifyManagedPrefixList", {
                "PrefixListId": rng.choice(lists),
                "AddEntries": entry,
                "CurrentVersion": 1,
            }
    permissions = [permission_of(rng, hosts, topology) for _ in range(rng.choice((1, 1, 2)))]
    return f"AuthorizeSecurityGroup{way}", {"GroupId": group.group_id, "IpPermissions": permissions}


def times_of(path: Path) -> list[int]:
    """The times of a capture's first packets, in nanoseconds."""
    times: list[int] = []
    try:
        with open_capture(str(path)) as capture:
            for batch in Cut(capture, BATCH, MOST).batches():
                times += copied(batch.columns).time_ns.tolist()
    except CaptureError:
        pass
    return times


def changes_of(rng: Random, hosts: Hosts, topology: Topology, times: list[int]) -> list[dict[str, Any]]:
    """Changes at, between and around the packets' times, some at the same one."""
    found = []
    for _ in range(rng.randrange(1, CHANGES)):
        call, params = call_of(rng, hosts, topology)
        between = rng.choice(times[: len(times) // 2]), rng.choice(times), rng.randint(min(times), max(times))
        at = rng.choice((*between, times[0] - 1, max(times) + 1))
        found.append({"at": f"{max(at, 0)}ns", "call": call, "params": params})
    return found


def test_changes_take_effect_alike(data, tmp_path):
    """Observations, summary and written packets of captures, with random changes in the middle."""
    judged, applied, refused, effects = 0, 0, 0, 0
    for path in captures(data)[::EVERY]:
        hosts, times = hosts_of(path), times_of(path)
        if not hosts or len(times) < 3:
            continue
        rng = random.Random(zlib.crc32(path.name.encode()))
        topology, settings = topology_of(rng, hosts), settings_of(rng)
        file = tmp_path / "changes.json"
        file.write_text(json.dumps(changes_of(rng, hosts, topology, times)))
        ask = partial(results, topology, [path], tmp_path / "results", settings=settings, most=MOST, changes=[file])
        expected = ask(jobs=1, size=BATCH)
        for jobs, size, engine in ((1, BATCH, "reference"), (2, 7, "fast"), (5, 50, "fast"), (3, BATCH, "fast")):
            found = ask(jobs=jobs, size=size, engine=engine)
            assert same(found, expected), f"{path}: --jobs {jobs}, batches of {size}, {engine}"
        judged += 1
        for change in expected["summary"]["changes"]:  # type: ignore[index]
            applied += change["applied"]
            refused += change["error"] is not None
            numbers = (change["effect"] or {}).values()
            effects += any(number["packets"] for number in numbers)
    assert judged > 80
    assert min(applied, refused) > judged
    assert effects > 3
