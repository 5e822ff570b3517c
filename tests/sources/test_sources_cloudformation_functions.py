"""Intrinsic functions: what is known is computed, what is not is unknown by a name that says what it is made of."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from sgsim.model import UnknownPeer

PARAMETERS = {
    "Cidr": {"Type": "String", "Default": "10.0.0.0/8"},
    "Cidrs": {"Type": "CommaDelimitedList", "Default": "10.0.0.0/8, 172.16.0.0/12"},
    "Numbers": {"Type": "List<Number>", "Default": "8,16"},
    "Bits": {"Type": "Number", "Default": 16},
    "Yes": {"Type": "String", "Default": True},
    "Nothing": {"Type": "String"},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/net/cidr"},
}
MAPPINGS = {
    "Nets": {"eu": {"web": "10.1.0.0/16", "db": "10.2.0.0/16"}, "us": {"web": "10.1.0.0/16", "db": "10.3.0.0/16"}},
}
CONDITIONS = {
    "True": {"Fn::Equals": [{"Ref": "Yes"}, "true"]},
    "False": {"Fn::Not": [{"Condition": "True"}]},
    "Known": {"Fn::Equals": [{"Ref": "Bits"}, "16"]},
    "Perhaps": {"Fn::Equals": [{"Ref": "Nothing"}, "x"]},
    "Same": {"Fn::Equals": [{"Ref": "Nothing"}, {"Ref": "Nothing"}]},
    "Neither": {"Fn::And": [{"Condition": "Perhaps"}, {"Condition": "False"}]},
    "Either": {"Fn::Or": [{"Condition": "Perhaps"}, {"Condition": "True"}]},
    "Hardly": {"Fn::And": [{"Condition": "Perhaps"}, {"Condition": "True"}]},
    "Literal": True,
}
RESOURCES = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
    "Subnet": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"CidrBlock": {"Fn::Select": [1, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 2, 8]}]}},
    },
    "Host": {"Type": "AWS::EC2::Instance", "Properties": {"PrivateIpAddress": "10.9.1.5"}},
    "Plain": {"Type": "AWS::EC2::Instance"},
    "Eip": {"Type": "AWS::EC2::EIP"},
}


def peer_of(load, expression: Any, **options: Any) -> Any:
    """What a rule with this CidrIp is for, as text; its unknown peer's name; None without one."""
    rule = {"IpProtocol": "-1", "CidrIp": expression}
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [rule]}}
    template = {"Parameters": PARAMETERS, "Mappings": MAPPINGS, "Conditions": CONDITIONS}
    topology = load(template | {"Resources": RESOURCES | {"Web": group}}, **options)
    found = [rule.peer for rule in topology.groups["Web"].ingress]
    if not found:
        return None
    (peer,) = found
    return peer if isinstance(peer, UnknownPeer) else str(peer)


def if_(condition: str, then: Any = "10.0.0.0/8", otherwise: Any = "192.0.2.0/24") -> Any:
    return {"Fn::If": [condition, then, otherwise]}


