"""Instances: started, stopped, terminated, described. What AWS does in the background is done at once: answers show the
state in between, the next describe the one after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from sgsim.control.answers import Shown
from sgsim.control.call import Answer, Call, handles
from sgsim.control.errors import ApiError, combination, missing
from sgsim.control.instanceanswers import (
    OF_INTERFACES,
    STATES,
    interfaces_by_instance,
    reservations,
    shown_instance,
    shown_state,
)
from sgsim.control.interfaceanswers import WANTS_PUBLIC, attachment
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.operations.attachments import detach
from sgsim.control.operations.interfaces import forget_interface, interface_filters
from sgsim.control.public import give_public, release_public
from sgsim.control.requests.instances import (
    DescribeInstanceCreditSpecifications,
    DescribeInstances,
    DescribeInstanceStatus,
    RebootInstances,
    StartInstances,
    StopInstances,
    TerminateInstances,
)
from sgsim.control.store import Fields, Instance
from sgsim.model import Interface

_RUNNING = ("running", "pending")
_STOPPED = ("stopped", "stopping")
_CREDITS = {"t2": "standard", "t3": "unlimited", "t3a": "unlimited", "t4g": "unlimited"}  # of burstable types at first


@handles(StartInstances)
def start_instances(call: Call, request: StartInstances) -> Answer:
    """Interfaces get new public addresses where they had some of Amazon's pool before."""
    changes = []
    for instance in _named(call, request.instance_ids):
        if instance.state not in (*_RUNNING, *_STOPPED):
            message = f"The instance '{instance.instance_id}' is not in a state from which it can be started."
            raise ApiError("IncorrectInstanceState", message)
        if instance.state in _RUNNING:
            changes.append(_change(instance, instance.state))
            continue
        changes.append(_change(instance, "pending"))
        _become(call, instance, "running", StateTransitionReason="", LaunchTime=call.now)
        for interface in call.interfaces_of(instance.instance_id):
            if call.papers(interface.interface_id).fields.get(WANTS_PUBLIC):
                give_public(call, interface.interface_id)
    return {"StartingInstances": changes}


@handles(StopInstances)
def stop_instances(call: Call, request: StopInstances) -> Answer:
    """Public addresses of Amazon's pool go back."""
    changes = []
    for instance in _named(call, request.instance_ids):
        if instance.state not in (*_RUNNING, *_STOPPED):
            message = f"This instance '{instance.instance_id}' is not in a state from which it can be stopped."
            raise ApiError("IncorrectInstanceState", message)
        if instance.state in _STOPPED:
            changes.append(_change(instance, instance.state))
            continue
        if call.papers(instance.instance_id).fields.get("DisableApiStop"):
            raise _protected(instance, "stopped", "disableApiStop")
        changes.append(_change(instance, "stopping"))
        _become(call, instance, "stopped", StateTransitionReason=_by_user(call))
        for interface in call.interfaces_of(instance.instance_id):
            if release_public(call, interface.interface_id):
                call.refile(interface.interface_id, **{WANTS_PUBLIC: True})
    return {"StoppingInstances": changes}


@handles(RebootInstances)
def reboot_instances(call: Call, request: RebootInstances) -> Answer:
    for instance in _named(call, request.instance_ids):
        if instance.state not in _RUNNING:
            message = f"This instance '{instance.instance_id}' is not in a state from which it can be rebooted."
            raise ApiError("IncorrectInstanceState", message)
    return {}


@handles(TerminateInstances)
def terminate_instances(call: Call, request: TerminateInstances) -> Answer:
    """They stay listed, without interfaces: some go with them, the others are available again."""
    changes = []
    for instance in _named(call, request.instance_ids):
        if instance.state == "terminated":
            changes.append(_change(instance, "terminated"))
            continue
        if call.papers(instance.instance_id).fields.get("DisableApiTermination"):
            raise _protected(instance, "terminated", "disableApiTermination")
        changes.append(_change(instance, "shutting-down"))
        for interface in call.interfaces_of(instance.instance_id):
            _leave(call, interface)
        gone = dict.fromkeys(OF_INTERFACES)
        _become(call, instance, "terminated", StateTransitionReason=_by_user(call), **gone)
    return {"TerminatingInstances": changes}


