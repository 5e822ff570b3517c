"""The service axis: protocol with port, ICMP type and code, or later fragment, as one number."""

from __future__ import annotations

import numpy as np

from sgsim.compile.ragged import Ints
from sgsim.layout import (
    FRAGMENT_SERVICES,
    ICMP_SERVICES,
    ICMPV6_SERVICES,
    OTHER_SERVICES,
    SERVICES,
    TCP_SERVICES,
    UDP_SERVICES,
)
from sgsim.model import ANY_PROTOCOL, ICMP, ICMPV6, TCP, UDP

ABSENT = -2  # stands for a port that a rule does not give


def service_spans(protocol: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints, Ints]:
    """The half-open spans of services that rules admit: (place of the rule, begin, end), rule after rule.

    A later fragment only where the rule admits every port or type.
    """
    given = (first != ABSENT) & (last != ABSENT)
    ports = given & ((protocol == TCP) | (protocol == UDP))
    types = given & ((protocol == ICMP) | (protocol == ICMPV6))
    whatever = protocol == ANY_PROTOCOL
    base = np.where(protocol == TCP, TCP_SERVICES, UDP_SERVICES)
    base = np.where(protocol == ICMP, ICMP_SERVICES, np.where(protocol == ICMPV6, ICMPV6_SERVICES, base))
    code = base + first * 256 + np.maximum(last, 0)
    begin = np.select(
        (whatever, ports, types & (first == -1), types), (0, base + first, base, code), OTHER_SERVICES + protocol
    )
    end = np.select(
        (whatever, ports, types & (first == -1), types),
        (SERVICES, base + last + 1, base + (1 << 16), np.where(last == -1, code + 255, code) + 1),
        OTHER_SERVICES + protocol + 1,
    )
    fragments = ~whatever & ~(ports & ((first != 0) | (last != 65535))) & ~(types & (first != -1))
    begins = np.stack((begin, FRAGMENT_SERVICES + protocol), axis=1)
    ends = np.stack((end, FRAGMENT_SERVICES + protocol + 1), axis=1)
    rule, part = np.nonzero(np.stack((np.ones(len(protocol), dtype=np.bool_), fragments), axis=1))
    return rule, begins[rule, part], ends[rule, part]
