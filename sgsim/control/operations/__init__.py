"""The operations: importing this package registers all of their handlers (``sgsim.control.call.HANDLERS``)."""

from sgsim.control.operations import (
    addresses,
    associations,
    attachments,
    attributes,
    groups,
    instanceattributes,
    instances,
    interfaces,
    launching,
    peerings,
    prefixlists,
    references,
    rules,
    subnets,
    tags,
    vpcs,
)

__all__ = [
    "addresses",
    "associations",
    "attachments",
    "attributes",
    "groups",
    "instanceattributes",
    "instances",
    "interfaces",
    "launching",
    "peerings",
    "prefixlists",
    "references",
    "rules",
    "subnets",
    "tags",
    "vpcs",
]
