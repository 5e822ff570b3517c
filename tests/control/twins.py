"""The control plane and the model of it, side by side: every call goes to both, and they have to agree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sgsim.control import ApiError, Caller, Cloud, Quotas
from tests.control import naive
from tests.control.calling import ACCOUNT, HOME, OTHER
from tests.control.naive import Chosen, Record, Refused, World, describing
from tests.control.naive.groups import add_group
from tests.control.naive.networks import expire
from tests.control.naive.rules import KINDS, is_stale

ACCOUNTS = (ACCOUNT, OTHER)

Answers = dict[tuple[str, str, str], list[Record]]  # account, operation, what it was asked about -> records


class Seen(Chosen):
    """What the control plane chose, by its answer and by what it describes."""

    def __init__(self, twins: Twins, account: str, answer: Record) -> None:
        self.twins, self.account, self.answer = twins, account, answer

    def id(self, kind: str, **look: Any) -> str:
        found = self._rule(look) if kind == "sgr" else self._group(look) if kind == "sg" else self._answered(kind)
        assert found.startswith(kind + "-"), found
        assert found not in self.twins.ever, f"{found} was used before"
        self.twins.ever.add(found)
        return found

    def _answered(self, kind: str) -> str:
        if kind == "eni":
            return str(self._interface()["NetworkInterfaceId"])
        if kind == "eni-attach":
            attachment = self.answer if "AttachmentId" in self.answer else self._interface()["Attachment"]
            return str(attachment["AttachmentId"])
        if kind == "i":
            return str(self.answer["InstanceId"])
        member, key = {
            "vpc": ("Vpc", "VpcId"),
            "subnet": ("Subnet", "SubnetId"),
            "pl": ("PrefixList", "PrefixListId"),
            "pcx": ("VpcPeeringConnection", "VpcPeeringConnectionId"),
        }[kind]
        return str(self.answer[member][key])

    def _group(self, look: Record) -> str:
        filters = [{"Name": "vpc-id", "Values": [look["vpc"]]}, {"Name": "group-name", "Values": [look["name"]]}]
        found = self.twins.ask(look["account"], "DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
        assert len(found) == 1, (look, found)
        return str(found[0]["GroupId"])

    def _rule(self, look: Record) -> str:
        """The rule with these properties: no group has the same rule twice."""
        world = self.twins.world
        owner = world.groups[look["group"]]["account"]
        filters = [{"Name": "group-id", "Values": [look["group"]]}]
        found = self.twins.ask(owner, "DescribeSecurityGroupRules", Filters=filters)["SecurityGroupRules"]
        shown = describing.bare_rule(look)
        names = [each["SecurityGroupRuleId"] for each in found if describing.bare(each) == shown]
        assert len(names) == 1, (look, found)
        return str(names[0])

    def addresses(self) -> list[str]:
        return [each["PrivateIpAddress"] for each in self._interface()["PrivateIpAddresses"]]

    def _interface(self) -> Record:
        """The new one, or the only one of the new instance."""
        return dict(self.answer.get("NetworkInterface") or self.answer["NetworkInterfaces"][0])

    def zone(self) -> str:
        return str(self.answer["Subnet"]["AvailabilityZone"])

    def subnet(self, possible: list[str]) -> str:
        assert self.answer["SubnetId"] in possible
        return str(self.answer["SubnetId"])

    def instance(self, number: int) -> Chosen:
        return Seen(self.twins, self.account, self.answer["Instances"][number])

    def block(self) -> tuple[str, str]:
        found = self.answer.get("Ipv6CidrBlockAssociation")
        found = found or self.answer["Vpc"]["Ipv6CidrBlockAssociationSet"][0]
        return found["AssociationId"], found["Ipv6CidrBlock"]


class Twins:
    """``met``: the operations that succeeded, the codes of those that did not, why rules were stale. ``ever``: all ids
    there ever were. ``highest``: of each quota the highest there ever was: what there is may be above a lowered one."""

    def __init__(self, quotas: Quotas, seed: str = "") -> None:
        self.cloud = Cloud.empty(ACCOUNT, HOME, seed=seed, quotas=quotas)
        self.world = World(quotas)
        self.highest = quotas
        self.ever: set[str] = set()
        self.met: set[str] = set()
        for account in ACCOUNTS:
            self._adopt(account)
        self.answers = self.everything()
        self.check()

    def begin(self) -> None:
        """Two VPCs with a subnet and a group for each account; of the four, two have blocks that overlap, two have
        IPv6, and the second is peered with the first and with the third."""
        vpcs = []
        for account, place, six in (
            (ACCOUNT, "10.0.0.0/16", False),
            (ACCOUNT, "10.1.0.0/16", True),
            (OTHER, "10.2.0.0/16", True),
            (OTHER, "10.1.0.0/16", False),
        ):
            made = self.call(account, "CreateVpc", {"CidrBlock": place, "AmazonProvidedIpv6CidrBlock": six})
            if made is not None:  # not where the quota is small
                vpcs.append(made["Vpc"]["VpcId"])
                subnet = place.replace(".0.0/16", ".1.0/24")
                self.call(account, "CreateSubnet", {"VpcId": vpcs[-1], "CidrBlock": subnet})
                group = {"VpcId": vpcs[-1], "GroupName": "app", "Description": "An application"}
                self.call(account, "CreateSecurityGroup", group)
        for place, account in ((0, ACCOUNT), (2, OTHER)) if len(vpcs) == 4 else ():
            params = {"VpcId": vpcs[1], "PeerVpcId": vpcs[place], "PeerOwnerId": account}
            asked = self.call(ACCOUNT, "CreateVpcPeeringConnection", params)
            if asked is not None:
                name = asked["VpcPeeringConnection"]["VpcPeeringConnectionId"]
                self.call(account, "AcceptVpcPeeringConnection", {"VpcPeeringConnectionId": name})

    def _adopt(self, account: str) -> None:
        """What every account has from the start: AWS's prefix lists, and a default VPC."""
        for listed in self.ask(account, "DescribeManagedPrefixLists")["PrefixLists"]:
            family, name = int(listed["AddressFamily"][-1]), listed["PrefixListName"]
            known = {"account": "AWS", "name": name, "family": family, "state": "create-complete"}
            self.world.lists[listed["PrefixListId"]] = known
        (vpc,) = self.ask(account, "DescribeVpcs")["Vpcs"]
        name = vpc["VpcId"]
        self.world.vpcs[name] = {"account": account, "blocks": [vpc["CidrBlock"]], "blocks6": {}, "default": True}
        for subnet in self.ask(account, "DescribeSubnets")["Subnets"]:
            known = {"account": account, "vpc": name, "zone": subnet["AvailabilityZone"], "default": True}
            self.world.subnets[subnet["SubnetId"]] = known | {"block": subnet["CidrBlock"], "block6": None}
        add_group(self.world, account, name, "default", "default VPC security group", Seen(self, account, {}))

    def ask(self, account: str, operation: str, **params: Any) -> Record:
        return self.cloud.call(operation, params, caller=Caller(account, HOME), now_ns=self.world.now_ns)

    def call(self, account: str, operation: str, params: Record) -> Record | None:
        """The answer, None if the call was refused. Whatever was said, both said it, and both describe the same."""
        before = self.cloud.state()
        known = {key: value for key, value in params.items() if key != "DryRun"}
        expire(self.world)
        answer = self._attempt(account, operation, params)
        if isinstance(answer, ApiError):
            self.met.add(answer.code)
            assert self.cloud.state() == before, f"{answer} changed something"
            possible = self._codes(account, operation, known)
            assert any(fnmatchcase(answer.code, each) for each in possible), f"{answer} instead of {possible}"
            assert self.everything() == self.answers, f"{answer} changed what is described"
            return None
        self.met.add(operation)
        assert not params.get("DryRun"), "a dry run succeeded"
        try:
            expected = naive.call(self.world, account, operation, known, Seen(self, account, answer))
        except Refused as refused:
            raise AssertionError(f"{operation} {known} succeeded instead of {refused}") from None
        assert_answer(answer, expected)
        self.answers = self.everything()
        self.check()
        return answer

    def _attempt(self, account: str, operation: str, params: Record) -> Record | ApiError:
        try:
            return self.ask(account, operation, **params)
        except ApiError as error:
            return error

    def _codes(self, account: str, operation: str, params: Record) -> set[str]:
        """Those that the model would answer; that of a dry run where it would not refuse the call."""
        try:
            naive.call(deepcopy(self.world), account, operation, params, Chosen())
        except Refused as refused:
            return refused.codes
        return {"DryRunOperation"}

    def pass_time(self, seconds: int) -> None:
        self.world.now_ns += seconds * 10**9
        expire(self.world)
        self.answers = self.everything()
        self.check()

    def reload(self, file: Path) -> None:
        """The cloud is what was written and is loaded again: to each question it has the same answer."""
        text = self.cloud.state()[1]
        before = self.cloud.snapshot()
        file.write_bytes(text)
        self.cloud = Cloud.load(file, ACCOUNT, HOME)
        self.cloud.quotas = self.world.quotas
        for key, records in self.everything().items():
            if key[1] == "DescribeTags":  # in the order of what has them
                assert_same(records, self.answers[key], key[1])
            else:
                assert records == self.answers[key], key
        self.answers = self.everything()
        assert json.loads(self.cloud.state()[1]) == json.loads(text)
        assert replace(self.cloud.snapshot(), warnings=()) == replace(before, warnings=())

    def adjust(self, **values: int) -> None:
        """Another quota, from now on."""
        self.cloud.quotas = self.world.quotas = self.world.quotas.adjusted(**values)
        self.highest = self.highest.covering(**values)

    # --- what is described --------------------------------------------------------------------------------------------

    def everything(self) -> Answers:
        """All that describe calls answer, to both accounts."""
        found = {}
        for account in ACCOUNTS:
            for operation, (member, _) in describing.EVERYTHING.items():
                found[account, operation, ""] = records_of(self.ask(account, operation), member)
            for operation, member, about, params, _ in self._questions(account):
                found[account, operation, about] = self.ask(account, operation, **params)[member]
        return found

    def _questions(self, account: str) -> Iterator[tuple[str, str, str, Record, Iterable[Record]]]:
        """Operation, member of its answer, what it is asked about, its parameters, what the model answers."""
        world = self.world
        for vpc, known in world.vpcs.items():
            if known["account"] == account:
                asked = {"VpcId": vpc}
                stale, groups = describing.stale_groups(world, vpc), describing.groups_for(world, vpc)
                yield "DescribeStaleSecurityGroups", "StaleSecurityGroupSet", vpc, asked, stale
                yield "GetSecurityGroupsForVpc", "SecurityGroupForVpcs", vpc, asked, groups
        for name, listed in world.lists.items():
            if listed["account"] == account:
                asked = {"PrefixListId": name}
                users = describing.list_users(world, name)
                yield "GetManagedPrefixListAssociations", "PrefixListAssociations", name, asked, users
                for version in listed["versions"]:
                    entries = describing.entries(world, name, version)
                    asked = {"PrefixListId": name, "TargetVersion": version}
                    yield "GetManagedPrefixListEntries", "Entries", f"{name} {version}", asked, entries
        for name, group in world.groups.items():
            if group["account"] == account:
                references = describing.references(world, name)
                asked = {"GroupId": [name]}
                yield "DescribeSecurityGroupReferences", "SecurityGroupReferenceSet", name, asked, references

    def check(self) -> None:
        """What is described is what the model says, no more and no less."""
        for account in ACCOUNTS:
            for operation, (_, records) in describing.EVERYTHING.items():
                shape = describing.MEMBERS.get(operation)
                answered = [cut(record, shape) for record in self.answers[account, operation, ""]]
                assert_same(answered, records(self.world, account), f"{operation} of {account}")
            for operation, _, about, _, records in self._questions(account):
                assert_same(self.answers[account, operation, about], records, f"{operation} of {about}")
        self.met |= {stale for rule in self.world.rules.values() if (stale := self._stale(rule))}

    def _stale(self, rule: Record) -> str | None:
        """Why a rule is stale, if it is."""
        if not is_stale(self.world, rule):
            return None
        if rule["peer"][1] not in self.world.groups:
            return "group gone"
        return "association ended" if rule["way"] == "associated" else "peering ended"


