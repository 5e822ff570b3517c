"""The service axis: protocol with port, ICMP type and code, or later fragment, as one number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.classes import Ranges, merged
from sgsim.layout import (
    FRAGMENT_SERVICES,
    ICMP_SERVICES,
    ICMPV6_SERVICES,
    OTHER_SERVICES,
    SERVICES,
    TCP_SERVICES,
    UDP_SERVICES,
)
from sgsim.model import ANY_PROTOCOL, ICMP, ICMPV6, TCP, UDP, Rule

_PORTS = {TCP: TCP_SERVICES, UDP: UDP_SERVICES}
_TYPES = {ICMP: ICMP_SERVICES, ICMPV6: ICMPV6_SERVICES}


def service_ranges(rule: Rule) -> list[tuple[int, int]]:
    """The half-open ranges of services that a rule admits; a later fragment only where the rule admits every port."""
    protocol = rule.protocol
    fragment = (FRAGMENT_SERVICES + protocol, FRAGMENT_SERVICES + protocol + 1)
    if protocol == ANY_PROTOCOL:
        return [(0, SERVICES)]
    first, last = rule.from_port, rule.to_port
    if protocol in _PORTS and first is not None and last is not None:
        ports = (_PORTS[protocol] + first, _PORTS[protocol] + last + 1)
        return [ports, fragment] if (first, last) == (0, 65535) else [ports]
    if protocol in _TYPES and first is not None and last is not None:
        base = _TYPES[protocol]
        if first == -1:
            return [(base, base + (1 << 16)), fragment]
        code = max(last, 0)
        return [(base + first * 256 + code, base + first * 256 + (255 if last == -1 else code) + 1)]
    return [(OTHER_SERVICES + protocol, OTHER_SERVICES + protocol + 1), fragment]


class ServiceLine:
    """Services, cut wherever a rule's range begins or ends."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        cuts = {0}
        for rule in rules:
            for ends in service_ranges(rule):
                cuts.update(ends)
        self._starts = np.array(sorted(cuts - {SERVICES}), dtype=np.int64)
        self.count = len(self._starts)

    def ranges(self, rule: Rule) -> Ranges:
        """The rule's services as disjoint half-open ranges of intervals."""
        found = [tuple(np.searchsorted(self._starts, ends).tolist()) for ends in service_ranges(rule)]
        return merged(found)

    def intervals(self) -> NDArray[np.uint32]:
        """The interval of each service, shape (SERVICES,)."""
        lengths = np.diff(np.append(self._starts, SERVICES))
        return np.repeat(np.arange(self.count, dtype=np.uint32), lengths)
