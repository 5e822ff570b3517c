"""The operations: importing this package registers all of their handlers (``sgsim.control.call.HANDLERS``)."""

from sgsim.control.operations import associations, groups, references, rules, subnets, vpcs

__all__ = ["associations", "groups", "references", "rules", "subnets", "vpcs"]
