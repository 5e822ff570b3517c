"""What Terraform's AWS provider asks of EC2 for its security group resources, call by call, through boto3.

Source: hashicorp/terraform-provider-aws, internal/service/ec2, the files named in each class. A resource is made,
read, changed and destroyed by the same calls in the same order with the same parameters as there.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.control.provider import code_of, found_group, found_rule, polled, tags_of, tolerant
from tests.control.served import Served, new_account

Permission = dict[str, Any]

EVERYTHING: Permission = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
EVERYTHING6: Permission = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


@pytest.fixture
def ec2(served: Served) -> Any:
    """A client for an account of its own."""
    return served.client(new_account())


@pytest.fixture
def vpc(ec2: Any) -> str:
    """A VPC as ``aws_vpc`` leaves it."""
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


class TestSecurityGroup:
    """``aws_security_group``: vpc_security_group.go."""

    def create(self, ec2: Any, vpc: str, ingress: list[Permission], egress: list[Permission], **tags: str) -> str:
        """The group, without the rules that AWS gives it, and with those of the configuration."""
        made = ec2.create_security_group(
            GroupName="terraform-20240102030405060700000001",
            Description="Managed by Terraform",
            VpcId=vpc,
            TagSpecifications=tags_of("security-group", **tags),
        )
        group_id = made["GroupId"]
        polled(lambda: "created" if found_group(ec2, group_id) else None, (), "created")
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[EVERYTHING])
        tolerant(
            ec2.revoke_security_group_egress,
            "InvalidPermission.NotFound",
            GroupId=group_id,
            IpPermissions=[EVERYTHING6],
        )
        assert found_group(ec2, group_id) is not None
        if ingress:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=ingress)
        if egress:
            ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=egress)
        return group_id

    def destroy(self, ec2: Any, group_id: str) -> None:
        """Interfaces that linger are looked for, the group is deleted, and looked for until it is gone."""
        lingering = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group_id]}])
        assert lingering["NetworkInterfaces"] == []
        ec2.delete_security_group(GroupId=group_id)
        polled(lambda: "there" if found_group(ec2, group_id) else None, ("there",), None)

    def test_life(self, ec2: Any, vpc: str) -> None:
        """Made, read without a difference to the configuration, changed in place, destroyed."""
        ingress = [
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "TLS from VPC"}],
                "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "TLS from VPC"}],
            }
        ]
        egress = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
        group_id = self.create(ec2, vpc, ingress, egress, Name="allow_tls")

        group = found_group(ec2, group_id)
        assert group is not None
        (read,) = group["IpPermissions"]
        assert (read["IpProtocol"], read["FromPort"], read["ToPort"]) == ("tcp", 443, 443)
        assert read["IpRanges"] == ingress[0]["IpRanges"]
        assert read["Ipv6Ranges"] == ingress[0]["Ipv6Ranges"]
        (read,) = group["IpPermissionsEgress"]
        # Absent ports are 0 to Terraform, which is what a configuration must say for -1.
        assert (read["IpProtocol"], read.get("FromPort", 0), read.get("ToPort", 0)) == ("-1", 0, 0)
        assert (read["IpRanges"], read["Ipv6Ranges"]) == (egress[0]["IpRanges"], egress[0]["Ipv6Ranges"])
        assert group["Description"] == "Managed by Terraform"
        assert group["Tags"] == [{"Key": "Name", "Value": "allow_tls"}]

        changed = [{**ingress[0], "FromPort": 8443, "ToPort": 8443}]
        assert found_group(ec2, group_id) is not None
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=ingress)
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=changed)
        ec2.delete_tags(Resources=[group_id], Tags=[{"Key": "Name", "Value": "allow_tls"}])
        ec2.create_tags(Resources=[group_id], Tags=[{"Key": "Name", "Value": "renamed"}])
        group = found_group(ec2, group_id)
        assert group is not None
        assert [each["FromPort"] for each in group["IpPermissions"]] == [8443]
        assert group["Tags"] == [{"Key": "Name", "Value": "renamed"}]

        self.destroy(ec2, group_id)

    def test_in_a_vpc_with_ipv6(self, ec2: Any) -> None:
        """The rule for IPv6 that AWS adds is revoked as well."""
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        group = found_group(ec2, self.create(ec2, vpc, [], []))
        assert group is not None
        assert group["IpPermissionsEgress"] == []

    def test_in_the_default_vpc(self, ec2: Any) -> None:
        """There a rule that is missing is no error, and the group goes without a VPC's id."""
        group_id = ec2.create_security_group(GroupName="web", Description="Managed by Terraform")["GroupId"]
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[EVERYTHING])
        answer = ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[EVERYTHING6])
        assert len(answer["UnknownIpPermissions"]) == 1
        self.destroy(ec2, group_id)

    def test_rules_for_itself_and_other_groups(self, ec2: Any, vpc: str) -> None:
        """``self`` and ``security_groups`` are read back as ids of groups of the own account."""
        other = ec2.create_security_group(GroupName="other", Description="Other", VpcId=vpc)["GroupId"]
        group_id = self.create(ec2, vpc, [], [])
        pairs = [{"GroupId": other}, {"GroupId": group_id}]
        permission = {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "UserIdGroupPairs": pairs}
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
        group = found_group(ec2, group_id)
        assert group is not None
        (read,) = group["IpPermissions"]
        assert {pair["GroupId"] for pair in read["UserIdGroupPairs"]} == {other, group_id}
        assert {pair["UserId"] for pair in read["UserIdGroupPairs"]} == {group["OwnerId"]}
        assert all("GroupName" not in pair for pair in read["UserIdGroupPairs"])

    def test_revoke_rules_on_delete(self, ec2: Any, vpc: str) -> None:
        """Two groups that name each other go once every rule that touches the first is revoked."""
        first = self.create(ec2, vpc, [], [])
        second = ec2.create_security_group(GroupName="second", Description="Second", VpcId=vpc)["GroupId"]
        for group_id, other in ((first, second), (second, first)):
            permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other}]}
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
        assert code_of(ec2.delete_security_group, GroupId=first) == "DependencyViolation"

        pages = ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": [first, second]}]
        )
        for rule in pages.build_full_result()["SecurityGroupRules"]:
            if rule["GroupId"] != first and rule.get("ReferencedGroupInfo", {}).get("GroupId") != first:
                continue
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
        self.destroy(ec2, first)

    def test_destroy_waits_for_interfaces(self, ec2: Any, vpc: str) -> None:
        """While an interface is in the group, deleting is refused with the code that the provider tries again for."""
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        group_id = self.create(ec2, vpc, [], [])
        made = ec2.create_network_interface(SubnetId=subnet, Groups=[group_id])["NetworkInterface"]
        assert code_of(ec2.delete_security_group, GroupId=group_id) == "DependencyViolation"
        ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
        self.destroy(ec2, group_id)

    def test_gone_behind_its_back(self, ec2: Any, vpc: str) -> None:
        """A group that somebody else deleted is found missing, and destroying it is no error."""
        group_id = self.create(ec2, vpc, [], [])
        ec2.delete_security_group(GroupId=group_id)
        assert found_group(ec2, group_id) is None
        assert tolerant(ec2.delete_security_group, "InvalidGroup.NotFound", GroupId=group_id) is None


