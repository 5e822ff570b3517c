"""Random topologies and random streams: the engine and the plain judge never differ."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.model import Reason
from tests.differential.compare import assert_same
from tests.differential.worlds import columns_of, hosts_of, settings_of, stream_of, topology_of


def world(seed: int) -> set[str]:
    rng = random.Random(seed)
    hosts = hosts_of(rng)
    topology, how = topology_of(rng, hosts), settings_of(rng)
    packets = stream_of(rng, hosts, rng.choice((30, 150, 600)))
    size = rng.choice((1, 7, 64, 1000))
    return assert_same(
        topology, how, (columns_of(packets[begin : begin + size]) for begin in range(0, len(packets), size))
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_no_stream_is_judged_differently(seed):
    """Hypothesis picks the seeds; a failing one is kept and can be replayed."""
    world(seed)


def test_the_worlds_meet_every_reason():
    """The comparison is worth something: over some seeds every reason that can be given is given."""
    met = set().union(*(world(seed) for seed in range(150)))
    assert met == set(Reason)
