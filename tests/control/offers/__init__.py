"""Random calls for a world: mostly such that succeed, from few values, so that they meet; some that do not."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from fnmatch import fnmatchcase
from random import Random

from tests.control import naive
from tests.control.naive import World
from tests.control.offers import interfaces, lists, networks, rules, tags
from tests.control.offers.picking import Offer, Offering, seldom

#: Codes that say little.
DULL = ("*.Malformed", "*.NotFound", "InvalidParameterValue", "MissingParameter", "CannotDelete", "InvalidID")

#: What is called for, by topic. Rules come with everything that they may refer to.
TOPICS: dict[str, tuple[Offering, ...]] = {
    "rules": (rules.authorize, rules.authorize, rules.revoke, rules.modify_rules, rules.describe_rules),
    "groups": (
        rules.create_group,
        rules.create_group,
        rules.delete_group,
        rules.associate,
        rules.associate,
        rules.associate,
        rules.authorize,
    ),
    "lists": (lists.create_list, lists.change_list, lists.change_list, lists.delete_list, rules.authorize),
    "networks": (
        networks.create_vpc,
        networks.change_blocks,
        networks.delete_vpc,
        networks.create_subnet,
        networks.delete_subnet,
    ),
    "peerings": (
        networks.create_peering,
        networks.answer_peering,
        networks.answer_peering,
        rules.authorize,
        rules.authorize,
    ),
    "interfaces": (
        interfaces.create_interface,
        interfaces.create_interface,
        interfaces.change_interface,
        interfaces.delete_interface,
        interfaces.attach_interface,
    ),
    "instances": (interfaces.run_instances, interfaces.change_instance, tags.change_tags),
}


def likely(rng: Random, world: World, offers: Sequence[Offering]) -> Offer:
    """A call that the model takes; at times one that it does not, seldom for no more than a bad id or value."""
    for _ in range(5):
        account, operation, params = rng.choice(offers)(rng, world)
        try:
            naive.call(deepcopy(world), account, operation, params, naive.Chosen())
        except naive.Refused as refused:
            if seldom(rng, 0.3 if all(any(fnmatchcase(c, dull) for dull in DULL) for c in refused.codes) else 0.6):
                break
        else:
            break
    return account, operation, params | ({"DryRun": True} if seldom(rng) else {})