def records_of(answer: Record, member: str) -> list[Record]:
    if member == "Instances":
        return [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]
    return list(answer[member])


def cut(value: Any, shape: Record | None) -> Any:
    """The members that are in ``shape``, of a record and of each of its records."""
    if shape is None:
        return value
    if isinstance(value, list):
        return [cut(each, shape) for each in value]
    return {key: cut(value[key], inner) for key, inner in shape.items() if key in value}


def plain(value: Any) -> Any:
    """Something to compare that does not know the order of lists."""
    if isinstance(value, dict):
        return tuple(sorted((key, plain(each)) for key, each in value.items()))
    if isinstance(value, list):
        return tuple(sorted((plain(each) for each in value), key=repr))
    return value


def assert_same(answered: Iterable[Record], expected: Iterable[Record], where: str) -> None:
    one, other = sorted(map(plain, answered), key=repr), sorted(map(plain, expected), key=repr)
    assert one == other, where


def assert_answer(answer: Record, expected: Record) -> None:
    """What the model says of the answer itself: for rules that went, and for those that were not there, see revoke."""
    if "gone" in expected:
        gone = [rule["SecurityGroupRuleId"] for rule in answer.get("RevokedSecurityGroupRules", [])]
        assert sorted(gone) == sorted(expected["gone"])
        items = sum(len(each.get(kind, [])) for each in answer.get("UnknownIpPermissions", []) for kind in KINDS)
        assert items == len(expected["unknown"])
        return
    for key, value in expected.items():
        if key == "instances":
            assert [instance["InstanceId"] for instance in answer["Instances"]] == value
        elif key == "SecurityGroupRules":
            assert [rule["SecurityGroupRuleId"] for rule in answer[key]] == value
        elif isinstance(value, dict):
            assert {inner: answer[key][inner] for inner in value} == value
        else:
            assert answer[key] == value