def _named(call: Call, instance_ids: Sequence[str]) -> list[Instance]:
    """Each once. Raises ApiError: none, one that is not there."""
    if not instance_ids:
        raise missing("InstanceId")
    return [call.instance(each) for each in dict.fromkeys(instance_ids)]


def _change(instance: Instance, state: str) -> Shown:
    return {
        "InstanceId": instance.instance_id,
        "CurrentState": shown_state(state),
        "PreviousState": shown_state(instance.state),
    }


def _become(call: Call, instance: Instance, state: str, **fields: object) -> None:
    call.draft.instances[instance.instance_id] = replace(instance, state=state)
    call.refile(instance.instance_id, **fields)


def _protected(instance: Instance, done: str, attribute: str) -> ApiError:
    return ApiError(
        "OperationNotPermitted",
        f"The instance '{instance.instance_id}' may not be {done}. "
        f"Modify its '{attribute}' instance attribute and try again.",
    )


def _by_user(call: Call) -> str:
    return f"User initiated ({call.now:%Y-%m-%d %H:%M:%S} GMT)"


def _leave(call: Call, interface: Interface) -> None:
    """What becomes of an interface whose instance is terminated."""
    if attachment(call, interface).get("DeleteOnTermination", interface.device_index == 0):
        forget_interface(call, interface.interface_id)
    else:
        release_public(call, interface.interface_id)
        detach(call, interface.interface_id)


# --- describe -----------------------------------------------------------------------------------------------------


class _Whole(NamedTuple):
    instance: Instance
    interfaces: list[Interface]


def _wanted(call: Call, request: DescribeInstances) -> list[_Whole]:
    """Those that the request names, or all of the caller's. Raises ApiError."""
    if request.instance_ids and request.max_results is not None:
        raise combination("The parameter instancesSet cannot be used with the parameter maxResults")
    ids = dict.fromkeys(request.instance_ids)
    instances = [call.instance(each) for each in ids] or list(call.own(call.draft.instances).values())
    interfaces = interfaces_by_instance(call)
    return [_Whole(each, interfaces.get(each.instance_id, [])) for each in instances]


@handles(DescribeInstances)
def describe_instances(call: Call, request: DescribeInstances) -> Answer:
    found = filtered(
        _wanted(call, request), request.filters, _filters(call), lambda each: call.tags(each.instance.instance_id)
    )
    page_of, token = page(found, request.max_results, request.next_token)
    shown = [(each.instance, shown_instance(call, *each)) for each in page_of]
    return answer("Reservations", reservations(call, shown), token)


