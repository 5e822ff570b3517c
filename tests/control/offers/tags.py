"""Calls for tags of whatever there is."""

from __future__ import annotations

from random import Random

from tests.control.naive import Record, World
from tests.control.offers.picking import NOTHING, Offer, an_account, an_id, known, tags


def change_tags(rng: Random, world: World) -> Offer:
    account = an_account(rng)
    resources = []
    for _ in range(rng.choice((1, 1, 2))):
        kind = rng.choice(list(NOTHING))
        resources.append(an_id(rng, world, kind, known(world, kind, account)))
    given: Record = {"Resources": sorted(set(resources)), "Tags": tags(rng, rng.choice((1, 2)))}
    if rng.random() < 0.6:
        return account, "CreateTags", given
    if rng.random() < 0.3:
        del given["Tags"]
    else:
        for tag in given["Tags"]:
            if rng.random() < 0.5:
                del tag["Value"]
    return account, "DeleteTags", given
