"""The lines of golden cases are read as they stand, and a slip of the pen is an error."""

from __future__ import annotations

import pytest

from sgsim.model import FragmentKind
from tests.golden.lines import START_NS, parse_line, parse_lines, parse_packet


def test_a_line_is_time_packet_and_observations() -> None:
    """Time to the nanosecond, both ends, flags, and one text for each gate."""
    line = parse_line(
        "1.5s+1ns  tcp 10.0.1.10:40000 > 10.0.2.20:22 SA | a egress allow  exempt | b ingress drop no_rule"
    )
    assert line.packet.time_ns == START_NS + 1_500_000_001
    assert (line.packet.src_port, line.packet.dst_port, line.packet.tcp_flags) == (40000, 22, 0x12)
    assert line.observations == ("a egress allow exempt", "b ingress drop no_rule")


def test_an_error_quotes_a_packet() -> None:
    """What stands behind `about` is the quoted packet, and the error has no ports."""
    packet = parse_packet("icmp 10.0.1.10 > 203.0.113.1 3/4 about (udp 203.0.113.1:5000 > 10.0.1.10:53)")
    assert (packet.icmp_type, packet.icmp_code, packet.src_port) == (3, 4, None)
    assert packet.quoted is not None
    assert (packet.quoted.src_port, packet.quoted.dst_port) == (5000, 53)


def test_a_later_fragment_has_no_ports() -> None:
    """Its kind and identification are all there is."""
    packet = parse_packet("udp [2001:db8::1]:1 > [2001:db8::2]:2 frag first 77")
    later = parse_packet("udp 2001:db8::1 > 2001:db8::2 frag later 77")
    assert (packet.fragment, packet.fragment_id, packet.dst_port) == (FragmentKind.FIRST, 77, 2)
    assert (later.fragment, later.fragment_id, later.dst_port) == (FragmentKind.LATER, 77, None)


def test_empty_lines_and_comments_are_passed_over() -> None:
    """They are for the reader."""
    assert [
        line.packet.protocol for line in parse_lines("\n# none\n0s proto 47 10.0.0.1 > 10.0.0.2 | skip local\n")
    ] == [47]


@pytest.mark.parametrize(
    "text",
    [
        "0s tcp 10.0.0.1:1 > 10.0.0.2:2 S",
        "0s tcp 10.0.0.1 > 10.0.0.2 S | skip local",
        "0s udp 10.0.0.1:1 > 10.0.0.2 | skip local",
        "0s udp 10.0.0.1:1 > 10.0.0.2:2 what | skip local",
        "0s udp 10.0.0.1:1 < 10.0.0.2:2 | skip local",
        "soon udp 10.0.0.1:1 > 10.0.0.2:2 | skip local",
    ],
)
def test_a_slip_of_the_pen_is_an_error(text: str) -> None:
    """The error names the line."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.1"):
        parse_line(text)