def _filters(call: Call) -> dict[str, Values[_Whole]]:
    """The filters of DescribeInstances that can match something here."""
    of_interfaces = interface_filters(call)

    def field(name: str, member: str | None = None) -> Values[_Whole]:
        return lambda each: (_text(call.papers(each.instance.instance_id).fields, name, member),)

    def primary(name: str, most: int | None = None) -> Values[_Whole]:
        """A filter of interfaces, of the primary one; of its first ``most`` values."""
        return lambda each: list(of_interfaces[name](each.interfaces[0]))[:most] if each.interfaces else ()

    known: dict[str, Values[_Whole]] = {
        "architecture": field("Architecture"),
        "availability-zone": field("Placement", "AvailabilityZone"),
        "client-token": field("ClientToken"),
        "group-id": primary("group-id"),
        "group-name": primary("group-name"),
        "image-id": field("ImageId"),
        "instance-id": lambda each: (each.instance.instance_id,),
        "instance-state-code": lambda each: (str(STATES[each.instance.state]),),
        "instance-state-name": lambda each: (each.instance.state,),
        "instance-type": field("InstanceType"),
        "instance.group-id": primary("group-id"),
        "instance.group-name": primary("group-name"),
        "ip-address": primary("association.public-ip"),
        "ipv6-address": primary("ipv6-addresses.ipv6-address"),
        "key-name": field("KeyName"),
        "launch-index": field("AmiLaunchIndex"),
        "monitoring-state": field("Monitoring", "State"),
        "owner-id": lambda each: (call.papers(each.instance.instance_id).owner,),
        "placement-group-name": field("Placement", "GroupName"),
        "private-dns-name": primary("private-dns-name"),
        "private-ip-address": primary("private-ip-address", 1),
        "reason": field("StateTransitionReason"),
        "reservation-id": field("ReservationId"),
        "root-device-type": field("RootDeviceType"),
        "source-dest-check": primary("source-dest-check"),
        "subnet-id": primary("subnet-id"),
        "tenancy": field("Placement", "Tenancy"),
        "vpc-id": primary("vpc-id"),
    }
    return known | {f"network-interface.{name}": _of_any(values) for name, values in of_interfaces.items()}


def _text(fields: Fields, name: str, member: str | None) -> str | None:
    """How filters write a field, or a member of one."""
    value = fields.get(name)
    if member is not None:
        value = (value or {}).get(member)
    return None if value is None else str(value)


def _of_any(values: Values[Interface]) -> Values[_Whole]:
    return lambda each: chain.from_iterable(values(interface) for interface in each.interfaces)


@handles(DescribeInstanceStatus)
def describe_instance_status(call: Call, request: DescribeInstanceStatus) -> Answer:
    """All is well, where an instance is running."""
    found = [each.instance for each in _wanted(call, request)]
    if not request.include_all_instances:
        found = [each for each in found if each.state == "running"]

    def zone(instance: Instance) -> str | None:
        found: str | None = call.papers(instance.instance_id).fields.get("Placement", {}).get("AvailabilityZone")
        return found

    def status(instance: Instance) -> str:
        return "ok" if instance.state == "running" else "not-applicable"

    known: dict[str, Values[Instance]] = {
        "availability-zone": lambda each: (zone(each),),
        "instance-state-code": lambda each: (str(STATES[each.state]),),
        "instance-state-name": lambda each: (each.state,),
        "instance-status.status": lambda each: (status(each),),
        "system-status.status": lambda each: (status(each),),
    }
    page_of, token = page(filtered(found, request.filters, known), request.max_results, request.next_token)
    shown = []
    for each in page_of:
        details = [{"Name": "reachability", "Status": "passed"}] if each.state == "running" else []
        check = {"Details": details, "Status": status(each)}
        of_zone = {} if zone(each) is None else {"AvailabilityZone": zone(each)}
        checks = {"InstanceStatus": check, "SystemStatus": check}
        shown.append({"InstanceId": each.instance_id, "InstanceState": shown_state(each.state), **of_zone, **checks})
    return answer("InstanceStatuses", shown, token)


@handles(DescribeInstanceCreditSpecifications)
def describe_instance_credit_specifications(call: Call, request: DescribeInstanceCreditSpecifications) -> Answer:
    """Of burstable types; nothing of it is modelled, but tools that describe an instance ask."""
    shown = []
    for each in _wanted(call, request):
        fields = call.papers(each.instance.instance_id).fields
        family = str(fields.get("InstanceType", "")).partition(".")[0]
        if family in _CREDITS:
            kept = fields.get("CreditSpecification", {}).get("CpuCredits", _CREDITS[family])
            shown.append({"InstanceId": each.instance.instance_id, "CpuCredits": kept})
    known: dict[str, Values[Shown]] = {"instance-id": lambda each: (each["InstanceId"],)}
    page_of, token = page(filtered(shown, request.filters, known), request.max_results, request.next_token)
    return answer("InstanceCreditSpecifications", page_of, token)
