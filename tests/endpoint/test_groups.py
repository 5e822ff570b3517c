"""Security groups through boto3, as scripts use it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.clients import client

SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}


@pytest.fixture
def group(ec2) -> str:
    return ec2.create_security_group(GroupName="web", Description="of the web")["GroupId"]


def test_a_group_from_its_making_to_its_end(ec2, group):
    """Create, authorise, describe, change, revoke, delete."""
    ranges = [{"CidrIp": "192.0.2.0/24", "Description": "the office & more"}, {"CidrIp": "198.51.100.7/32"}]
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH | {"IpRanges": ranges}])
    first, second = (rule["SecurityGroupRuleId"] for rule in made["SecurityGroupRules"])
    shown = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    (permission,) = shown["IpPermissions"]
    assert permission["IpRanges"] == ranges
    assert permission["UserIdGroupPairs"] == []
    change = {"SecurityGroupRuleId": second, "SecurityGroupRule": SSH | {"ToPort": 23, "CidrIpv4": "198.51.100.0/24"}}
    assert ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[change])["Return"] is True
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[first])
    filters = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    assert [(rule["CidrIpv4"], rule["ToPort"]) for rule in rules if not rule["IsEgress"]] == [("198.51.100.0/24", 23)]
    assert ec2.delete_security_group(GroupId=group)["GroupId"] == group
    assert not ec2.describe_security_groups(Filters=filters)["SecurityGroups"]


def test_a_refusal_is_a_client_error(ec2, group):
    """Code and message as EC2 has them; nothing was changed."""
    with pytest.raises(ClientError) as error:
        ec2.create_security_group(GroupName="web", Description="again")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    assert error.value.response["Error"] == {
        "Code": "InvalidGroup.Duplicate",
        "Message": f"The security group 'web' already exists for VPC '{vpc}'",
    }
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == 2


def test_pages_are_paged(ec2):
    """boto3's paginator finds every group once."""
    names = [f"group-{number}" for number in range(12)]
    made = {ec2.create_security_group(GroupName=name, Description="one of many")["GroupId"] for name in names}
    pages = list(ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5}))
    found = [group["GroupId"] for page in pages for group in page["SecurityGroups"]]
    assert len(pages) == 3
    assert len(found) == 13
    assert made < set(found)


def test_waiters_end(ec2, group):
    """Polling for what is there is over at once."""
    ec2.get_waiter("security_group_exists").wait(GroupIds=[group], WaiterConfig={"MaxAttempts": 1})
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc], WaiterConfig={"MaxAttempts": 1})


def test_what_boto3_would_check_is_checked_here(server):
    """A client that checks nothing is answered as EC2 does."""
    careless = client(server.url, parameter_validation=False)
    with pytest.raises(ClientError, match=r"MissingParameter.*GroupDescription"):
        careless.create_security_group(GroupName="a")
    with pytest.raises(ClientError, match=r"InvalidParameterValue.*IpPermissions\.1\.FromPort"):
        careless.authorize_security_group_ingress(GroupId="sg-1", IpPermissions=[{"FromPort": "http"}])
    careless.close()
