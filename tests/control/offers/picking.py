"""Picking at random what a call is about, and who makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from tests.control.calling import ACCOUNT, OTHER
from tests.control.naive import Record, World
from tests.control.offers.values import TAGS

#: The account that calls, the operation and its parameters.
Offer = tuple[str, str, Record]
Offering = Callable[[Random, World], Offer]
Value = TypeVar("Value")

NOTHING = {"sg": "sg-0123456789abcdef0", "sgr": "sgr-0123456789abcdef0", "vpc": "vpc-0123456789abcdef0"}
NOTHING |= {"pl": "pl-0123456789abcdef0", "pcx": "pcx-0123456789abcdef0", "eni": "eni-0123456789abcdef0"}
NOTHING |= {"subnet": "subnet-0123456789abcdef0", "i": "i-0123456789abcdef0"}
SELDOM = 0.03


def seldom(rng: Random, chance: float = SELDOM) -> bool:
    """The shrunk random number is 0: it says no."""
    return rng.random() >= 1 - chance


def one_of(rng: Random, good: Sequence[Value], bad: Sequence[Value], chance: float = SELDOM) -> Value:
    """Seldom a bad one; or if there is no good one."""
    return rng.choice(bad) if not good or seldom(rng, chance) else rng.choice(good)


def an_account(rng: Random) -> str:
    return rng.choice((ACCOUNT, ACCOUNT, OTHER))


def known(world: World, kind: str, account: str | None = None) -> list[str]:
    """The ids that there are of a kind, everybody's or of one account."""
    return [name for name in world.table(kind) if account is None or account in world.owners(kind, name)]


def an_id(rng: Random, world: World, kind: str, names: Sequence[str]) -> str:
    """One of them; seldom somebody else's, one that is gone, one that never was, or no id."""
    bad = [NOTHING[kind], "someid", kind + "-", *sorted(world.gone)[:3], *known(world, kind)[:3]]
    bad = [each for each in bad if each.startswith(kind + "-") or each == "someid"]
    return one_of(rng, names, bad)


def owner(rng: Random, world: World, kind: str, name: str) -> str:
    """Who calls: mostly one that sees it."""
    there = sorted(world.owners(kind, name) - {"AWS"}) if name in world.table(kind) else []
    return one_of(rng, there, (ACCOUNT, OTHER))


def chosen(rng: Random, world: World, kind: str, account: str | None = None) -> tuple[str, str]:
    """A resource, and who calls."""
    name = an_id(rng, world, kind, known(world, kind, account))
    return name, owner(rng, world, kind, name)


def tags(rng: Random, number: int | None = None) -> list[Record]:
    if seldom(rng, 0.03):
        bad: list[list[Record]] = [
            [{"Key": "", "Value": "x"}],
            [{"Key": "k" * 129, "Value": "x"}],
            [{"Key": "k", "Value": "v" * 257}],
            [{"Key": "aws:mine", "Value": "x"}],
            [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}],
            [{"Key": f"key-{n}", "Value": ""} for n in range(51)],
        ]
        return rng.choice(bad)
    keys = rng.sample(TAGS, rng.randrange(len(TAGS)) if number is None else number)
    return [{"Key": key, "Value": rng.choice(("", "a", "b" * 255, "c d"))} for key in keys]


def with_tags(rng: Random, kind: str) -> Record:
    if rng.random() < 0.8:
        return {}
    return {"TagSpecifications": [{"ResourceType": one_of(rng, [kind], ["instance", "image"]), "Tags": tags(rng)}]}
