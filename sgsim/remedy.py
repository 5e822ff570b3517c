"""What would have to change for a gate to admit a packet: the narrowest rule that does, the command that adds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sgsim.gates import Gate
from sgsim.model import ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP, Direction, Packet, Verdict


@dataclass(frozen=True, slots=True)
class Remedy:
    """A rule for ``group_id``: ``permission`` is an IpPermission in boto3's shape."""

    group_id: str
    direction: Direction
    permission: dict[str, Any]

    @property
    def _cidr(self) -> str:
        v4 = "IpRanges" in self.permission
        return str(self.permission["IpRanges"][0]["CidrIp"] if v4 else self.permission["Ipv6Ranges"][0]["CidrIpv6"])

    def __str__(self) -> str:
        """As a scenario has it: ``ingress tcp 5432 from 10.0.1.10/32 in db``."""
        preposition = "from" if self.direction is Direction.INGRESS else "to"
        numbers = [str(self.permission[key]) for key in ("FromPort", "ToPort") if key in self.permission]
        icmp = self.permission["IpProtocol"] in ("icmp", "icmpv6")
        protocol = "all" if self.permission["IpProtocol"] == "-1" else self.permission["IpProtocol"]
        words = [self.direction, protocol, *(["/".join(numbers)] if icmp and numbers else numbers[:1])]
        return " ".join([*words, preposition, self._cidr, "in", self.group_id])

    @property
    def command(self) -> str | None:
        """The AWS CLI's command, where the group has an id of AWS's."""
        if not self.group_id.startswith("sg-"):
            return None
        numbers = ",".join(
            f"{k}={self.permission[k]}" for k in ("IpProtocol", "FromPort", "ToPort") if k in self.permission
        )
        peer = f"IpRanges=[{{CidrIp={self._cidr}}}]" if "IpRanges" in self.permission else ""
        peer = peer or f"Ipv6Ranges=[{{CidrIpv6={self._cidr}}}]"
        verb = f"authorize-security-group-{self.direction}"
        return f"aws ec2 {verb} --group-id {self.group_id} --ip-permissions '{numbers},{peer}'"

    def as_json(self) -> dict[str, Any]:
        return {
            "group": self.group_id,
            "direction": str(self.direction),
            "permission": self.permission,
            "command": self.command,
        }


def remedy(gate: Gate, packet: Packet) -> Remedy | None:
    """None where the rules are not what stands against the packet, or a rule that is there admits it."""
    if gate.verdict is Verdict.ALLOW or gate.code is None or not gate.interface.group_ids:
        return None
    remote = packet.src if gate.direction is Direction.INGRESS else packet.dst
    permission: dict[str, Any] = {"IpProtocol": PROTOCOL_NAMES.get(packet.protocol, str(packet.protocol))}
    if packet.protocol in (TCP, UDP) and packet.dst_port is not None:
        permission |= {"FromPort": packet.dst_port, "ToPort": packet.dst_port}
    elif packet.protocol in (ICMP, ICMPV6):
        if packet.icmp_type is None:  # inside the other IP version, where rules of ICMP do not match (section 3)
            permission["IpProtocol"] = "-1"
        else:
            permission |= {"FromPort": packet.icmp_type, "ToPort": packet.icmp_code}
    if remote.version == 4:
        permission["IpRanges"] = [{"CidrIp": f"{remote}/32"}]
    else:
        permission["Ipv6Ranges"] = [{"CidrIpv6": f"{remote}/128"}]
    return Remedy(gate.interface.group_ids[0], gate.direction, permission)