@pytest.mark.parametrize(
    ("expression", "cidr"),
    [
        ({"Ref": "Cidr"}, "10.0.0.0/8"),
        ({"Fn::Sub": "10.0.0.0/${Bits}"}, "10.0.0.0/16"),
        ({"Fn::Sub": ["${Net}/${Bits}", {"Net": {"Fn::Select": ["0", ["10.4.0.0"]]}}]}, "10.4.0.0/16"),
        ({"Fn::Sub": "${Host.PrivateIp}/32"}, "10.9.1.5/32"),
        ({"Fn::Join": ["/", ["10.5.0.0", {"Ref": "Bits"}]]}, "10.5.0.0/16"),
        ({"Fn::Join": ["", ["10.5.0.0/16", {"Ref": "AWS::NoValue"}]]}, "10.5.0.0/16"),
        ({"Fn::FindInMap": ["Nets", "eu", "db"]}, "10.2.0.0/16"),
        ({"Fn::FindInMap": ["Nets", {"Ref": "AWS::Region"}, "web"]}, "10.1.0.0/16"),  # all Regions agree
        ({"Fn::FindInMap": ["Nets", "asia", "db", {"DefaultValue": "10.7.0.0/16"}]}, "10.7.0.0/16"),
        ({"Fn::Select": [1, {"Ref": "Cidrs"}]}, "172.16.0.0/12"),
        ({"Fn::Select": [1, {"Fn::Split": [" ", "a 10.6.0.0/16"]}]}, "10.6.0.0/16"),
        ({"Fn::Sub": ["10.0.0.0/${N}", {"N": {"Fn::Select": [0, {"Ref": "Numbers"}]}}]}, "10.0.0.0/8"),
        ({"Fn::GetAtt": "Vpc.CidrBlock"}, "10.9.0.0/16"),
        ({"Fn::GetAtt": ["Subnet", "CidrBlock"]}, "10.9.1.0/24"),
        ({"Fn::Select": [2, {"Fn::Cidr": ["10.0.0.0/8", 3, "16"]}]}, "10.2.0.0/16"),
        ({"Fn::Select": [0, {"Fn::Cidr": ["10.0.0.0/24", 1]}]}, "10.0.0.0/24"),
        ({"Fn::Sub": ["10.0.0.0/1${L}", {"L": {"Fn::Length": ["a", "b"]}}]}, "10.0.0.0/12"),
        (if_("True"), "10.0.0.0/8"),
        (if_("False"), "192.0.2.0/24"),
        (if_("Known"), "10.0.0.0/8"),
        (if_("Same"), "10.0.0.0/8"),
        (if_("Neither"), "192.0.2.0/24"),
        (if_("Either"), "10.0.0.0/8"),
        (if_("Literal"), "10.0.0.0/8"),
        (if_("Perhaps", "10.0.0.0/8", "10.0.0.0/8"), "10.0.0.0/8"),  # both ways the same
        (if_("True", if_("False", "1.0.0.0/8", "2.0.0.0/8")), "2.0.0.0/8"),
    ],
)
def test_what_is_known(load, expression, cidr) -> None:
    """Every function, of values that the template or the parameters' defaults tell."""
    assert peer_of(load, expression) == str(ip_network(cidr, strict=False))


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ({"Ref": "Nothing"}, "Nothing"),
        ({"Ref": "Stored"}, "Stored"),
        ({"Ref": "Eip"}, "Eip"),
        ({"Ref": "AWS::AccountId"}, "AWS::AccountId"),
        ({"Fn::GetAtt": ["Plain", "PrivateIp"]}, "Plain.PrivateIp"),
        ({"Fn::GetAtt": "Eip.PublicIp"}, "Eip.PublicIp"),
        ({"Fn::GetAtt": ["Eip", {"Ref": "Nothing"}]}, "Fn::GetAtt [Eip, Nothing]"),
        ({"Fn::Sub": "${Eip.PublicIp}/32"}, "${Eip.PublicIp}/32"),
        ({"Fn::Sub": "${Nothing}-${!Literal}-${Bits}"}, "${Nothing}-${Literal}-16"),
        ({"Fn::Join": ["/", [{"Ref": "Nothing"}, "8"]]}, "${Nothing}/8"),
        ({"Fn::Join": [",", {"Fn::GetAZs": ""}]}, "Fn::Join [,, Fn::GetAZs ]"),
        ({"Fn::FindInMap": ["Nets", {"Ref": "Nothing"}, "db"]}, "Fn::FindInMap [Nets, Nothing, db]"),
        ({"Fn::Select": [0, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}, "Fn::GetAZs AWS::Region[0]"),
        ({"Fn::Select": [{"Ref": "Nothing"}, ["a"]]}, "[a][Nothing]"),
        ({"Fn::Split": [",", {"Ref": "Nothing"}]}, "Fn::Split [,, Nothing]"),
        ({"Fn::Cidr": [{"Ref": "Nothing"}, 2, 8]}, "Fn::Cidr [Nothing, 2, 8]"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Nothing}-cidr"}}, "Fn::ImportValue ${Nothing}-cidr"),
        ({"Fn::Base64": {"Ref": "Nothing"}}, "Fn::Base64 Nothing"),
        ({"Fn::Length": {"Ref": "Nothing"}}, "Fn::Length Nothing"),
        (if_("Perhaps"), "Fn::If [Perhaps, 10.0.0.0/8, 192.0.2.0/24]"),
        (if_("Hardly", {"Ref": "AWS::NoValue"}), "Fn::If [Hardly, , 192.0.2.0/24]"),
        ({"Fn::ToJsonString": {"a": 1}}, "Fn::ToJsonString {a: 1}"),
    ],
)
def test_what_is_not_known(load, expression, name) -> None:
    """The rule is unresolved in its family, and the name says what it waits for."""
    assert peer_of(load, expression) == UnknownPeer(name, 4)


