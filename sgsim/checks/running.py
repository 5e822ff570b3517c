"""A case -> its outcome: packets and changes in the order of time, judged one by one."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sgsim.checks.expecting import meets
from sgsim.checks.records import Case, Failure, Outcome, Step
from sgsim.errors import SelectionError
from sgsim.model import Decision, Skip
from sgsim.plane import Plane
from sgsim.query import explained
from sgsim.reference import ReferenceJudge
from sgsim.selection import address_owners, check_groups, check_owners
from sgsim.sources.changes import in_order


def outcome_of(case: Case) -> Outcome:
    """Raises InputError: a change that EC2 would refuse, a packet that no gate sees, ends that cannot be judged."""
    begun = time.perf_counter()
    strangers = _strangers(case)
    plane = Plane(case.snapshot, case.changes) if case.changes else None
    judge = ReferenceJudge(case.topology, case.settings, lambda each: each.interface_id not in strangers)
    changes = in_order(case.changes, 0)
    failures = []
    for step in case.steps:
        while changes and changes[0][0] <= step.packet.time_ns:
            at_ns, change = changes.pop(0)
            assert plane is not None
            refusal = plane.refusal(change, at_ns)
            if refusal is not None:
                problem = f"EC2 would refuse {change.call}: {refusal[0]}: {refusal[1]}"
                raise change.place.refusal(problem, "mend the call, or take it out")
            judge.change(plane.snapshot())
        failure = _failure(judge, step)
        if failure is not None:
            failures.append(failure)
    return Outcome(case, tuple(failures), time.perf_counter() - begun)


def _strangers(case: Case) -> set[str]:
    """Interfaces that own an address of the case too, in another VPC than the one that is meant.

    Raises InputError where the case means both, or where the groups of an end are not described.
    """
    ends = {
        end.interface.interface_id: end.interface
        for step in case.steps
        for end in (step.sender, step.receiver)
        if end.interface is not None
    }
    try:
        check_groups(case.topology, ends.values())
    except SelectionError as error:
        raise case.place.refusal(str(error)) from None
    try:
        check_owners(ends.values())
    except SelectionError as error:
        raise case.place.refusal(str(error).partition(": choose with")[0], "make two cases of it") from None
    addresses = {address for step in case.steps for address in (step.packet.src, step.packet.dst)}
    owners = {
        i.interface_id for address in addresses for i in address_owners(case.topology.interfaces.values(), address)
    }
    return owners - set(ends)


def _failure(judge: ReferenceJudge, step: Step) -> Failure | None:
    decided = judge.judge(step.packet)
    decisions = [] if isinstance(decided, Skip) else decided
    if step.expected is None or meets(step.expected, decisions):
        return None
    if not decisions:
        local = decided is Skip.LOCAL
        problem = "the packet never leaves its host" if local else "no interface of the snapshot sees the packet"
        raise step.place.refusal(f"{problem}: no security group is asked", "take out what is expected of it")
    answer = explained(judge, step.packet, step.sender, step.receiver, decisions)
    return Failure(step, _found(decisions), answer, judge.topology)


def _found(decisions: Iterable[Decision]) -> str:
    parts = []
    for each in decisions:
        rule = f" {each.rule.rule_id}" if each.rule else ""
        parts.append(f"{each.verdict} {each.reason}{rule} at {each.interface_id} ({each.direction})")
    return ", then ".join(parts)
