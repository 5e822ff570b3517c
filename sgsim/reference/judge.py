"""The order of the questions at a gate, the entries and marks they leave, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from sgsim.model import (
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Address,
    Decision,
    Direction,
    FragmentKind,
    Fragments,
    Interface,
    Midstream,
    Packet,
    Reason,
    Rule,
    Settings,
    Skip,
    TcpPickup,
    Topology,
    Verdict,
)
from sgsim.reference.packets import (
    FIN,
    REPLIES,
    RST,
    SYN,
    FlowKey,
    example,
    flow_key,
    is_opening,
    is_syn,
    makes_entry,
    reverse,
)
from sgsim.reference.rules import RuleBook
from sgsim.reference.states import CLOSING, ESTABLISHED, OPENING, RESET, Datagram, DeadMark, Entry, Fate

SECOND = 1_000_000_000  # nanoseconds
MIDSTREAM_LIMIT = 1 << 20  # distinct flows that are counted as older than the capture

# Multicast and broadcast destinations (section 2.5): RFC 5771, RFC 919, RFC 4291.
MANY = (IPv4Network("224.0.0.0/4"), IPv4Network("255.255.255.255/32"), IPv6Network("ff00::/8"))


class ReferenceJudge:
    """Judges packets one at a time, in the order of the merged stream.

    ``selected`` are the ids of the interfaces that are guarded, or what is true of them (all when None); the others are
    open gates. ``rulebook`` is that of the topology and settings, where there is one already.
    """

    def __init__(
        self,
        topology: Topology,
        settings: Settings | None = None,
        selected: Iterable[str] | Callable[[Interface], bool] | None = None,
        rulebook: RuleBook | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._selected = selected if selected is None or callable(selected) else frozenset(selected)
        self.clock = -(1 << 63)
        self._started_ns: int | None = None
        self._hold(topology, rulebook)
        self._entries: dict[str, dict[FlowKey, Entry]] = {i.interface_id: {} for i in self.interfaces}
        self._marks: dict[str, dict[FlowKey, DeadMark]] = {i.interface_id: {} for i in self.interfaces}
        self._fates: dict[Datagram, Fate] = {}
        self._midstream: set[tuple[str, FlowKey]] = set()

    def _hold(self, topology: Topology, rulebook: RuleBook | None = None) -> None:
        """The topology holds from now on, whatever is remembered."""
        self.topology = topology
        self.interfaces = [i for i in topology.interfaces.values() if self._guards(i)]
        self._exact = {address: i for i in self.interfaces for address in i.addresses}
        self.rulebook = rulebook or RuleBook(topology, self.settings)

    def _guards(self, interface: Interface) -> bool:
        if callable(self._selected):
            return self._selected(interface)
        return self._selected is None or interface.interface_id in self._selected

    # --- section 2: which observations a packet makes -------------------------------------------------------------

    def advance(self, time_ns: int) -> None:
        """Move the clock: it is the running maximum of the times of all packets, IP or not."""
        self.clock = max(self.clock, time_ns)
        if self._started_ns is None:
            self._started_ns = time_ns

    def judge(self, packet: Packet, at: str | None = None) -> list[Decision] | Skip:
        """The decisions about one packet, the sender's gate first, or why there is none.

        ``at``: the packet was captured at this interface, and only that one's observations are made.
        """
        self.advance(packet.time_ns)
        sender, receiver = self._owner(packet.src), self._owner(packet.dst)
        if sender is not None and sender is receiver:
            return Skip.LOCAL
        if any(packet.dst in block for block in MANY):
            receiver = None
        decisions: list[Decision] = []
        for interface, direction in ((sender, Direction.EGRESS), (receiver, Direction.INGRESS)):
            if interface is None or at not in (None, interface.interface_id):
                continue
            if decisions and decisions[0].verdict is Verdict.DROP:
                decisions.append(self._not_reached(interface, direction, packet))
            else:
                decisions.append(self._observe(interface, direction, packet))
        return decisions or Skip.NO_INTERFACE

    def _owner(self, address: Address) -> Interface | None:
        if address in self._exact:
            return self._exact[address]
        return next((i for i in self.interfaces if self.rulebook.owns(i, address)), None)

    # --- section 5: the order of the questions --------------------------------------------------------------------

    def _observe(self, interface: Interface, direction: Direction, packet: Packet) -> Decision:
        if not interface.group_ids:
            return Decision(interface.interface_id, direction, Reason.UNFILTERED)
        if self.rulebook.exempt(interface, direction, packet):
            decision = Decision(interface.interface_id, direction, Reason.EXEMPT)
        elif packet.fragment is FragmentKind.LATER:
            return self._later_fragment(interface, direction, packet)
        else:
            decision = self._filter(interface, direction, packet)
        if packet.fragment is FragmentKind.FIRST:
            self._fates[self._datagram(interface, direction, packet)] = Fate(self.clock, decision)
        return decision

    def _filter(self, interface: Interface, direction: Direction, packet: Packet) -> Decision:
        key = flow_key(direction, packet)
        entry = self._live_entry(interface, key)
        if entry and not (is_syn(packet) and entry.state in (CLOSING, RESET)):
            self._refresh(interface, entry, direction, packet)
            return Decision(interface.interface_id, direction, Reason.TRACKED, entry.rule, tracked=True)
        about = self._related_entry(interface, packet)
        if about:
            return Decision(interface.interface_id, direction, Reason.RELATED, about.rule)
        mark = self._live_mark(interface, key)
        if mark:
            self._touch(interface, mark, packet)
            from_marked_side = mark.sender_is_local == (direction is Direction.EGRESS)
            if not (is_syn(packet) or (packet.protocol != TCP and from_marked_side)):
                return Decision(interface.interface_id, direction, Reason.NOT_REACHED)
        decision = self._by_rules(interface, direction, packet, key, entry, mark)
        if key is not None and decision.verdict is Verdict.ALLOW:
            self._marks[interface.interface_id].pop(key, None)
        elif not mark and not entry and is_opening(packet):
            self._mark_dead(interface, direction, packet, key)
        return decision

    def _by_rules(
        self,
        interface: Interface,
        direction: Direction,
        packet: Packet,
        key: FlowKey | None,
        entry: Entry | None,
        mark: DeadMark | None,
    ) -> Decision:
        matching = self.rulebook.matching_rules(interface, direction, packet)
        if not matching:
            older = None if entry or mark or key is None else self._rule_of_reverse(interface, direction, packet)
            if older and key is not None and self.settings.midstream is Midstream.ASSUME:
                return self._assume(interface, direction, packet, key, older)
            unresolved = self.rulebook.unresolved_rules(interface, direction, packet)
            reason = Reason.UNRESOLVED if unresolved else Reason.NO_RULE
            midstream = older is not None and key is not None and self._is_new_midstream(interface, key)
            return Decision(interface.interface_id, direction, reason, midstream=midstream)
        rule = matching[0]
        if key is None or not makes_entry(packet) or self.rulebook.untracked(interface, direction, packet):
            return Decision(interface.interface_id, direction, Reason.RULE, rule)
        if packet.protocol == TCP and not is_syn(packet) and self.settings.tcp_pickup is TcpPickup.STRICT:
            return Decision(interface.interface_id, direction, Reason.NO_STATE)
        if entry is None and self._full(interface):
            return Decision(interface.interface_id, direction, Reason.TABLE_FULL)
        self._open(interface, direction, packet, key, rule)
        return Decision(
            interface.interface_id,
            direction,
            Reason.RULE,
            rule,
            tracked=True,
            opened=True,
            replaced=entry is not None,
        )

    # --- section 7: entries, keys, timers -------------------------------------------------------------------------

    def _live_entry(self, interface: Interface, key: FlowKey | None) -> Entry | None:
        entry = self._entries[interface.interface_id].get(key) if key is not None else None
        return entry if entry and self.clock <= entry.expires_ns else None

    def _open(self, interface: Interface, direction: Direction, packet: Packet, key: FlowKey, rule: Rule) -> Entry:
        """A new entry; its initiator's packets go in ``direction``."""
        entry = Entry(direction is Direction.EGRESS, rule)
        if packet.protocol == TCP:
            entry.state = CLOSING if packet.tcp_flags & FIN else OPENING if is_syn(packet) else ESTABLISHED
        entry.expires_ns = self.clock + self._entry_timeout(interface, packet.protocol, entry)
        self._entries[interface.interface_id][key] = entry
        return entry

    def _refresh(self, interface: Interface, entry: Entry, direction: Direction, packet: Packet) -> None:
        from_initiator = entry.initiator_is_local == (direction is Direction.EGRESS)
        if packet.protocol == TCP:
            if from_initiator and entry.replied and not packet.tcp_flags & SYN:
                entry.state = max(entry.state, ESTABLISHED)
            if packet.tcp_flags & FIN:
                entry.state = max(entry.state, CLOSING)
            if packet.tcp_flags & RST:
                entry.state = RESET
        elif packet.protocol == UDP and from_initiator and entry.replied:
            entry.stream = True
        entry.replied |= not from_initiator
        entry.expires_ns = self.clock + self._entry_timeout(interface, packet.protocol, entry)

    def _entry_timeout(self, interface: Interface, protocol: int, entry: Entry) -> int:
        return self._timeout(interface, protocol, entry.state, entry.stream)

    def _timeout(self, interface: Interface, protocol: int, state: int, stream: bool) -> int:
        timeouts = self.settings.timeouts
        if protocol == TCP:
            established = interface.tcp_established_timeout or timeouts.tcp_established
            seconds = (timeouts.tcp_opening, established, timeouts.tcp_closing, timeouts.tcp_reset)[state]
        elif protocol == UDP and stream:
            seconds = interface.udp_stream_timeout or timeouts.udp_stream
        elif protocol == UDP:
            seconds = interface.udp_timeout or timeouts.udp
        else:
            seconds = timeouts.icmp if protocol in (ICMP, ICMPV6) else timeouts.other
        return seconds * SECOND

    def _full(self, interface: Interface) -> bool:
        if self.settings.conntrack_max is None:
            return False
        sharing = [interface]
        if interface.instance_id is not None:
            sharing = [i for i in self.interfaces if i.instance_id == interface.instance_id]
        return sum(self._live(i) for i in sharing) >= self.settings.conntrack_max

    def _live(self, interface: Interface) -> int:
        return sum(self.clock <= entry.expires_ns for entry in self._entries[interface.interface_id].values())

    def live_entries(self) -> int:
        """Entries that are not idle at the clock."""
        return sum(self._live(interface) for interface in self.interfaces)

    # --- section 8: ICMP errors -----------------------------------------------------------------------------------

    def _related_entry(self, interface: Interface, packet: Packet) -> Entry | None:
        if packet.quoted is None or packet.quoted.src != packet.dst:
            return None
        for direction in (Direction.EGRESS, Direction.INGRESS):
            entry = self._live_entry(interface, flow_key(direction, packet.quoted))
            if entry:
                return entry
        return None

    # --- section 9: fragments -------------------------------------------------------------------------------------

    def _datagram(self, interface: Interface, direction: Direction, packet: Packet) -> Datagram:
        protocol = packet.protocol if packet.src.version == 4 else None
        return Datagram(interface.interface_id, direction, packet.src, packet.dst, protocol, packet.fragment_id)

    def _later_fragment(self, interface: Interface, direction: Direction, packet: Packet) -> Decision:
        if self.settings.fragments is Fragments.PERMIT:
            return Decision(interface.interface_id, direction, Reason.FRAGMENT)
        if self.settings.fragments is Fragments.DROP:
            return Decision(interface.interface_id, direction, Reason.LATER_FRAGMENT)
        first = self._fates.get(self._datagram(interface, direction, packet))
        if first and self.clock - first.time_ns <= self.settings.timeouts.fragment * SECOND:
            return replace(first.decision, opened=False, replaced=False, midstream=False)
        matching = self.rulebook.matching_rules(interface, direction, packet)
        if matching:
            return Decision(interface.interface_id, direction, Reason.FRAGMENT, matching[0])
        return Decision(interface.interface_id, direction, Reason.LATER_FRAGMENT)

    # --- section 10: closed loop ----------------------------------------------------------------------------------

    def _not_reached(self, interface: Interface, direction: Direction, packet: Packet) -> Decision:
        key = flow_key(direction, packet)
        if key is not None and self._filters(interface, key):
            mark = self._live_mark(interface, key)
            if mark:
                self._touch(interface, mark, packet)
            elif is_opening(packet) and not self._live_entry(interface, key):
                self._mark_dead(interface, direction, packet, key)
        return Decision(interface.interface_id, direction, Reason.NOT_REACHED)

    def _filters(self, interface: Interface, key: FlowKey) -> bool:
        """Whether the flow is asked for anything there: of one that never is, nothing is kept."""
        return bool(interface.group_ids) and not self.rulebook.exempt(interface, Direction.EGRESS, example(key))

    def _live_mark(self, interface: Interface, key: FlowKey | None) -> DeadMark | None:
        mark = self._marks[interface.interface_id].get(key) if key is not None else None
        return mark if mark and self.clock <= mark.expires_ns else None

    def _mark_dead(self, interface: Interface, direction: Direction, packet: Packet, key: FlowKey | None) -> None:
        if key is None or self.settings.open_loop:
            return
        mark = DeadMark(direction is Direction.EGRESS)
        self._touch(interface, mark, packet)
        self._marks[interface.interface_id][key] = mark

    def _touch(self, interface: Interface, mark: DeadMark, packet: Packet) -> None:
        mark.packets += 1
        if packet.protocol == TCP:
            flags = packet.tcp_flags
            seen = RESET if flags & RST else CLOSING if flags & FIN else OPENING if flags & SYN else ESTABLISHED
            mark.state = max(mark.state, seen)
        mark.expires_ns = self.clock + self._timeout(interface, packet.protocol, mark.state, mark.packets > 1)

    # --- section 10: flows that may be older than the capture -------------------------------------------------------

    def _rule_of_reverse(self, interface: Interface, direction: Direction, packet: Packet) -> Rule | None:
        """The first rule that admits the packet's reverse, if its flow may be older than the capture."""
        if packet.protocol == TCP:
            if is_syn(packet):
                return None
        elif packet.icmp_type is not None and packet.icmp_type not in REPLIES[packet.protocol]:
            return None
        else:
            timeouts = self.settings.timeouts
            longest = {UDP: timeouts.udp_stream, ICMP: timeouts.icmp, ICMPV6: timeouts.icmp}
            seconds = longest.get(packet.protocol, timeouts.other)
            if self.clock - (self._started_ns or 0) > seconds * SECOND:
                return None
        matching = self.rulebook.matching_rules(interface, direction.opposite, reverse(packet))
        return matching[0] if matching else None

    def _is_new_midstream(self, interface: Interface, key: FlowKey) -> bool:
        """Whether the flow is counted now: each once, up to a bound."""
        if len(self._midstream) >= MIDSTREAM_LIMIT or (interface.interface_id, key) in self._midstream:
            return False
        self._midstream.add((interface.interface_id, key))
        return True

    def _assume(self, interface: Interface, direction: Direction, packet: Packet, key: FlowKey, rule: Rule) -> Decision:
        """The packet belongs to a connection that the other side opened under ``rule``, before the capture."""
        if packet.protocol == TCP and packet.tcp_flags & RST:
            return Decision(interface.interface_id, direction, Reason.ASSUMED, rule)
        if packet.protocol == TCP and self.settings.tcp_pickup is TcpPickup.STRICT:
            return Decision(interface.interface_id, direction, Reason.NO_STATE)
        if self._full(interface):
            return Decision(interface.interface_id, direction, Reason.TABLE_FULL)
        self._open(interface, direction.opposite, packet, key, rule).replied = True
        return Decision(interface.interface_id, direction, Reason.ASSUMED, rule, tracked=True, opened=True)

    def rules_said(self, packet: Packet, interface_id: str, direction: Direction) -> bool | None:
        """Whether the rules alone admit the packet at this gate, or are not asked there; None where it meets another
        gate, or none. Nothing is remembered."""
        owner = self._owner(packet.src if direction is Direction.EGRESS else packet.dst)
        if owner is None or owner.interface_id != interface_id:
            return None
        if not owner.group_ids or self.rulebook.exempt(owner, direction, packet):
            return True
        return bool(self.rulebook.matching_rules(owner, direction, packet))

    # --- section 11: changes --------------------------------------------------------------------------------------

    def change(self, topology: Topology) -> None:
        """From the next packet on this topology holds. Entries and marks stay, whatever the rules are now; so do the
        fates of first fragments: later ones share them (section 9), though the first was judged by other rules."""
        before = {(i.interface_id, i.instance_id) for i in self.interfaces}
        self._hold(topology)
        attached = {i.interface_id: i for i in self.interfaces if (i.interface_id, i.instance_id) in before}

        def is_there(interface_id: str, local: Address, remote: Address) -> bool:
            """Whether the interface was not detached, still owns the one address and does not own the other."""
            interface = attached.get(interface_id)
            return interface is not None and self._owner(local) is interface is not self._owner(remote)

        def goes_on(interface: Interface, key: FlowKey) -> bool:
            return is_there(interface.interface_id, key.local, key.remote) and self._filters(interface, key)

        for tables in (self._entries, self._marks):
            old: dict[str, dict[FlowKey, Any]] = {**tables}
            tables.clear()
            for i in self.interfaces:
                tables[i.interface_id] = {k: v for k, v in old.get(i.interface_id, {}).items() if goes_on(i, k)}
        self._midstream = {(name, key) for name, key in self._midstream if is_there(name, key.local, key.remote)}
        self._fates = {whole: fate for whole, fate in self._fates.items() if is_there(*whole.ends())}