def test_no_value_is_no_property(load) -> None:
    """A rule whose CIDR is AWS::NoValue has no peer."""
    assert peer_of(load, if_("False", "10.0.0.0/8", {"Ref": "AWS::NoValue"})) is None


def test_equal_expressions_are_the_same_unknown_value(load) -> None:
    """Two groups in a VPC that only deployment tells are in one VPC, so that one may refer to the other."""
    vpc = {"Fn::If": ["Perhaps", {"Ref": "Vpc"}, {"Fn::ImportValue": {"Fn::Sub": "${Nothing}-vpc"}}]}
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": vpc}}
    template = {"Parameters": PARAMETERS, "Conditions": CONDITIONS, "Resources": RESOURCES | {"A": group, "B": group}}
    topology = load(template)
    assert topology.groups["A"].vpc_id == "Fn::If [Perhaps, Vpc, Fn::ImportValue ${Nothing}-vpc]"
    assert topology.groups["A"].vpc_id == topology.groups["B"].vpc_id


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"Ref": "Missing"}, "'Missing' is no parameter and no resource of the template"),
        ({"Ref": ["a"]}, "takes a text here"),
        ({"Fn::GetAtt": ["a"]}, "Fn::GetAtt: takes a list of 2"),
        ({"Fn::GetAtt": "Missing.Arn"}, "'Missing' is no parameter"),
        ({"Fn::Sub": "${Missing}"}, "'Missing' is no parameter"),
        ({"Fn::Sub": ["a", "b"]}, "takes a text, or a text and an object of variables"),
        ({"Fn::Sub": {"a": 1}}, "Fn::Sub: takes a list of 2"),
        ({"Fn::Join": ["", "abc"]}, "takes a delimiter and a list"),
        ({"Fn::Join": ["", [["a"]]]}, "a list or an object where text belongs"),
        ({"Fn::Select": [5, ["a"]]}, "takes number 5 of a list of 1"),
        ({"Fn::Select": [0, "a"]}, "takes a number and a list"),
        ({"Fn::Select": ["x", ["a"]]}, "'x' where a whole number belongs"),
        ({"Fn::Split": ["", "a"]}, "takes a delimiter and a text"),
        ({"Fn::FindInMap": ["Nets", "eu", "app"]}, "the mapping Nets has no eu.app"),
        ({"Fn::FindInMap": ["Missing", "eu", "app"]}, "the mapping Missing has no eu.app"),
        ({"Fn::Cidr": ["10.0.0.0/24", 300, 8]}, "1 to 256"),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 8]}, "10.0.0.0/24 has no 2 blocks of 8 bits"),
        ({"Fn::Cidr": ["here", 2, 8]}, "'here' is no CIDR"),
        ({"Fn::If": ["True", "a"]}, "takes a list of 3"),
        ({"Fn::If": ["Missing", "a", "b"]}, "'Missing' is no condition of the template"),
        ({"Fn::Base64": ["a"]}, "a list or an object where text belongs"),
    ],
)
def test_what_cloudformation_would_refuse(load, expression, message) -> None:
    """One line that names the place."""
    from sgsim.errors import InputError

    with pytest.raises(InputError) as caught:
        peer_of(load, expression)
    assert message in str(caught.value)
    assert "Resources.Web.Properties.SecurityGroupIngress[0].CidrIp." in str(caught.value)


# --- hostile templates ------------------------------------------------------------------------------------------------


