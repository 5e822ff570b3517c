"""Which of two ports is a server's: how records tell who asked where no flags say it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sgsim.model import TCP, UDP, Rule

WIDEST = 4_096  # ports of a rule that still names services rather than clients; a node port range has 2,768

# Ranks, the lower ones by number: RFC 6335, section 6 (system ports), and the lowest port that Linux gives a client.
_EPHEMERAL, _REGISTERED, _SYSTEM, _NAMED = range(4)
_FIRST_REGISTERED, _FIRST_EPHEMERAL = 1_024, 32_768


def port_ranks(rules: Iterable[Rule]) -> NDArray[np.uint8]:
    """uint8, shape (2, 65536), of TCP and UDP: the port of higher rank is the server's. First those that rules name,
    then system ports, registered ones, and those of clients."""
    ranks = np.full((2, 65_536), _EPHEMERAL, dtype=np.uint8)
    ranks[:, :_FIRST_EPHEMERAL] = _REGISTERED
    ranks[:, :_FIRST_REGISTERED] = _SYSTEM
    for rule in rules:
        first, last = rule.from_port, rule.to_port
        if rule.protocol in (TCP, UDP) and first is not None and last is not None and last - first < WIDEST:
            ranks[int(rule.protocol == UDP), first : last + 1] = _NAMED
    return ranks
