"""What a case expects of a packet, and whether the decisions about it meet that."""

from __future__ import annotations

from collections.abc import Iterable

from sgsim.checks.records import Expected
from sgsim.checks.values import plain_text
from sgsim.model import Decision, Reason, Verdict
from sgsim.sources.scenariotree import Node, near

_KEYS = ("verdict", "reason", "rule", "interface")


def expected_of(node: Node) -> Expected:
    """``allow``, ``drop``, or a mapping of verdict, reason, rule and interface. Raises InputError for anything else."""
    verdicts = [str(verdict) for verdict in Verdict]
    if not isinstance(node.value, dict):
        return Expected(_word(node, verdicts))
    members = node.members(_KEYS)
    if "verdict" not in members and "reason" not in members:
        raise node.place.refusal("has no verdict", "write allow, drop, or {verdict: drop, reason: no_rule}")
    reason = _word(members["reason"], [str(each) for each in Reason]) if "reason" in members else None
    of_reason = str(Reason(reason).verdict) if reason else None
    verdict = _word(members["verdict"], verdicts) if "verdict" in members else str(of_reason)
    if of_reason not in (None, verdict):
        raise node.place.refusal(f"the reason {reason} is one for {of_reason}, not for {verdict}", "leave one out")
    texts = {key: plain_text(members[key]) for key in ("rule", "interface") if key in members}
    if "rule" in texts and verdict == Verdict.DROP:
        raise members["rule"].place.refusal("no rule drops a packet", "expect the reason no_rule, or the interface")
    return Expected(verdict, reason, **texts)


def _word(node: Node, known: list[str]) -> str:
    text = plain_text(node)
    if text not in known:
        raise node.place.refusal(f"{text[:60]!r} is none of {', '.join(known)}", near(text, known))
    return text


def meets(expected: Expected, decisions: Iterable[Decision]) -> bool:
    """Whether a packet met what was expected. It is dropped where one gate drops it: a gate behind that one, which it
    does not reach, drops nothing, unless that is what is expected."""
    all_of_them = list(decisions)
    dropped = [each for each in all_of_them if each.verdict is Verdict.DROP]
    if not all_of_them or expected.verdict != ("drop" if dropped else "allow"):
        return False
    if expected.reason != Reason.NOT_REACHED:
        dropped = [each for each in dropped if each.reason is not Reason.NOT_REACHED] or dropped
    return any(_is_like(expected, each) for each in dropped or all_of_them)


def _is_like(expected: Expected, decision: Decision) -> bool:
    rule = decision.rule.rule_id if decision.rule else None
    return (
        expected.reason in (None, decision.reason)
        and expected.rule in (None, rule)
        and expected.interface in (None, decision.interface_id)
    )
