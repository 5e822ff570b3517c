"""What a change did: the engine's comparison with the rules before it, against the plain judge's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import zip_longest
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.engine import BY_RULES, Comparison, Effect, ReferenceEngine, Simulator, concerned, simulator
from sgsim.layout import PacketColumns, verdicts_of
from tests.differential.compare import copied
from tests.differential.test_changes import story
from tests.differential.test_streams import pieces
from tests.differential.worlds import columns_of, hosts_of, settings_of, stream_of, topology_of


def compared_world(seed: int, lengths: Sequence[int] = (30, 150, 600)) -> np.ndarray:
    """A world in which something is changed now and then; each change is compared till the next one. The sum of what
    the changes did."""
    rng = random.Random(seed)
    hosts = hosts_of(rng)
    topology, how = topology_of(rng, hosts), settings_of(rng)
    packets = stream_of(rng, hosts, rng.choice(lengths))
    batches = [columns_of(packets[begin:end]) for begin, end in pieces(rng, len(packets))]
    changes = dict(story(rng, topology, hosts, len(batches), rng.choice((1.0, 0.3, 0.1))))
    selected = [f"eni-{n}" for n in range(6) if rng.random() < 0.6] if rng.random() < 0.2 else None
    engines = Simulator(topology, how, selected), ReferenceEngine(topology, how, selected)
    comparisons: list[Comparison] = []
    held, names = topology, set()
    total = np.zeros(len(Effect._fields), dtype=np.int64)
    for number, columns in enumerate(batches):
        for later in changes.get(number, ()):
            total += np.array(comparisons[0].effect() if comparisons else 0)
            names = concerned(held, later)
            with patch.object(
                simulator, "_KEPT", (0, 1 << 30)[(seed + number) % 2]
            ):  # tables of their own, or the engine's
                comparisons = [engine.compare(names).another() for engine in engines]
            held = later
            for engine in engines:
                engine.change(later)
        for engine, comparison in zip_longest(engines, comparisons):
            mine = copied(columns)
            verdicts = engine.judge_columns(mine)
            if comparison:
                there = [engine.interfaces[place].interface_id in names for place in verdicts.interface]
                asked = BY_RULES[verdicts.reason] & np.array(there, dtype=np.bool_)
                comparison.add(mine, verdicts_of(verdicts.rows[asked]))
        assert len({comparison.effect() for comparison in comparisons}) <= 1, f"seed {seed}, batch {number}"
    return total + np.array(comparisons[0].effect() if comparisons else 0)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_no_change_is_told_differently(seed):
    """Hypothesis picks the seeds; a failing one is kept and can be replayed."""
    compared_world(seed)


def test_changes_do_something():
    """The comparison is worth something: over some seeds flows are admitted and dropped because of changes."""
    assert sum(compared_world(seed) for seed in range(40)).min() > 10


def skipping_world(seed: int) -> tuple[int, int]:
    """Two engines: one is told every change, the other only those that concern some interface. How many there were,
    and how many of them it was told."""
    rng = random.Random(seed)
    hosts = hosts_of(rng)
    topology, how = topology_of(rng, hosts), settings_of(rng)
    packets = stream_of(rng, hosts, rng.choice((30, 150)))
    batches = [columns_of(packets[begin:end]) for begin, end in pieces(rng, len(packets))]
    changes = dict(story(rng, topology, hosts, len(batches), 1.0))
    every, some = Simulator(topology, how), Simulator(topology, how)
    held, told = topology, 0
    for number, columns in enumerate(batches):
        for later in changes.get(number, ()):
            every.change(later)
            if concerned(held, later):
                some.change(later)
                held = later
                told += 1
        one, other = copied(columns), copied(columns)
        assert shown(every, one) == shown(some, other), f"seed {seed}, batch {number}"
    return sum(map(len, changes.values())), told


def shown(engine: Simulator, columns: PacketColumns) -> list[tuple[object, ...]]:
    """The observations, with rules by their names: engines that know of more rules number them differently."""
    found = engine.judge_columns(columns)
    names = [
        None if number < 0 else (engine.rules[number].group_id, engine.rules[number].rule_id) for number in found.rule
    ]
    places = [engine.interfaces[place].interface_id for place in found.interface]
    columns_shown = (found.packet, found.direction, found.reason, found.flags)
    return list(zip(*(each.tolist() for each in columns_shown), places, names, strict=True))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_changes_that_concern_nobody_change_nothing(seed):
    """An engine need not be told of them: its tables would be compiled for nothing."""
    skipping_world(seed)


def test_some_changes_concern_nobody():
    """The test above skips some changes, and not all."""
    found = [skipping_world(seed) for seed in range(15)]
    every, told = map(sum, zip(*found, strict=True))
    assert 0.2 * every < told < 0.95 * every
