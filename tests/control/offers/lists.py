"""Calls for prefix lists."""

from __future__ import annotations

from random import Random

from tests.control.naive import Record, World
from tests.control.offers.picking import Offer, an_account, an_id, known, one_of, owner, seldom, with_tags
from tests.control.offers.values import BAD_BLOCKS, BLOCKS, BLOCKS6, DESCRIPTIONS


def entries(rng: Random, family: int, most: int = 3) -> list[Record]:
    good, bad = (BLOCKS, BLOCKS6) if family == 4 else (BLOCKS6, BLOCKS)
    made = []
    for _ in range(rng.randrange(most + 1)):
        text = {"Description": rng.choice(DESCRIPTIONS[:2])} if rng.random() < 0.3 else {}
        made.append({"Cidr": one_of(rng, good, (*BAD_BLOCKS[:5], *bad))} | text)
    return made


def create_list(rng: Random, world: World) -> Offer:
    family = rng.choice((4, 6))
    params = {
        "PrefixListName": one_of(rng, ["corp", "office"], ["com.amazonaws.mine", "n" * 256, ""]),
        "AddressFamily": one_of(rng, [f"IPv{family}"], ["IPv5"]),
        "MaxEntries": one_of(rng, [1, 2, 3, 5], [0, -1, 1001]),
        "Entries": entries(rng, family),
    }
    if seldom(rng):
        del params[rng.choice(list(params))]
    return an_account(rng), "CreateManagedPrefixList", params | with_tags(rng, "prefix-list")


def change_list(rng: Random, world: World) -> Offer:
    own = [name for name in known(world, "pl") if world.lists[name]["account"] != "AWS"]
    name = an_id(rng, world, "pl", own)
    account = owner(rng, world, "pl", name)
    listed = world.lists.get(name, {})
    version = listed.get("version", 1)
    params: Record = {"PrefixListId": name}
    if rng.random() < 0.3:
        current = one_of(rng, [version], [version + 1, 0], 0.2)
        versions = sorted(listed.get("versions", {1: {}}))
        params |= {"CurrentVersion": current, "PreviousVersion": one_of(rng, versions, [0, version + 1], 0.1)}
        return account, "RestoreManagedPrefixListVersion", params
    if rng.random() < 0.6:
        there = list(listed.get("versions", {}).get(version, {}))
        adding, removing = entries(rng, listed.get("family", 4), 2), []
        if there and rng.random() < 0.6:
            removing = [{"Cidr": one_of(rng, there, BLOCKS, 0.1)} for _ in range(rng.choice((1, 1, 2)))]
        params |= {"AddEntries": adding, "RemoveEntries": removing}
        params["CurrentVersion"] = one_of(rng, [version], [version + 1, 0], 0.2)
    if rng.random() < 0.3:
        params["PrefixListName"] = one_of(rng, ["corp", "renamed"], ["com.amazonaws", ""])
    if len(params) < 3 and (len(params) == 1 or seldom(rng, 0.3)):
        params["MaxEntries"] = one_of(rng, [1, 2, 3, 4, 6], [0, 1001])
    return account, "ModifyManagedPrefixList", params


def delete_list(rng: Random, world: World) -> Offer:
    own = [name for name in known(world, "pl") if world.lists[name]["account"] != "AWS"]
    name = an_id(rng, world, "pl", own)
    return owner(rng, world, "pl", name), "DeleteManagedPrefixList", {"PrefixListId": name}