def test_references_in_a_circle(refused) -> None:
    """Of attributes to each other, of conditions, and of an attribute to itself by way of Fn::Sub."""
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Fn::GetAtt": "Subnet.CidrBlock"}}}
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": {"Fn::Sub": "${Vpc.CidrBlock}"}}}
    assert "refers to itself" in refused({"Resources": {"Vpc": vpc, "Subnet": subnet}})
    conditions = {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    group = {"Type": "AWS::EC2::SecurityGroup", "Condition": "A"}
    line = refused({"Conditions": conditions, "Resources": {"Web": group}})
    assert "the condition A refers to itself" in line


def test_texts_that_double_are_refused(refused) -> None:
    """Each variable is twice the one within: forty levels would be a terabyte."""
    text: Any = "x" * 100
    for _ in range(40):
        text = {"Fn::Sub": ["${A}${A}", {"A": text}]}
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": text}}
    assert "makes a text of more than 1048576 characters" in refused({"Resources": {"Web": group}})


def chain(first: Any, length: int = 40) -> dict[str, Any]:
    """VPCs, each with the CIDR of the one before, twice."""
    resources: dict[str, Any] = {"V0": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": first}}}
    for n in range(1, length):
        twice = {"Fn::Sub": f"${{V{n - 1}.CidrBlock}}${{V{n - 1}.CidrBlock}}"}
        resources[f"V{n}"] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": twice}}
    return resources


def test_attributes_are_evaluated_once(load) -> None:
    """Each asks the one before it twice: 2^40 ways, forty steps."""
    assert len(load({"Resources": chain("")}).vpcs) == 40


def test_unknown_names_that_double_stay_short(load) -> None:
    """A name is no longer than its digest allows, however often what it is made of is in it."""
    rule = {"IpProtocol": "-1", "CidrIp": {"Fn::GetAtt": ["V39", "CidrBlock"]}}
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [rule]}}
    template = {"Parameters": PARAMETERS, "Resources": chain({"Ref": "Nothing"}) | {"Web": group}}
    (made,) = load(template).groups["Web"].ingress
    assert isinstance(made.peer, UnknownPeer)
    assert len(made.peer.address) < 400


def test_conditions_in_a_long_chain_and_deep_nesting_are_refused(refused) -> None:
    """Before Python's own bound is met."""
    conditions: dict[str, Any] = {f"C{n}": {"Fn::Not": [{"Condition": f"C{n - 1}"}]} for n in range(1, 2_000)}
    conditions["C0"] = {"Fn::Equals": ["a", "a"]}
    group = {"Type": "AWS::EC2::SecurityGroup", "Condition": "C1999"}
    assert "nested too deeply" in refused({"Conditions": conditions, "Resources": {"Web": group}})
    text: Any = "x"
    for _ in range(120):
        text = {"Fn::Join": ["", [text]]}
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": text}}
    assert "nested too deeply" in refused({"Resources": {"Web": group}})
    text = '{"Resources": {"A": {"Type": "AWS::EC2::VPC", "Properties": ' + "[" * 100_000 + "]" * 100_000 + "}}}"
    assert "nested too deeply" in refused(text)


def test_alias_bombs_are_refused(refused) -> None:
    """In YAML aliases cost nothing to write: a template that they blow up is refused before it is evaluated."""
    bomb = "\n".join(f"  x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 12))
    text = f"Metadata:\n  x0: &x0 [a]\n{bomb}\nResources:\n  A: {{Type: AWS::EC2::VPC, Properties: {{Tags: *x11}}}}\n"
    assert "is more than 2000000 values with its aliases written out" in refused(text)
    assert "is more than 2000000 values" in refused(text.replace("Resources:", "format_version: '1'\nvalues:"))


def test_aliases_may_be_used(load) -> None:
    """One rule for two groups."""
    topology = load(
        """
Resources:
  A:
    Type: AWS::EC2::SecurityGroup
    Properties: {SecurityGroupIngress: [&r {IpProtocol: -1, CidrIp: !Sub "10.0.0.0/8"}]}
  B: {Type: AWS::EC2::SecurityGroup, Properties: {SecurityGroupIngress: [*r]}}
"""
    )
    assert topology.groups["A"].ingress[0].peer == topology.groups["B"].ingress[0].peer == ip_network("10.0.0.0/8")
