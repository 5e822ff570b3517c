"""CloudTrail's events, made up in its form."""

from __future__ import annotations

from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"
RETURNED = {"requestId": "1-2", "_return": True}


def event(name: str, request: Any = None, response: Any = None, **others: Any) -> dict[str, Any]:
    """An event as CloudTrail writes it; made up."""
    return {
        "eventVersion": "1.10",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAX:deploy", "accountId": ACCOUNT},
        "eventTime": "2026-05-04T12:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "made-up",
        "requestParameters": request,
        "responseElements": response,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **others,
    }


def newer(name: str, request: dict[str, Any], response: dict[str, Any] | None = None) -> dict[str, Any]:
    """An event of one of the newer calls: request and answer under their names."""
    answer = {f"{name}Response": {"xmlns": "http://ec2.example/", "requestId": "1-2", **(response or {})}}
    return event(name, {f"{name}Request": request}, answer)


PEERING = {
    "vpcPeeringConnectionId": "pcx-1",
    "requesterVpcInfo": {"vpcId": "vpc-1", "ownerId": ACCOUNT, "cidrBlock": "10.0.0.0/16", "region": REGION},
    "accepterVpcInfo": {"vpcId": "vpc-2", "ownerId": "444455556666", "region": REGION},
    "status": {"code": "initiating-request", "message": "Initiating Request"},
}
PEERING_READ = {
    "VpcPeeringConnectionId": "pcx-1",
    "RequesterVpcInfo": {"VpcId": "vpc-1", "OwnerId": ACCOUNT, "CidrBlock": "10.0.0.0/16", "Region": REGION},
    "AccepterVpcInfo": {"VpcId": "vpc-2", "OwnerId": "444455556666", "Region": REGION},
    "Status": {"Code": "initiating-request", "Message": "Initiating Request"},
}
