"""What holds at interfaces, in plain text: ``sgsim show``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sgsim.effective import Effective, EffectiveRule
from sgsim.model import Direction, Topology
from sgsim.reports.answer import Paint, plain
from sgsim.reports.wording import interface_text, rule_text

MOST_ADDRESSES = 6  # of a group or prefix list that are spelt out


def effective_text(found: Sequence[Effective], topology: Topology, paint: Paint = plain) -> str:
    """Some paragraphs, one an interface."""
    return "\n\n".join("\n".join(_interface(each, topology, paint)) for each in found)


def _interface(each: Effective, topology: Topology, paint: Paint) -> Iterator[str]:
    interface = each.interface
    addresses = ", ".join(map(str, (*interface.addresses, *interface.prefixes))) or "no address that the snapshot says"
    where = " in ".join(name for name in (interface.subnet_id, interface.vpc_id) if name)
    yield f"{interface_text(interface)}: {addresses}" + (f", {where}" if where else "")
    if not interface.group_ids:
        yield "  No security groups: nothing is filtered here."
        return
    yield f"  Groups: {', '.join(_group(name, topology) for name in interface.group_ids)}"
    for direction in Direction:
        yield f"  {direction.capitalize()}:"
        rules = each.of(direction)
        if not rules:
            yield "    nothing"
        yield from _rules(rules, topology, paint)
    yield f"  Never filtered: {'; '.join(each.never_filtered)}."


def _rules(rules: Sequence[EffectiveRule], topology: Topology, paint: Paint) -> Iterator[str]:
    texts = [rule_text(each.rule, topology) for each in rules]
    width = max(map(len, texts), default=0)
    ids = max((len(each.rule.rule_id) for each in rules), default=0)
    for text, each in zip(texts, rules, strict=True):
        remarks = "; ".join(_remarks(each, paint))
        yield f"    {text:{width}}  {each.rule.rule_id:{ids if remarks else 0}}  {remarks}".rstrip()


def _remarks(each: EffectiveRule, paint: Paint) -> Iterator[str]:
    if each.stale:
        yield paint("stale: it matches nothing", "yellow")
    elif each.unresolved:
        yield paint("unresolved: the snapshot does not say what its peer is", "yellow")
    elif each.stands_for:
        shown = ", ".join(each.stands_for[:MOST_ADDRESSES])
        more = len(each.stands_for) - MOST_ADDRESSES
        yield shown + (f" and {more} more" if more > 0 else "")
    elif hasattr(each.rule.peer, "group_id"):
        yield "nobody has that group"
    elif hasattr(each.rule.peer, "prefix_list_id"):
        yield "the list is empty"
    if each.untracked:
        yield f"{' and '.join(each.untracked)} untracked"


def _group(group_id: str, topology: Topology) -> str:
    name = topology.groups[group_id].name
    return f"{name} ({group_id})" if name and name != group_id else group_id
