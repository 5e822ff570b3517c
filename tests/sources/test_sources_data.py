"""Real describe output: batfish's folders, the AWS CLI's examples, Cloud Custodian's recorded replies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sgsim.errors import InputError
from sgsim.model import Topology
from sgsim.sources import load_topology
from sgsim.sources.recognise import DESCRIBE_KEYS

#: What is refused, and why AWS could not have produced it: file -> (part of the error, reason).
REFUSED_FILES = {
    "aws-cli-examples/authorize-security-group-ingress-03.json": (
        "SecurityGroupRules[1]: port -1 is not in 0 to 65535",
        "a slip of the documentation: the command above it authorizes icmp, and AWS refuses tcp with port -1",
    ),
    "batfish/representation/aws/SecurityGroupTest.json": (
        "SecurityGroups[10]: sg-0de0ddfa8a5a12348 has other content than in SecurityGroups[9]",
        "made up for a unit test: three groups of one id, tcp ports -1 to 50, an ICMP code without a type",
    ),
}
REFUSED_FOLDERS = {
    "batfish/representation/aws/test/aws_configs": (
        "eni-d2b094fc has the security group sg-331ad04e, not in the snapshot",
        "trimmed by hand: AWS keeps a group as long as an interface has it",
    ),
    "batfish/representation/aws/test-direct-connect-gateway-multi-region/aws_configs": (
        "holds no describe output that sgsim can use",
        "gateways only",
    ),
    "batfish/representation/aws/test-vpn-gateway/aws_configs": (
        "holds no describe output that sgsim can use",
        "gateways only",
    ),
    "batfish/tests/parsing-tests/networks/unit-tests/aws_configs": (
        "holds no describe output that sgsim can use",
        "gateways only",
    ),
}


def describe_replies(root: Path) -> dict[str, dict[str, Any]]:
    """All replies with a key that sgsim reads, by path below ``root``, out of the recorder's envelope."""
    found = {}
    for path in sorted(root.rglob("*.json")):
        try:
            content = json.loads(path.read_bytes())
        except ValueError:
            continue  # a template or a plan, not describe output
        if isinstance(content, dict) and {"status_code", "data"} <= content.keys():
            content = content["data"]
        if isinstance(content, dict) and DESCRIBE_KEYS & content.keys():
            found[path.relative_to(root).as_posix()] = content
    return found


def outcome(path: Path) -> Topology | str:
    try:
        return load_topology(path)
    except InputError as error:
        return str(error)


def test_every_describe_reply_loads(data: Path, tmp_path: Path) -> None:
    """Each reply by itself makes a topology with everything that it lists, but for the ones in the table."""
    replies = describe_replies(data / "aws")
    assert len(replies) > 200
    refused = {}
    for name, reply in replies.items():
        path = tmp_path / Path(name).name
        path.write_text(json.dumps(reply))
        found = outcome(path)
        if isinstance(found, str):
            refused[name] = found
        else:
            assert_complete(reply, found)
    assert refused.keys() == REFUSED_FILES.keys()
    for name, (expected, _) in REFUSED_FILES.items():
        assert expected in refused[name]


def assert_complete(reply: dict[str, Any], topology: Topology) -> None:
    """Every record of the reply is in the topology, and every peer of a group's permissions is a rule."""
    assert len(topology.groups) >= len({group["GroupId"] for group in reply.get("SecurityGroups", ())})
    for key, found in (
        ("NetworkInterfaces", topology.interfaces),
        ("Vpcs", topology.vpcs),
        ("Subnets", topology.subnets),
    ):
        assert len(found) >= len(reply.get(key, ()))
    for group in reply.get("SecurityGroups", ()):
        for key, rules in (
            ("IpPermissions", topology.groups[group["GroupId"]].ingress),
            ("IpPermissionsEgress", topology.groups[group["GroupId"]].egress),
        ):
            kinds = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
            assert len(rules) == sum(len(entry.get(kind, ())) for entry in group.get(key, ()) for kind in kinds)


def test_every_batfish_folder_loads(data: Path) -> None:
    """Each folder of configurations is one snapshot, whatever its files are called, but for the ones in the table."""
    root = data / "aws"
    folders = sorted(path for path in (root / "batfish").rglob("aws_configs") if path.is_dir())
    assert len(folders) > 15
    results = {folder.relative_to(root).as_posix(): outcome(folder) for folder in folders}
    refused = {name: line for name, line in results.items() if isinstance(line, str)}
    assert refused.keys() == REFUSED_FOLDERS.keys()
    for name, (expected, _) in REFUSED_FOLDERS.items():
        assert expected in refused[name]
    hybrid = results["batfish/networks/hybrid-cloud-aws/aws_configs"]
    assert isinstance(hybrid, Topology)
    assert len(hybrid.groups) == 11
    assert any("sg-cf3f86b3 is not in the snapshot" in warning for warning in hybrid.warnings)
