"""A case -> its outcome: packets and changes in the order of time, judged one by one."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sgsim.checks.records import Case, Expected, Failure, Outcome, Step
from sgsim.model import Decision, Skip, Verdict
from sgsim.plane import Plane
from sgsim.query import explained
from sgsim.reference import ReferenceJudge
from sgsim.selection import check_groups
from sgsim.sources.changes import in_order


def outcome_of(case: Case) -> Outcome:
    """Raises InputError: a change that EC2 would refuse; SelectionError: a snapshot that cannot be judged."""
    begun = time.perf_counter()
    check_groups(case.topology, case.topology.interfaces.values())
    plane = Plane(case.source, case.topology, case.changes) if case.changes else None
    judge = ReferenceJudge(case.topology, case.settings)
    changes = in_order(case.changes, case.steps[0].packet.time_ns)
    failures = []
    for step in case.steps:
        while changes and changes[0][0] <= step.packet.time_ns:
            at_ns, change = changes.pop(0)
            assert plane is not None
            refusal = plane.refusal(change, at_ns)
            if refusal is not None:
                raise change.place.refusal(f"EC2 would refuse {change.call}: {refusal[0]}: {refusal[1]}")
            judge.change(plane.snapshot())
        failure = _failure(judge, step)
        if failure is not None:
            failures.append(failure)
    return Outcome(case, tuple(failures), time.perf_counter() - begun)


def _failure(judge: ReferenceJudge, step: Step) -> Failure | None:
    decided = judge.judge(step.packet)
    decisions = [] if isinstance(decided, Skip) else decided
    if step.expected is None or _meets(step.expected, decisions):
        return None
    if not decisions:
        local = decided is Skip.LOCAL
        problem = "the packet never leaves its host" if local else "no interface of the snapshot sees the packet"
        raise step.place.refusal(problem, "take out what is expected of it")
    answer = explained(judge, step.packet, step.sender, step.receiver, decisions)
    return Failure(step, _found(decisions), answer, judge.topology)


def _meets(expected: Expected, decisions: Iterable[Decision]) -> bool:
    all_of_them = list(decisions)
    dropped = [each for each in all_of_them if each.verdict is Verdict.DROP]
    if not all_of_them or expected.verdict != ("drop" if dropped else "allow"):
        return False
    return any(_is_like(expected, each) for each in dropped or all_of_them)


def _is_like(expected: Expected, decision: Decision) -> bool:
    rule = decision.rule.rule_id if decision.rule else None
    return (
        expected.reason in (None, decision.reason)
        and expected.rule in (None, rule)
        and expected.interface in (None, decision.interface_id)
    )


def _found(decisions: Iterable[Decision]) -> str:
    parts = []
    for each in decisions:
        rule = f" {each.rule.rule_id}" if each.rule else ""
        parts.append(f"{each.verdict} {each.reason}{rule} at {each.interface_id} ({each.direction})")
    return ", then ".join(parts)
