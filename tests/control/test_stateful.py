"""The control plane and the plain model of it, called at random: both say and describe the same, whatever is called."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sgsim.control import Quotas
from tests.control import naive, offers
from tests.control.judging import assert_judged_alike, assert_topology
from tests.control.looks import look
from tests.control.sound import assert_sound
from tests.control.twins import Twins

RANDOM = st.randoms(use_true_random=False)

#: Quotas that are soon met.
SMALL = {
    "rules_per_security_group": (2, 3, 5, 20),
    "security_groups_per_interface": (1, 2),
    "security_groups_per_region": (6, 9),
    "prefix_lists_per_region": (1, 3),
    "entries_per_prefix_list": (2, 4),
    "versions_per_prefix_list": (1, 2, 3),
    "interfaces_per_region": (2, 4),
    "vpcs_per_region": (3, 4),
    "peerings_per_vpc": (1, 2),
}
DAY = 86_400  # seconds


def some_quotas(rng: Random, chance: float) -> dict[str, int]:
    return {name: rng.choice(values) for name, values in SMALL.items() if rng.random() < chance}


class ControlPlane(RuleBasedStateMachine):
    """Every call is checked by ``Twins``; what has to hold of everything, after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sgsim-"))
        self.number = 0
        self.whole = False  # nothing has failed

    def teardown(self) -> None:
        """What there is at the end is loaded again, as at times on the way."""
        try:
            if self.whole:
                self.twins.reload(self.new_place())
        finally:
            shutil.rmtree(self.folder)

    def new_place(self) -> Path:
        """A path that nothing has."""
        self.number += 1
        return self.folder / str(self.number)

    @initialize(rng=RANDOM)
    def begin(self, rng: Random) -> None:
        self.twins = Twins(Quotas().adjusted(**some_quotas(rng, rng.choice((0, 0.4, 0.7)))))
        self.twins.begin()

    def offer(self, rng: Random, topic: str) -> None:
        self.whole = False
        account, operation, params = offers.likely(rng, self.twins.world, offers.TOPICS[topic])
        answer = self.twins.call(account, operation, params)
        note(f"{account} {operation} {params}: {'refused' if answer is None else answer}")

    @rule(rng=RANDOM)
    def call_for_rules(self, rng: Random) -> None:
        self.offer(rng, "rules")

    @rule(rng=RANDOM)
    def call_for_groups(self, rng: Random) -> None:
        self.offer(rng, "groups")

    @rule(rng=RANDOM)
    def call_for_lists(self, rng: Random) -> None:
        self.offer(rng, "lists")

    @rule(rng=RANDOM)
    def call_for_networks(self, rng: Random) -> None:
        self.offer(rng, "networks")

    @rule(rng=RANDOM)
    def call_for_peerings(self, rng: Random) -> None:
        self.offer(rng, "peerings")

    @rule(rng=RANDOM)
    def call_for_interfaces(self, rng: Random) -> None:
        self.offer(rng, "interfaces")

    @rule(rng=RANDOM)
    def call_for_instances(self, rng: Random) -> None:
        self.offer(rng, "instances")

    @rule(rng=RANDOM, pause=st.sampled_from(("look", "look", "judge", "load", "adjust", "wait")))
    def pause(self, rng: Random, pause: str) -> None:
        """Look at a part of what there is, judge packets, go on from what was written, get other quotas, or wait for
        requests to expire."""
        self.whole = False
        if pause == "look":
            look(rng, self.twins)
        elif pause == "judge":
            place = self.new_place()
            place.mkdir()
            assert_judged_alike(rng, self.twins, place)
        elif pause == "load":
            self.twins.reload(self.new_place())
        elif pause == "adjust":
            self.twins.adjust(**some_quotas(rng, 0.3))
        else:
            self.twins.pass_time(rng.choice((3_600, 4 * DAY)))

    @invariant()
    def is_sound(self) -> None:
        self.whole = False
        assert_sound(self.twins.answers, self.twins.highest)
        assert_topology(self.twins)
        self.whole = True


ControlPlane.TestCase.settings = settings(
    max_examples=settings.default.max_examples // 4,
    stateful_step_count=70,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestControlPlane = ControlPlane.TestCase


def walk(seed: int, steps: int) -> Twins:
    """The same without hypothesis, and so without its checks of everything: a long way from one seed."""
    rng = random.Random(seed)
    twins = Twins(Quotas().adjusted(**some_quotas(rng, rng.choice((0, 0.4, 0.7)))))
    twins.begin()
    for _ in range(steps):
        twins.call(*offers.likely(rng, twins.world, rng.choice(list(offers.TOPICS.values()))))
    return twins


#: Some of the codes that the calls meet, and why rules are stale.
MET = {
    "group gone",
    "peering ended",
    "association ended",
    "DependencyViolation",
    "DryRunOperation",
    "InvalidGroup.Duplicate",
    "InvalidGroup.NotFound",
    "InvalidPermission.Duplicate",
    "InvalidStateTransition",
    "InvalidSubnet.Conflict",
    "OperationNotPermitted",
    "PrefixListMaxEntriesExceeded",
    "RulesPerSecurityGroupLimitExceeded",
    "VpcLimitExceeded",
}


def test_the_calls_meet_everything() -> None:
    """The comparison is worth something: over some seeds every operation succeeds and many codes are met."""
    met: set[str] = set()
    for seed in range(40):  # some eight are enough
        met |= walk(seed, 200).met
        if met >= MET | naive.OPERATIONS:
            break
    assert met >= MET | naive.OPERATIONS
