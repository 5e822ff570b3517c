"""Plans and states of other projects: checkov's, terrascan's, inframap's, driftctl's."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgsim.errors import InputError
from sgsim.model import Topology
from sgsim.sources import load_topology

_CUT = "cut down by hand to what the other project reads: Terraform writes the type of a rule"
_OTHER = "another tool's own form of resources, not Terraform's output"

#: What is refused, and why: part of the path -> (part of the error, reason).
REFUSED = {
    "inframap/generate/testdata/aws_state_cyclic.json": (".type: is missing: Terraform writes it", _CUT),
    "inframap/generate/testdata/aws_state_sgr.json": (".type: is missing: Terraform writes it", _CUT),
    "inframap/generate/testdata/repeated_modules.json": (".type: is missing: Terraform writes it", _CUT),
    "inframap/generate/testdata/aws_state_multiple_hanging_edges.json": (
        "is as Terraform 0.11 wrote it (attributes_flat)",
        "attributes as flat text, not read again by a newer provider since",
    ),
    "inframap/generate/testdata/version_3_state.json": ("is a state file of version 3", "Terraform 0.11"),
    "inframap/generate/testdata/error_missing_id.json": (
        "has no security group, interface or VPC of AWS's provider among its resources (aws_db_instance)",
        "a database only, without attributes",
    ),
    "terrascan/": ("looks like Terraform configuration", "terrascan's form of configuration: nothing is evaluated"),
    "driftctl/enumeration/": ("is no snapshot", _OTHER),
    "driftctl/pkg/iac/terraform/state/test/aws_vpc_security_group/results.golden.json": ("is no snapshot", _OTHER),
}


def outcomes(data: Path, **options: bool) -> dict[str, Topology | str]:
    root = data / "aws" / "terraform"
    found: dict[str, Topology | str] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        try:
            found[path.relative_to(root).as_posix()] = load_topology(path, **options)
        except InputError as error:
            found[path.relative_to(root).as_posix()] = str(error)
    return found


def test_every_file_loads_or_is_in_the_table(data: Path) -> None:
    """One clear line for each that is refused."""
    results = outcomes(data)
    assert len(results) > 30
    loaded = sorted(name for name, found in results.items() if isinstance(found, Topology))
    assert [name.rpartition("/")[2] for name in loaded] == [
        "tf_plan.json",
        "tfplan.json",
        "tfplan.json",
        "tfplan2.json",
        "terraform.tfstate",
    ]
    met = set()
    for name, line in results.items():
        if isinstance(line, str):
            (part,) = [part for part in REFUSED if part in name.replace("+", "/")]
            met.add(part)
            assert REFUSED[part][0] in line
            assert "\n" not in line
    assert met == REFUSED.keys()


@pytest.mark.parametrize("before", [False, True])
def test_plans_have_both_sides(data: Path, before: bool) -> None:
    """A first plan makes everything: there is nothing before it; one that changes rules has them on both sides."""
    results = outcomes(data, plan_before=before)
    plans = {name: found for name, found in results.items() if isinstance(found, Topology) and "plan" in name}
    assert len(plans) == 4
    rules = {name.split("/", 1)[1]: len(found.rules()) for name, found in plans.items()}
    # Beside the rules that the plans show: two unresolved ones for each group whose rules are not known.
    assert rules == {
        "tests/common/runner_registry/plan_with_for_each_for_enrichment/tf_plan.json": 0 if before else 3,
        "tests/terraform/runner/resources/plan/tfplan.json": 0 if before else 7,
        "tests/terraform/runner/tfplan2.json": 0 if before else 7,
        "tests/terraform/runner/resources/plan_change_keys/tfplan.json": 6,
    }


def test_a_real_first_plan_is_tied_together(data: Path) -> None:
    """checkov's: instances, a group in a VPC, rules by resources, an interface without groups of its own."""
    plan = load_topology(data / "aws/terraform/bridgecrewio+checkov/tests/terraform/runner/resources/plan/tfplan.json")
    web = plan.groups["aws_security_group.web-node"]
    assert (web.vpc_id, [rule.from_port for rule in web.ingress]) == ("aws_vpc.web_vpc", [22, 80])
    default = plan.groups["aws_security_group.default"]
    assert [rule.rule_id for rule in default.ingress] == ["aws_security_group_rule.ingress"]
    host = plan.interfaces["aws_instance.web_host"]
    assert (host.group_ids, host.vpc_id) == (("aws_security_group.web-node",), "aws_vpc.web_vpc")
    eni = plan.interfaces["aws_network_interface.web-eni"]
    assert eni.group_ids == ("aws_network_interface.web-eni.security_groups",)
    assert any("aws_db_instance.default, aws_elb.weblb" in warning for warning in plan.warnings)
