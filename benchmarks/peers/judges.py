"""The Python peers of matching, each a server: python -m benchmarks.peers.judges NAME FILE PACKETS

All answer with the place of the first rule that admits a packet, or -1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.cases import Rows, Tuples, read_match
from benchmarks.peers.measuring import UnavailableError
from benchmarks.peers.serving import or_unavailable, serve, timed

Judge = Callable[[], NDArray[np.int32]]


def numpy_masks(rows: Rows, tuples: Tuples) -> Judge:
    """A handful of array operations for each rule, over all packets."""
    src, port, protocol = (np.ascontiguousarray(tuples[name]) for name in ("src", "dst_port", "protocol"))
    masks = [np.uint32((0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF) for length in rows["length"].tolist()]

    def judge() -> NDArray[np.int32]:
        found = np.full(len(src), -1, dtype=np.int32)
        for row, mask in zip(rows[::-1], reversed(masks), strict=True):
            hit = (src & mask) == row["address"]
            hit &= protocol == row["protocol"]
            hit &= port >= row["first"]
            hit &= port <= row["last"]
            found[hit] = row["place"]
        return found

    return judge


@numba.njit(nogil=True)
def _first_rule(src, port, protocol, address, mask, asked, first, last, place, found):  # type: ignore[no-untyped-def]
    for i in range(len(src)):
        found[i] = -1
        for rule in range(len(address)):
            if (
                (src[i] & mask[rule]) == address[rule]
                and protocol[i] == asked[rule]
                and first[rule] <= port[i] <= last[rule]
            ):
                found[i] = place[rule]
                break


def numba_loop(rows: Rows, tuples: Tuples) -> Judge:
    """Packet by packet, rule by rule, until one admits it."""
    packets = [np.ascontiguousarray(tuples[name]) for name in ("src", "dst_port", "protocol")]
    names = ("address", "protocol", "first", "last", "place")
    address, asked, first, last, place = (np.ascontiguousarray(rows[name]) for name in names)
    mask = (0xFFFFFFFF << (32 - rows["length"].astype(np.int64)) & 0xFFFFFFFF).astype(np.uint32)
    found = np.empty(len(tuples), dtype=np.int32)

    def judge() -> NDArray[np.int32]:
        _first_rule(*packets, address, mask, asked, first, last, place, found)
        return found

    return judge


def pytricia(rows: Rows, tuples: Tuples) -> Judge:
    """The longest prefix that covers the address; then the rules of all prefixes around that one, in order."""
    try:
        from pytricia import PyTricia
    except ImportError:
        raise UnavailableError("pytricia is not installed: pip install 'sgsim[bench]'") from None
    trie = PyTricia(32)
    own: dict[str, list[tuple[int, int, int, int]]] = {}
    for row in rows:
        network = str(IPv4Network((int(row["address"]), int(row["length"]))))
        own.setdefault(network, []).append(tuple(row[name].item() for name in ("place", "protocol", "first", "last")))
    for network in own:
        trie[network] = None
    for network in own:
        around, here = list(own[network]), trie.parent(network)
        while here is not None:
            around += own[here]
            here = trie.parent(here)
        trie[network] = sorted(around)
    packets = list(zip(*(tuples[name].tolist() for name in ("src", "dst_port", "protocol")), strict=True))

    def judge() -> NDArray[np.int32]:
        found = []
        for src, port, protocol in packets:
            for place, asked, first, last in trie.get(src, ()):
                if asked == protocol and first <= port <= last:
                    found.append(place)
                    break
            else:
                found.append(-1)
        return np.array(found, dtype=np.int32)

    return judge


JUDGES: dict[str, Callable[[Rows, Tuples], Judge]] = {
    "numpy": numpy_masks,
    "numba": numba_loop,
    "pytricia": pytricia,
}


def _start() -> None:
    name, path, packets = sys.argv[1:]
    case = read_match(Path(path))
    judges: list[Judge] = []
    tuples = case.tuples[: int(packets)]
    build = timed(lambda: judges.append(JUDGES[name](case.rows, tuples)))
    judges[0]()  # what is compiled on the first call is not measured
    serve({"build_seconds": build, "packets": len(tuples)}, {"run": judges[0]}, judges[0])


if __name__ == "__main__":
    or_unavailable(_start)
