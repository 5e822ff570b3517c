"""Templates of other projects: AWS's samples, widdix's, cfn-lint's and cfn_nag's fixtures."""

from __future__ import annotations

from pathlib import Path

from sgsim.errors import InputError
from sgsim.model import Topology
from sgsim.sources import load_topology

#: What is refused, and why: end of the path -> (part of the error, reason).
REFUSED = {
    "templates/bad/resources_circular_dependency.yaml": (
        "icmp needs a type (FromPort) and a code (ToPort)",
        "made to be wrong: AWS refuses icmp without a type",
    ),
    "templates/bad/functions_ref.yaml": (
        "icmp needs a type (FromPort) and a code (ToPort)",
        "made to be wrong: AWS refuses icmp without a type",
    ),
    "templates/bad/generic.yaml": (
        "Resources.lambdaMap2.Properties.SecurityGroupIngress[0]: a list where an object belongs",
        "made to be wrong: a list of the mapping where a rule belongs",
    ),
    "results/integration/formats_yaml.json": ("its top level is a list", "findings of the linter, no template"),
    "SapPrivateLink/SapPrivateLink.json": (
        "has no security group, interface or VPC among its resources",
        "an endpoint service behind a load balancer whose groups are made elsewhere",
    ),
    "SapPrivateLink/SapPrivateLinkNoHostedZone.json": (
        "has no security group, interface or VPC among its resources",
        "an endpoint service behind a load balancer whose groups are made elsewhere",
    ),
}


def outcomes(data: Path) -> dict[str, Topology | str]:
    root = data / "aws" / "cloudformation"
    found: dict[str, Topology | str] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        try:
            found[path.relative_to(root).as_posix()] = load_topology(path)
        except InputError as error:
            found[path.relative_to(root).as_posix()] = str(error)
    return found


def test_every_template_loads_or_is_in_the_table(data: Path) -> None:
    """One clear line for each that is refused."""
    results = outcomes(data)
    assert len(results) > 90
    refused = {name: line for name, line in results.items() if isinstance(line, str)}
    assert len(refused) == len(REFUSED)
    for end, (expected, _) in REFUSED.items():
        (line,) = [line for name, line in refused.items() if name.endswith(end)]
        assert expected in line
        assert "\n" not in line


def test_templates_hold_what_they_say(data: Path) -> None:
    """Most of them: groups, rules, interfaces; and nothing that is not known is taken for nothing."""
    loaded = [found for found in outcomes(data).values() if isinstance(found, Topology)]
    assert sum(len(topology.groups) for topology in loaded) > 150
    assert sum(len(topology.rules()) for topology in loaded) > 390
    assert sum(len(topology.interfaces) for topology in loaded) > 25
    assert all(len(set(topology.warnings)) == len(topology.warnings) for topology in loaded)


def test_a_real_template(data: Path) -> None:
    """widdix's client and database: a group that another stack exports, by the name that it is exported under."""
    database = load_topology(data / "aws/cloudformation/widdix+aws-cf-templates/state/rds-mysql.yaml")
    (group,) = database.groups.values()
    assert group.vpc_id == "Fn::ImportValue ${ParentVPCStack}-VPC"
    assert [rule.from_port for rule in group.ingress] == [3306]
    assert any("Fn::ImportValue ${ParentClientStack}-ClientSecurityGroup is not in" in w for w in database.warnings)
