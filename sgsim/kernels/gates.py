"""Whose gates a packet meets, and what they are to all packets of its flow whatever the rules say."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner
from sgsim.kernels.match import interval, is_exempt
from sgsim.layout import (
    INTERFACE_SHIFT,
    IS_EXEMPT,
    MANY_HOSTS,
    NEVER_ASKS,
    OWNER_SHIFT,
    RECEIVES,
    SENDS,
    SKIPS,
)
from sgsim.model import Skip

LOCAL = np.uint8(SKIPS.index(Skip.LOCAL) + 1)
NO_INTERFACE = np.uint8(SKIPS.index(Skip.NO_INTERFACE) + 1)

WAYS = (np.int64(1), np.int64(0))  # egress, then ingress


@inner
def owners(body, table):
    """(interval of the source, of the destination, sender, receiver) of a packet; -1: nobody's."""
    version = body["version"]
    source = interval(table, version, body["src_hi"], body["src_lo"])
    destination = interval(table, version, body["dst_hi"], body["dst_lo"])
    sender = (table.about[np.uint64(source)] >> OWNER_SHIFT) - 1
    receiver = (table.about[np.uint64(destination)] >> OWNER_SHIFT) - 1
    return source, destination, np.int64(sender), np.int64(receiver)


@inner
def _gate_word(body, table, interface, egress, remote, local):
    """GATE_WORD of a flow without entry at the interface that owns its local address, or 0 where nobody does."""
    if interface < 0:
        return np.int64(0)
    word = (interface << INTERFACE_SHIFT) | SENDS
    if not table.about[np.uint64(local)] & MANY_HOSTS:
        word |= RECEIVES
    if table.gates[interface]["groups"] < 0:
        word |= NEVER_ASKS
    elif is_exempt(table, body, interface, egress, remote):
        word |= NEVER_ASKS | IS_EXEMPT
    return word


@inner
def gate_words(body, table):
    """(0, GATE_WORD of the sender's gate, of the receiver's) for any packet of a flow; or (why it is skipped, 0, 0).

    The same words whichever way the packet goes.
    """
    source, destination, sender, receiver = owners(body, table)
    if sender < 0 and receiver < 0:
        return NO_INTERFACE, np.int64(0), np.int64(0)
    if sender == receiver:
        return LOCAL, np.int64(0), np.int64(0)
    near = _gate_word(body, table, sender, WAYS[0], destination, source)
    far = _gate_word(body, table, receiver, WAYS[1], source, destination)
    return np.uint8(0), near, far