class TestIngressRule:
    """``aws_vpc_security_group_ingress_rule`` and ``..._egress_rule``: vpc_security_group_ingress_rule.go."""

    @pytest.fixture
    def group(self, ec2: Any, vpc: str) -> str:
        """A group without rules."""
        group_id = ec2.create_security_group(GroupName="web", Description="Managed by Terraform", VpcId=vpc)["GroupId"]
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[EVERYTHING])
        return group_id

    @pytest.mark.parametrize("egress", [False, True], ids=["ingress", "egress"])
    def test_life(self, ec2: Any, group: str, egress: bool) -> None:
        """Made with a description and tags, read, changed in place under its id, destroyed."""
        authorize = ec2.authorize_security_group_egress if egress else ec2.authorize_security_group_ingress
        revoke = ec2.revoke_security_group_egress if egress else ec2.revoke_security_group_ingress
        ranges = [{"CidrIp": "10.0.0.0/8", "Description": "HTTP"}]
        answer = authorize(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": ranges}],
        )
        rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        ec2.create_tags(Resources=[rule_id], Tags=[{"Key": "Name", "Value": "http"}])

        rule = found_rule(ec2, rule_id, egress=egress)
        assert rule is not None
        assert rule["CidrIpv4"] == "10.0.0.0/8"
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 80, 80)
        assert (rule["GroupId"], rule["Description"]) == (group, "HTTP")
        assert rule["Tags"] == [{"Key": "Name", "Value": "http"}]
        assert found_rule(ec2, rule_id, egress=not egress) is None

        request = {"IpProtocol": "tcp", "FromPort": 53, "ToPort": 53, "CidrIpv4": "10.1.0.0/16", "Description": "DNS"}
        ec2.modify_security_group_rules(
            GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": request}]
        )
        rule = found_rule(ec2, rule_id, egress=egress)
        assert rule is not None
        assert {name: rule[name] for name in request} == request
        assert rule["Tags"] == [{"Key": "Name", "Value": "http"}]

        revoke(GroupId=group, SecurityGroupRuleIds=[rule_id])
        assert found_rule(ec2, rule_id, egress=egress) is None
        tolerated = ("InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound")
        assert tolerant(revoke, *tolerated, GroupId=group, SecurityGroupRuleIds=[rule_id]) is None

    def test_all_protocols(self, ec2: Any, group: str) -> None:
        """Ports that a configuration leaves out are -1 when read, which the provider takes for none."""
        answer = ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
        )
        rule = found_rule(ec2, answer["SecurityGroupRules"][0]["SecurityGroupRuleId"], egress=False)
        assert rule is not None
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("-1", -1, -1)

    def test_group_of_the_own_account(self, ec2: Any, group: str) -> None:
        """The referenced group is told with the account, which the provider leaves out if it is its own."""
        answer = ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group}]}],
        )
        rule = found_rule(ec2, answer["SecurityGroupRules"][0]["SecurityGroupRuleId"], egress=False)
        assert rule is not None
        assert rule["ReferencedGroupInfo"]["GroupId"] == group
        assert rule["ReferencedGroupInfo"]["UserId"] == rule["GroupOwnerId"]

    def test_destroyed_with_its_group(self, ec2: Any, group: str) -> None:
        """A rule whose group went first is found missing, and destroying it is no error."""
        answer = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[EVERYTHING])
        rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        ec2.delete_security_group(GroupId=group)
        assert found_rule(ec2, rule_id, egress=False) is None
        code = code_of(ec2.revoke_security_group_ingress, GroupId=group, SecurityGroupRuleIds=[rule_id])
        assert code in ("InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound")


