"""VPC quotas of an account in a Region: AWS's defaults, adjustable as there."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from sgsim.control.errors import ApiError

_MOST_GROUPS_PER_INTERFACE = 16
_MOST_RULES_OF_AN_INTERFACE = 1_000  # rules for each group times groups for each interface


@dataclass(frozen=True, slots=True)
class Quotas:
    """Source: VPC user guide, "Amazon VPC quotas". Rules count for each direction and each IP family on its own."""

    security_groups_per_region: int = 2_500
    rules_per_security_group: int = 60
    security_groups_per_interface: int = 5
    prefix_lists_per_region: int = 100
    entries_per_prefix_list: int = 1_000
    versions_per_prefix_list: int = 1_000
    interfaces_per_region: int = 5_000
    vpcs_per_region: int = 5
    subnets_per_vpc: int = 200
    peerings_per_vpc: int = 50

    def covering(self, **least: int) -> Quotas:
        """The quotas, raised to what is there already: AWS must have granted it."""
        return replace(self, **{name: max(value, getattr(self, name)) for name, value in least.items()})

    def adjusted(self, **values: int) -> Quotas:
        """The quotas with some of them changed.

        Raises ApiError where AWS would not grant it: the product of rules for each group and groups for each interface
        is at most 1,000, an interface has at most 16 groups.
        """
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ApiError("NoSuchResourceException", f"no quota {name}: {', '.join(sorted(known))}")
            if value < 1:
                raise ApiError("IllegalArgumentException", f"quota {name}: {value} is below 1")
        result = replace(self, **values)
        if result.security_groups_per_interface > _MOST_GROUPS_PER_INTERFACE:
            most = _MOST_GROUPS_PER_INTERFACE
            raise ApiError("IllegalArgumentException", f"quota security_groups_per_interface: {most} is the most")
        product = result.rules_per_security_group * result.security_groups_per_interface
        if product > _MOST_RULES_OF_AN_INTERFACE:
            raise ApiError(
                "IllegalArgumentException",
                f"quota rules_per_security_group times security_groups_per_interface: {product} is above "
                f"{_MOST_RULES_OF_AN_INTERFACE}",
            )
        return result
