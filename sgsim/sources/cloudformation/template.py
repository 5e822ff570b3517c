"""The resources of a template, as far as sgsim reads them, with their properties evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sgsim.errors import InputError
from sgsim.sources.cloudformation.evaluation import Evaluator
from sgsim.sources.infrastructure.drafts import Doubts
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Place

_RULE = ("IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "Description", "GroupId", "GroupName")

#: The properties that are read, by type.
READ: Mapping[str, tuple[str, ...]] = {
    "AWS::EC2::SecurityGroup": ("GroupName", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress"),
    "AWS::EC2::SecurityGroupIngress": (
        *_RULE,
        "SourcePrefixListId",
        "SourceSecurityGroupId",
        "SourceSecurityGroupName",
    ),
    "AWS::EC2::SecurityGroupEgress": (*_RULE, "DestinationPrefixListId", "DestinationSecurityGroupId"),
    "AWS::EC2::SecurityGroupVpcAssociation": ("GroupId", "VpcId"),
    "AWS::EC2::NetworkInterface": (
        "SubnetId",
        "GroupSet",
        "PrivateIpAddress",
        "PrivateIpAddresses",
        "SecondaryPrivateIpAddressCount",
        "Ipv6Addresses",
        "Ipv6AddressCount",
        "Ipv4Prefixes",
        "Ipv6Prefixes",
        "InterfaceType",
        "ConnectionTrackingSpecification",
        "Tags",
    ),
    "AWS::EC2::Instance": (
        "SubnetId",
        "SecurityGroupIds",
        "SecurityGroups",
        "PrivateIpAddress",
        "Ipv6Addresses",
        "Ipv6AddressCount",
        "NetworkInterfaces",
        "LaunchTemplate",
        "Tags",
    ),
    "AWS::EC2::NetworkInterfaceAttachment": ("InstanceId", "NetworkInterfaceId", "DeviceIndex"),
    "AWS::EC2::PrefixList": ("PrefixListName", "AddressFamily", "Entries"),
    "AWS::EC2::VPC": ("CidrBlock", "Tags"),
    "AWS::EC2::VPCCidrBlock": ("VpcId", "AmazonProvidedIpv6CidrBlock", "Ipv6CidrBlock", "Ipv6IpamPoolId", "Ipv6Pool"),
    "AWS::EC2::Subnet": ("VpcId", "CidrBlock", "Ipv6CidrBlock", "Ipv6IpamPoolId"),
    "AWS::EC2::VPCPeeringConnection": ("VpcId", "PeerVpcId", "PeerRegion"),
}

#: Transforms that make no security groups and no interfaces of EC2.
_HARMLESS = (
    "AWS::Serverless-2016-10-31",
    "AWS::LanguageExtensions",
    "AWS::CodeDeployBlueGreen",
    "AWS::SecretsManager-",
)


@dataclass(frozen=True, slots=True)
class Resource:
    """``properties`` has the read ones, evaluated. ``maybe`` is what decides whether it is made, if that is unknown."""

    name: str
    type: str
    properties: Value
    maybe: Unknown | None

    @property
    def place(self) -> Place:
        return self.properties.place

    def value(self, key: str) -> Value:
        return self.properties.at(key)


class Template:
    """A template's resources; those whose condition does not hold are not there."""

    def __init__(self, root: Value, parameters: Mapping[str, str], doubts: Doubts) -> None:
        self._doubts = doubts
        self.evaluator = Evaluator(root, parameters, doubts, processed=not _note_makers(root, doubts))
        self.made: dict[str, Unknown | None] = {}
        for name, resource in self.evaluator.resources.items():
            truth = self._truth(resource)
            if truth is not False:
                self.made[name] = truth if isinstance(truth, Unknown) else None

    def _truth(self, resource: Value) -> bool | Unknown:
        condition = resource.at("Condition")
        if condition.raw is None:
            return True
        truth = self.evaluator.condition(condition.word(), condition.place)
        return Unknown(condition.word()) if isinstance(truth, Unknown) else truth

    def type(self, name: str) -> str:
        """A resource's type; "" where it is no text: a module of another tool's."""
        raw = self.evaluator.resources[name].at("Type").raw
        return raw if isinstance(raw, str) else ""

    def properties(self, name: str) -> Value:
        """A resource's properties as they are written."""
        return self.evaluator.resources[name].at("Properties")

    def resources(self, *types: str) -> Iterator[Resource]:
        """Those of the types, in the template's order."""
        for name, maybe in self.made.items():
            kind = self.type(name)
            if kind in types:
                written = self.properties(name)
                raw = {key: self.evaluator.value(written.at(key)).raw for key in READ[kind] if written.at(key)}
                self._doubt_makers(written)
                yield Resource(name, kind, Value(raw, written.place), maybe)

    def _doubt_makers(self, written: Value) -> None:
        for key, inner in written.members().items():
            if key.startswith("Fn::"):
                problem = "is not evaluated: the properties that it makes are not known"
                self._doubts.notes.doubt(inner.place.refusal(problem, "give the processed template"))


def _note_makers(root: Value, doubts: Doubts) -> bool:
    """Say what makes resources that are not in the template: transforms and macros, modules, loops. Whether there is
    any; the processed template shows what they made."""
    found: list[tuple[InputError, bool]] = []  # what is said, and whether it is a doubt
    transforms = root.at("Transform")
    for each in transforms.items() if isinstance(transforms.raw, list) else [transforms]:
        name = each.raw.get("Name") if isinstance(each.raw, dict) else each.raw
        if name:
            problem = f"the transform {name} is not applied: resources that it makes are not here"
            found.append((each.place.refusal(problem), not str(name).startswith(_HARMLESS)))
    made = [root.at("Fn::Transform")] if root.at("Fn::Transform") else []
    for name, resource in root.at("Resources").members().items():
        kind = resource.at("Type").raw if isinstance(resource.raw, dict) else ""
        if name.startswith("Fn::") or not isinstance(kind, str) or kind.endswith("::MODULE"):
            made.append(resource)
        elif kind == "AWS::CloudFormation::Stack":
            doubts.notes.note(resource.place.refusal(f"{name} is a stack of its own: its template is not read"))
    for value in made:
        problem = "is not evaluated: the resources that it makes are not here"
        found.append((value.place.refusal(problem, "give the processed template"), True))
    for remark, doubtful in found:
        if doubtful:
            doubts.notes.doubt(remark)
        else:
            doubts.notes.note(remark)
    return bool(found)