class TestSecurityGroupRule:
    """``aws_security_group_rule``: vpc_security_group_rule.go. One resource may be several rules of AWS's."""

    @pytest.mark.parametrize("egress", [False, True], ids=["ingress", "egress"])
    def test_life(self, ec2: Any, vpc: str, egress: bool) -> None:
        """Made, found again in the group, described otherwise, destroyed by its values."""
        group = ec2.create_security_group(GroupName="web", Description="Managed by Terraform", VpcId=vpc)["GroupId"]
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[EVERYTHING])
        authorize = ec2.authorize_security_group_egress if egress else ec2.authorize_security_group_ingress
        revoke = ec2.revoke_security_group_egress if egress else ec2.revoke_security_group_ingress
        update = (
            ec2.update_security_group_rule_descriptions_egress
            if egress
            else ec2.update_security_group_rule_descriptions_ingress
        )
        side = "IpPermissionsEgress" if egress else "IpPermissions"

        def permission(description: str) -> Permission:
            ranges = [{"CidrIp": block, "Description": description} for block in ("10.0.0.0/16", "10.2.0.0/16")]
            return {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8080, "IpRanges": ranges}

        def read() -> list[Permission]:
            found = found_group(ec2, group)
            assert found is not None
            return found[side]

        assert read() == []
        answer = authorize(GroupId=group, IpPermissions=[permission("before")])
        assert len(answer["SecurityGroupRules"]) == 2
        (there,) = read()
        assert {each["CidrIp"] for each in there["IpRanges"]} == {"10.0.0.0/16", "10.2.0.0/16"}
        assert {each["Description"] for each in there["IpRanges"]} == {"before"}

        assert code_of(authorize, GroupId=group, IpPermissions=[permission("again")]) == "InvalidPermission.Duplicate"

        update(GroupId=group, IpPermissions=[permission("after")])
        (there,) = read()
        assert {each["Description"] for each in there["IpRanges"]} == {"after"}

        revoke(GroupId=group, IpPermissions=[permission("after")])
        assert read() == []
        gone = "InvalidPermission.NotFound"
        assert tolerant(revoke, gone, GroupId=group, IpPermissions=[permission("after")]) is None

    def test_rules_for_itself(self, ec2: Any, vpc: str) -> None:
        """``self`` with protocol -1 has ports 0 in the request, and none when it is read."""
        group = ec2.create_security_group(GroupName="web", Description="Managed by Terraform", VpcId=vpc)["GroupId"]
        pairs = [{"GroupId": group}]
        permission = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "UserIdGroupPairs": pairs}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
        found = found_group(ec2, group)
        assert found is not None
        (there,) = found["IpPermissions"]
        assert "FromPort" not in there
        assert [pair["GroupId"] for pair in there["UserIdGroupPairs"]] == pairs[0]["GroupId"].split()
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])


