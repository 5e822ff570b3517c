"""What EC2 answers when it refuses: a code, a message, an HTTP status.

The codes are those of the EC2 API reference, "Error codes for the Amazon EC2 API"; the messages are those that were
seen in the field, where they were.
"""

from __future__ import annotations

from sgsim.errors import SgsimError


class ApiError(SgsimError):
    """A refused call. ``code`` and ``message`` are EC2's own, ``status`` is the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(f"{code}: {message}")


def missing(parameter: str) -> ApiError:
    return ApiError("MissingParameter", f"The request must contain the parameter {parameter}")


def invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValue", message)


def invalid_for(value: str, parameter: str, why: str) -> ApiError:
    return invalid(f"Value ({value}) for parameter {parameter} is invalid. {why}")


def combination(message: str) -> ApiError:
    return ApiError("InvalidParameterCombination", message)


def dependency(resource_id: str) -> ApiError:
    return ApiError("DependencyViolation", f"resource {resource_id} has a dependent object")


#: What is not there, by the prefix of its id: the codes of malformed and of unknown ids, and the message for unknown.
_KINDS: dict[str, tuple[str, str, str]] = {
    "sg": ("InvalidGroupId.Malformed", "InvalidGroup.NotFound", "The security group '{id}' does not exist"),
    "sgr": (
        "InvalidSecurityGroupRuleId.Malformed",
        "InvalidSecurityGroupRuleId.NotFound",
        "The security group rule ID '{id}' does not exist",
    ),
    "vpc": ("InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "The vpc ID '{id}' does not exist"),
    "subnet": ("InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "The subnet ID '{id}' does not exist"),
    "eni": (
        "InvalidNetworkInterfaceId.Malformed",
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID '{id}' does not exist",
    ),
    "eni-attach": (
        "InvalidAttachmentId.Malformed",
        "InvalidAttachmentID.NotFound",
        "The networkInterface attachment ID '{id}' does not exist",
    ),
    "i": ("InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "The instance ID '{id}' does not exist"),
    "pl": (
        "InvalidPrefixListId.Malformed",
        "InvalidPrefixListID.NotFound",
        "The prefix list ID '{id}' does not exist",
    ),
    "pcx": (
        "InvalidVpcPeeringConnectionId.Malformed",
        "InvalidVpcPeeringConnectionID.NotFound",
        "The vpcPeeringConnection ID '{id}' does not exist",
    ),
}


def unknown_id(kind: str, given: str) -> ApiError:
    """What EC2 says of an id that nothing of its account has: malformed, or not found."""
    malformed, not_found, message = _KINDS[kind]
    digits = given.removeprefix(kind + "-")
    if digits == given or not digits or any(digit not in "0123456789abcdef" for digit in digits):
        return ApiError(malformed, f'Invalid id: "{given}" (expecting "{kind}-...")')
    return ApiError(not_found, message.format(id=given))
