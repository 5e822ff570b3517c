"""Names and descriptions: what characters they may have, and how AWS says that they have others."""

from __future__ import annotations

import re

from sgsim.control.errors import ApiError, invalid, invalid_for

DEFAULT = "default"  # the name of the group that every VPC has

_MOST = 255
_SET = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
_ALLOWED = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*\Z")


def group_name(text: str) -> str:
    """A new group's name, trailing spaces trimmed.

    Source: EC2 API reference, CreateSecurityGroup: to 255 characters of the set, not starting with ``sg-``.
    Raises ApiError.
    """
    name = text.rstrip(" ")
    if not text.isascii():
        raise invalid_for(text, "GroupName", "Character sets beyond ASCII are not supported.")
    if name.startswith("sg-"):
        raise invalid_for(text, "GroupName", "Group names may not be in the format sg-*.")
    if not name:
        raise invalid_for(text, "GroupName", "The value cannot be empty")
    if len(name) > _MOST or not _ALLOWED.match(name):
        raise invalid(
            "Invalid security group name. Valid names are strings less than 256 characters from the following set:  "
            f"{_SET}"
        )
    if name.lower() == DEFAULT:
        raise ApiError("InvalidGroup.Reserved", f"Cannot use reserved security group name: {name}")
    return name


def group_description(text: str) -> str:
    """A new group's description. Raises ApiError."""
    if not text.isascii():
        raise invalid_for(text, "GroupDescription", "Character sets beyond ASCII are not supported.")
    if not text:
        raise invalid_for(text, "GroupDescription", "The value cannot be empty")
    if len(text) > _MOST or not _ALLOWED.match(text):
        raise invalid(
            "Invalid security group description. Valid descriptions are strings less than 256 characters from the "
            f"following set:  {_SET}"
        )
    return text


def rule_description(text: str | None) -> str:
    """A rule's description. Raises ApiError."""
    if text is not None and (len(text) > _MOST or not _ALLOWED.match(text)):
        raise invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: "
            f"{_SET}"
        )
    return text or ""