class TestDefaultSecurityGroup:
    """``aws_default_security_group``: vpc_default_security_group.go. It is adopted, never made or destroyed."""

    def test_life(self, ec2: Any, vpc: str) -> None:
        """Found by its name, tagged, stripped of its rules by their ids, given those of the configuration."""
        filters = [{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [vpc]}]
        (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        group_id = group["GroupId"]
        ec2.create_tags(Resources=[group_id], Tags=[{"Key": "Name", "Value": "default"}])

        assert found_group(ec2, group_id) is not None
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])
        for rule in rules["SecurityGroupRules"]:
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=group_id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
        group = found_group(ec2, group_id)
        assert group is not None
        assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])

        inward = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}
        outward = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[inward])
        ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[outward])
        group = found_group(ec2, group_id)
        assert group is not None
        assert [pair["GroupId"] for pair in group["IpPermissions"][0]["UserIdGroupPairs"]] == [group_id]
        assert group["IpPermissionsEgress"][0]["IpRanges"] == outward["IpRanges"]
        assert group["Tags"] == [{"Key": "Name", "Value": "default"}]


class TestManagedPrefixList:
    """``aws_ec2_managed_prefix_list``: vpc_managed_prefix_list.go, and its waiters in wait.go."""

    def found(self, ec2: Any, list_id: str) -> dict[str, Any] | None:
        """The one list of that id, None if it is not found or deleted."""
        answer = tolerant(ec2.describe_managed_prefix_lists, "InvalidPrefixListID.NotFound", PrefixListIds=[list_id])
        if answer is None:
            return None
        (found,) = answer["PrefixLists"]
        return None if found["State"] == "delete-complete" else found

    def state(self, ec2: Any, list_id: str) -> str | None:
        """What a waiter looks at."""
        found = self.found(ec2, list_id)
        return None if found is None else found["State"]

    def entries(self, ec2: Any, list_id: str) -> dict[str, str]:
        """The entries of the current version, and their descriptions."""
        pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=list_id)
        return {each["Cidr"]: each.get("Description", "") for each in pages.build_full_result()["Entries"]}

    def create(self, ec2: Any) -> str:
        """A list of two entries and room for five."""
        made = ec2.create_managed_prefix_list(
            AddressFamily="IPv4",
            Entries=[{"Cidr": "10.0.0.0/16", "Description": "Primary"}, {"Cidr": "10.2.0.0/16"}],
            MaxEntries=5,
            PrefixListName="All VPC CIDR-s",
            TagSpecifications=tags_of("prefix-list", Env="live"),
        )
        list_id = made["PrefixList"]["PrefixListId"]
        polled(lambda: self.state(ec2, list_id), ("create-in-progress",), "create-complete")
        return list_id

    def modify(self, ec2: Any, list_id: str, **changes: Any) -> int:
        """One change and its waiter; the version after it."""
        ec2.modify_managed_prefix_list(PrefixListId=list_id, **changes)
        polled(lambda: self.state(ec2, list_id), ("modify-in-progress",), "modify-complete")
        found = self.found(ec2, list_id)
        assert found is not None
        return found["Version"]

    def test_life(self, ec2: Any) -> None:
        """Made, read, given room and an entry, described otherwise in two calls, renamed, destroyed."""
        list_id = self.create(ec2)
        found = self.found(ec2, list_id)
        assert found is not None
        assert (found["AddressFamily"], found["MaxEntries"], found["Version"]) == ("IPv4", 5, 1)
        assert found["PrefixListName"] == "All VPC CIDR-s"
        assert found["Tags"] == [{"Key": "Env", "Value": "live"}]
        assert self.entries(ec2, list_id) == {"10.0.0.0/16": "Primary", "10.2.0.0/16": ""}

        # More room comes before the entry that needs it.
        assert self.modify(ec2, list_id, MaxEntries=6) == 1
        added = [{"Cidr": "10.1.0.0/16", "Description": "Secondary"}]
        version = self.modify(ec2, list_id, PrefixListName="All VPC CIDR-s", AddEntries=added, CurrentVersion=1)
        assert version == 2

        # EC2 takes no block in both lists, so that another description is a removal and an addition.
        version = self.modify(ec2, list_id, RemoveEntries=[{"Cidr": "10.0.0.0/16"}], CurrentVersion=version)
        again = [{"Cidr": "10.0.0.0/16", "Description": "First"}]
        version = self.modify(ec2, list_id, PrefixListName="All VPC CIDR-s", AddEntries=again, CurrentVersion=version)
        assert version == 4
        assert self.entries(ec2, list_id) == {"10.0.0.0/16": "First", "10.1.0.0/16": "Secondary", "10.2.0.0/16": ""}

        ec2.modify_managed_prefix_list(PrefixListId=list_id, PrefixListName="renamed")
        found = self.found(ec2, list_id)
        assert found is not None
        assert (found["PrefixListName"], found["Version"]) == ("renamed", 4)

        ec2.delete_managed_prefix_list(PrefixListId=list_id)
        polled(lambda: self.state(ec2, list_id), ("delete-in-progress",), None)
        gone = "InvalidPrefixListID.NotFound"
        assert tolerant(ec2.delete_managed_prefix_list, gone, PrefixListId=list_id) is None

    def test_less_room_comes_last(self, ec2: Any) -> None:
        """An entry is removed before the list is made smaller."""
        list_id = self.create(ec2)
        self.modify(ec2, list_id, RemoveEntries=[{"Cidr": "10.2.0.0/16"}], CurrentVersion=1)
        assert self.modify(ec2, list_id, MaxEntries=1) == 2
        assert self.entries(ec2, list_id) == {"10.0.0.0/16": "Primary"}

    def test_in_use(self, ec2: Any, vpc: str) -> None:
        """A list that a rule names is destroyed only when the rule is."""
        list_id = self.create(ec2)
        group = ec2.create_security_group(GroupName="web", Description="Managed by Terraform", VpcId=vpc)["GroupId"]
        answer = ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": list_id}]}
            ],
        )
        rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        rule = found_rule(ec2, rule_id, egress=False)
        assert rule is not None
        assert rule["PrefixListId"] == list_id
        ec2.delete_managed_prefix_list(PrefixListId=list_id)
        polled(lambda: self.state(ec2, list_id), ("delete-in-progress",), "delete-failed")
        ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule_id])
        ec2.delete_managed_prefix_list(PrefixListId=list_id)
        polled(lambda: self.state(ec2, list_id), ("delete-in-progress",), None)
