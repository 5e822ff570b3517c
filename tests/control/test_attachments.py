"""Interfaces attached to instances, and detached."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sgsim.control import Cloud
from tests.control.calling import ACCOUNT, HOME, Account, Place, dual_stack


@pytest.fixture
def place() -> Place:
    return dual_stack()


def test_attach_and_detach(place: Place) -> None:
    instance, interface = place.instance(), place.call.interface(place.subnet)
    place.call.now_ns = 1_700_000_000_123_456_789
    attached = place.call("AttachNetworkInterface", NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=1)
    record = place.call.snapshot.interfaces[interface]
    assert (record.instance_id, record.device_index) == (instance, 1)
    shown = place.call.shown_interface(interface)
    assert shown["Status"] == "in-use"
    assert shown["Attachment"] == {
        "AttachmentId": attached["AttachmentId"],
        "AttachTime": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        "DeleteOnTermination": False,
        "DeviceIndex": 1,
        "InstanceId": instance,
        "InstanceOwnerId": ACCOUNT,
        "NetworkCardIndex": 0,
        "Status": "attached",
    }
    error = place.call.refused("DeleteNetworkInterface", NetworkInterfaceId=interface)
    assert error.code == "InvalidParameterValue"
    assert error.message == f"Network interface '{interface}' is currently in use."
    place.call("DetachNetworkInterface", AttachmentId=attached["AttachmentId"])
    assert place.call.shown_interface(interface)["Status"] == "available"
    assert "Attachment" not in place.call.shown_interface(interface)
    place.call("DeleteNetworkInterface", NetworkInterfaceId=interface)
    assert interface not in place.call.snapshot.interfaces


def test_what_keeps_an_interface_from_being_attached(place: Place) -> None:
    instance = place.instance()
    first, second = place.call.interface(place.subnet), place.call.interface(place.subnet)
    place.call("AttachNetworkInterface", NetworkInterfaceId=first, InstanceId=instance, DeviceIndex=1)
    given: dict[str, Any] = {"NetworkInterfaceId": first, "InstanceId": instance, "DeviceIndex": 2}
    assert place.call.refused("AttachNetworkInterface", **given).code == "InvalidNetworkInterface.InUse"
    given |= {"NetworkInterfaceId": second, "DeviceIndex": 1}
    assert place.call.refused("AttachNetworkInterface", **given).code == "InvalidParameterValue"
    given |= {"InstanceId": place.instance("i-0abcdef0123456789", "terminated"), "DeviceIndex": 0}
    assert place.call.refused("AttachNetworkInterface", **given).code == "IncorrectState"
    other_zone = place.call.interface(place.call.subnet(place.vpc, "10.0.2.0/24", AvailabilityZone="us-east-1b"))
    given = {"NetworkInterfaceId": other_zone, "InstanceId": instance, "DeviceIndex": 2}
    assert place.call.refused("AttachNetworkInterface", **given).code == "InvalidParameterCombination"


def test_detach_what_cannot_be_detached(place: Place) -> None:
    """The primary interface, and an attachment that is not there."""
    primary = place.call.interface(place.subnet)
    attached = place.call(
        "AttachNetworkInterface", NetworkInterfaceId=primary, InstanceId=place.instance(), DeviceIndex=0
    )
    error = place.call.refused("DetachNetworkInterface", AttachmentId=attached["AttachmentId"])
    assert error.code == "OperationNotPermitted"
    error = place.call.refused("DetachNetworkInterface", AttachmentId="eni-attach-0123456789abcdef0")
    assert error.code == "InvalidAttachmentID.NotFound"


def test_delete_on_termination(place: Place) -> None:
    """It is changed at the attachment, which must be the interface's own."""
    instance = place.instance()
    first, second = place.call.interface(place.subnet), place.call.interface(place.subnet)
    ids = [
        place.call("AttachNetworkInterface", NetworkInterfaceId=each, InstanceId=instance, DeviceIndex=n)[
            "AttachmentId"
        ]
        for n, each in enumerate((first, second))
    ]
    change: dict[str, Any] = {"AttachmentId": ids[0], "DeleteOnTermination": True}
    place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=first, Attachment=change)
    assert place.call.shown_interface(first)["Attachment"]["DeleteOnTermination"] is True
    error = place.call.refused("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=second, Attachment=change)
    assert error.code == "InvalidParameterValue"


def test_attachments_of_other_services(tmp_path: Path) -> None:
    """Interfaces of load balancers and the like are theirs."""
    (tmp_path / "snapshot.json").write_text(
        '{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-0a", "InterfaceType": "network_load_balancer",'
        ' "PrivateIpAddress": "10.0.0.9", "Status": "in-use", "RequesterManaged": true,'
        ' "Attachment": {"AttachmentId": "ela-attach-0a", "InstanceOwnerId": "amazon-elb", "DeviceIndex": 1}}]}'
    )
    loaded = Account(Cloud.load(tmp_path, ACCOUNT, HOME))
    error = loaded.refused("DetachNetworkInterface", AttachmentId="ela-attach-0a")
    assert error.code == "OperationNotPermitted"
    assert error.message == "You are not allowed to manage 'ela-attach' attachments."
    assert loaded.refused("DeleteNetworkInterface", NetworkInterfaceId="eni-0a").code == "InvalidParameterValue"
