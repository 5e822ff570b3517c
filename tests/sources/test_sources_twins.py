"""Topologies said once more as infrastructure code: the plain judge decides alike about every packet."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.model import Interface, Reason
from sgsim.reference import ReferenceJudge
from tests.differential.worlds import hosts_of, settings_of, stream_of, topology_of
from tests.sources.twins import (
    assert_judged_alike,
    cloudformation_twin,
    logical,
    sayable,
    terraform_twin,
    with_references,
)

_PLENTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _without_timeouts(interface: Interface) -> Interface:
    return replace(interface, tcp_established_timeout=None, udp_timeout=None, udp_stream_timeout=None)


def _as_a_template_has_it(interface: Interface) -> Interface:
    return replace(interface, interface_type="interface", instance_id=None)


@_PLENTY
@given(seed=st.integers(0, 2**32))
def test_a_terraform_state_is_judged_like_its_topology(load, seed) -> None:
    """Rules written in groups and as both kinds of resources, peerings, associations, prefix lists, prefixes."""
    rng = random.Random(seed)
    hosts = hosts_of(rng)
    drawn = topology_of(rng, hosts)
    topology = sayable(with_references(drawn, rng) if rng.random() < 0.7 else drawn, _without_timeouts)
    twin = load(terraform_twin(topology, rng))
    assert_judged_alike(topology, twin, settings_of(rng), stream_of(rng, hosts, 60))


@_PLENTY
@given(seed=st.integers(0, 2**32))
def test_a_cloudformation_template_is_judged_like_its_topology(load, seed) -> None:
    """Ids and texts by references, parameters, functions and conditions; timeouts; AWS's own egress rules kept out."""
    rng = random.Random(seed)
    hosts = hosts_of(rng)
    drawn = topology_of(rng, hosts)
    topology = logical(sayable(with_references(drawn, rng) if rng.random() < 0.7 else drawn, _as_a_template_has_it))
    twin = load(cloudformation_twin(topology, rng))
    assert_judged_alike(topology, twin, settings_of(rng), stream_of(rng, hosts, 60))


def test_the_worlds_of_the_twins_are_no_desert() -> None:
    """Packets are admitted, tracked, unresolved and dropped in them: agreeing is no matter of course."""
    met: set[Reason] = set()
    for seed in range(40):
        rng = random.Random(seed)
        hosts = hosts_of(rng)
        judge = ReferenceJudge(sayable(topology_of(rng, hosts), _without_timeouts))
        for packet in stream_of(rng, hosts, 60):
            decisions = judge.judge(packet)
            met |= {each.reason for each in decisions} if isinstance(decisions, list) else set()
    assert {Reason.RULE, Reason.TRACKED, Reason.UNRESOLVED, Reason.NO_RULE, Reason.NOT_REACHED} <= met
