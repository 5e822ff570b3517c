"""Connection tracking timeouts of an interface."""

from __future__ import annotations

from dataclasses import replace

from sgsim.control.errors import invalid
from sgsim.control.requests.interfaces import ConnectionTracking
from sgsim.model import Interface

#: In seconds. EC2 API reference, ConnectionTrackingSpecificationRequest.
_RANGES = {
    "TcpEstablishedTimeout": (60, 432_000),
    "UdpStreamTimeout": (60, 180),
    "UdpTimeout": (30, 60),
}


def with_tracking(interface: Interface, given: ConnectionTracking) -> Interface:
    """The interface with the timeouts that are given; others stay. Raises ApiError: one out of its range."""
    values = {
        "TcpEstablishedTimeout": given.tcp_established_timeout,
        "UdpStreamTimeout": given.udp_stream_timeout,
        "UdpTimeout": given.udp_timeout,
    }
    for name, value in values.items():
        least, most = _RANGES[name]
        if value is not None and not least <= value <= most:
            raise invalid(
                f"Value ( {value} ) for parameter {name} is invalid. Expecting a value between {least} and {most}."
            )
    return replace(
        interface,
        tcp_established_timeout=_first(given.tcp_established_timeout, interface.tcp_established_timeout),
        udp_stream_timeout=_first(given.udp_stream_timeout, interface.udp_stream_timeout),
        udp_timeout=_first(given.udp_timeout, interface.udp_timeout),
    )


def _first(given: int | None, before: int | None) -> int | None:
    return before if given is None else given


def shown_tracking(interface: Interface) -> dict[str, int]:
    """Only what was set."""
    values = {
        "TcpEstablishedTimeout": interface.tcp_established_timeout,
        "UdpStreamTimeout": interface.udp_stream_timeout,
        "UdpTimeout": interface.udp_timeout,
    }
    return {name: value for name, value in values.items() if value is not None}
