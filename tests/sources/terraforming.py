"""States and plans in the form that ``terraform show -json`` gives them."""

from __future__ import annotations

import re
from typing import Any

from sgsim.model import Direction, Peer, Topology

Json = dict[str, Any]

_ADDRESS = re.compile(
    r"(?P<module>(?:module\.\w+(?:\[[^\]]*\])?\.)*)(?P<data>data\.)?(?P<type>\w+)\.(?P<name>\w+)(?:\[(?P<key>[^\]]*)\])?\Z"
)
_STEP = re.compile(r"module\.(\w+)")


def described(address: str) -> Json:
    """What every form says of a resource instance, by its address."""
    match = _ADDRESS.match(address)
    assert match is not None, address
    found: Json = {"address": address, "mode": "data" if match["data"] else "managed", "type": match["type"]}
    found |= {"name": match["name"], "provider_name": "registry.terraform.io/hashicorp/aws"}
    if match["key"] is not None:
        found["index"] = match["key"].strip('"') if match["key"].startswith('"') else int(match["key"])
    if match["module"]:
        found["module_address"] = match["module"].rstrip(".")
    return found


def module_of(values: dict[str, Json]) -> Json:
    """A ``root_module`` with its ``child_modules``, of values by address."""
    root: Json = {"resources": []}
    modules = {"": root}
    for address, attributes in values.items():
        record = described(address)
        path = record.pop("module_address", "")
        if path not in modules:
            modules[path] = {"address": path, "resources": []}
            parent = path.rpartition(".module.")[0]
            if parent and parent not in modules:
                modules[parent] = {"address": parent, "resources": []}
                root.setdefault("child_modules", []).append(modules[parent])
            modules[parent].setdefault("child_modules", []).append(modules[path])
        modules[path]["resources"].append(record | {"schema_version": 1, "values": attributes})
    return root


def state(values: dict[str, Json]) -> Json:
    """The output for a state with these values by address."""
    return {"format_version": "1.0", "terraform_version": "1.9.5", "values": {"root_module": module_of(values)}}


def refers(*texts: str) -> Json:
    """An expression with these references, each with its beginnings behind it, as Terraform lists them."""
    found = []
    for text in texts:
        found.append(text)
        while re.search(r"[.\[]", text):
            text = re.sub(r"(?:\.[^.\[\]]+|\[[^\]]*\])\Z", "", text)
            if text.count(".") - text.startswith("data.") < 1 or text in ("each", "count"):
                break
            found.append(text)
    return {"references": found}


class Plan:
    """A plan that grows resource by resource."""

    def __init__(self) -> None:
        self.changes: list[Json] = []
        self.prior: dict[str, Json] = {}
        self.root: Json = {"resources": [], "module_calls": {}}
        self.variables: Json = {}

    def module(self, path: str) -> Json:
        """The configuration of a module by its address, instances aside."""
        found = self.root
        for name in _STEP.findall(path):
            call = found["module_calls"].setdefault(name, {"expressions": {}})
            found = call.setdefault("module", {"outputs": {}, "resources": [], "module_calls": {}, "variables": {}})
        return found

    def call(self, path: str, **expressions: Json) -> None:
        """Arguments of a module call, by the module's address."""
        outer, _, name = path.rpartition("module.")
        self.module(path)
        self.module(outer)["module_calls"][name]["expressions"].update(expressions)

    def output(self, path: str, name: str, expression: Json) -> None:
        self.module(path)["outputs"][name] = {"expression": expression}

    def add(
        self,
        address: str,
        after: Json | None = None,
        *,
        unknown: Json | None = None,
        before: Json | None = None,
        actions: list[str] | None = None,
        **expressions: Any,
    ) -> None:
        """A change. Without ``before`` it is created, its id is not known, and its ``expressions`` are configured."""
        made, gone = before is None, after is None
        if actions is None:
            actions = ["create"] if made else ["delete"] if gone else ["no-op"] if before == after else ["update"]
        marks = ({"id": True} if made else {}) | (unknown or {})
        record = described(address)
        change = {"actions": actions, "before": before, "after": after, "after_unknown": marks}
        self.changes.append(record | {"change": change})
        if before is not None:
            self.prior[address] = before
        if not gone:
            self.configure(address, **expressions)

    def configure(self, address: str, **expressions: Any) -> None:
        record = described(address)
        block = {key: record[key] for key in ("mode", "type", "name")}
        block["address"] = f"{'data.' if record['mode'] == 'data' else ''}{record['type']}.{record['name']}"
        block["expressions"] = expressions
        resources = self.module(record.get("module_address", ""))["resources"]
        if not any(each["address"] == block["address"] for each in resources):
            resources.append(block)

    def json(self) -> Json:
        planned = {change["address"]: change["change"]["after"] for change in self.changes if change["change"]["after"]}
        return {
            "format_version": "1.2",
            "terraform_version": "1.9.5",
            "variables": self.variables,
            "planned_values": {"root_module": module_of(planned)},
            "resource_changes": self.changes,
            "prior_state": {"format_version": "1.0", "values": {"root_module": module_of(self.prior)}},
            "configuration": {"root_module": self.root},
            "complete": True,
            "errored": False,
        }


def permission(protocol: str = "tcp", first: int = 0, last: int = 0, **peers: Any) -> Json:
    """One of a group's ingress or egress, all attributes there as the provider has them."""
    blank: Json = {"cidr_blocks": [], "ipv6_cidr_blocks": [], "prefix_list_ids": [], "security_groups": []}
    blank |= {"from_port": first, "to_port": last, "protocol": protocol, "self": False, "description": ""}
    return blank | peers


# --- what the tests of plans begin with ---

GROUP = {"name": "web", "vpc_id": "vpc-1", "revoke_rules_on_delete": False}
NEW = {"arn": True, "ingress": True, "egress": True, "owner_id": True}  # computed where the configuration is silent
RULE = {"from_port": 443, "to_port": 443, "ip_protocol": "tcp"}
INGRESS_RULE = "aws_vpc_security_group_ingress_rule"
LIVE = GROUP | {"id": "sg-1", "ingress": [permission("tcp", 22, 22, cidr_blocks=["10.0.0.0/8"])], "egress": []}


def web(**expressions: Any) -> Plan:
    """A plan with a new group, aws_security_group.web."""
    plan = Plan()
    plan.add("aws_security_group.web", GROUP, unknown=NEW, **expressions)
    return plan


def peers(topology: Topology, group_id: str, direction: Direction = Direction.INGRESS) -> list[Peer]:
    return [rule.peer for rule in topology.groups[group_id].rules(direction)]


def warned(topology: Topology, part: str) -> None:
    assert any(part in warning for warning in topology.warnings), topology.warnings
