"""Makes flow.log: what VPC Flow Logs might have recorded of the three tiers in five minutes. Run it here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

START = 1_760_000_040  # the beginning of an aggregation interval, Unix seconds
INTERVAL = 60

WEB, WEB_2, APP, DB, BASTION = "10.0.1.10", "10.0.1.11", "10.0.2.20", "10.0.2.30", "10.0.1.5"
CUSTOMER, STRANGER, OFFICE = "192.0.2.77", "192.0.2.200", "198.51.100.7"

FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status tcp-flags flow-direction"
)
TCP, UDP, ICMP = 6, 17, 1
SYN, SYN_ACK, FIN, RST = 2, 18, 1, 4

Event = tuple[int, str]  # when a record begins, its line
End = tuple[str | None, str, int]  # interface id, address, port


def record(
    at: int, lasts: int, eni: str, way: str, src: str, dst: str, ports: tuple[int, int], protocol: int, **more: object
) -> Event:
    """One record, ``at`` seconds after START; ``more``: packets, action, flags."""
    packets = int(str(more.get("packets", 10)))
    ends = f"{src} {dst} {ports[0]} {ports[1]} {protocol} {packets} {packets * 120}"
    times = f"{START + at} {START + at + lasts}"
    rest = f"{more.get('action', 'ACCEPT')} OK {more.get('flags', 0)} {way}"
    return at, f"5 123456789012 {eni} {ends} {times} {rest}"


def connection(at: int, client: End, server: End, protocol: int = TCP, minutes: int = 1) -> Iterator[Event]:
    """Both records of a connection in each interval that it lives in, at each end that is an interface (has an id)."""
    for minute in range(minutes):
        first, last = minute == 0, minute == minutes - 1
        begun, lasts = at if first else at // INTERVAL * INTERVAL + minute * INTERVAL, 20
        for asks, (source, target) in ((True, (client, server)), (False, (server, client))):
            flags = 0
            if protocol == TCP:
                flags = (SYN if asks else SYN_ACK) * first | FIN * last
            common = (source[1], target[1], (source[2], target[2]), protocol)
            for eni, way in ((source[0], "egress"), (target[0], "ingress")):
                if eni is not None:
                    yield record(begun, lasts, eni, way, *common, flags=flags, packets=20)


def rejected(at: int, eni: str, way: str, src: str, dst: str, port: int, source: int = 40_000) -> Event:
    return record(at, 3, eni, way, src, dst, (source, port), TCP, action="REJECT", flags=SYN, packets=3)


def story() -> Iterator[Event]:
    """What passes as it should: the customer, the tiers among themselves, people by the bastion, the clock."""
    yield from connection(3, (None, CUSTOMER, 50_001), ("web-1", WEB, 443), minutes=5)
    yield from connection(4, ("web-1", WEB, 41_000), ("app-1", APP, 8080), minutes=5)
    yield from connection(5, ("app-1", APP, 42_000), ("db-1", DB, 5432), minutes=4)
    yield from connection(30, (None, OFFICE, 53_000), ("bastion-1", BASTION, 22), minutes=2)
    yield from connection(31, ("bastion-1", BASTION, 43_000), ("app-1", APP, 22), minutes=2)
    yield from connection(70, ("web-1", WEB, 123), (None, "192.0.2.123", 123), UDP)
    # Pings of the office: a rule admits some type of ICMP. A stranger's: none does.
    yield record(80, 9, "web-2", "ingress", OFFICE, WEB_2, (0, 0), ICMP)
    yield record(80, 9, "web-2", "egress", WEB_2, OFFICE, (0, 0), ICMP)
    yield record(81, 9, "web-2", "ingress", STRANGER, WEB_2, (0, 0), ICMP, action="REJECT")
    # What strangers ask for, and AWS rejected.
    for n, port in enumerate((22, 23, 445, 3389, 8080)):
        yield rejected(90 + n, "web-1", "ingress", STRANGER, WEB, port, 50_000 + n)
    yield rejected(100, "bastion-1", "ingress", STRANGER, BASTION, 22)
    yield rejected(101, "db-1", "ingress", WEB, DB, 5432)
    yield rejected(101, "web-1", "egress", WEB, DB, 5432)
    # A network ACL refuses what the group lets in, and the answers to another connection.
    yield rejected(120, "web-1", "ingress", "203.0.113.9", WEB, 443, 50_100)
    yield record(130, 5, "web-2", "ingress", CUSTOMER, WEB_2, (50_200, 80), TCP, flags=SYN, packets=3)
    yield record(130, 5, "web-2", "egress", WEB_2, CUSTOMER, (80, 50_200), TCP, flags=SYN_ACK, action="REJECT")
    # The reader's late packets, after the connection was closed.
    yield record(290, 1, "db-1", "egress", DB, APP, (5432, 42_000), TCP, flags=RST, action="REJECT", packets=1)
    # An older rule let monitoring in: these groups have it no more.
    yield from connection(150, (None, OFFICE, 55_000), ("app-1", APP, 9100), minutes=2)
    # An interface that the snapshot does not have, one without traffic, and what AWS could not record.
    yield record(160, 5, "eni-0f00d", "ingress", CUSTOMER, "10.0.3.3", (50_300, 443), TCP, flags=SYN)
    for status in ("NODATA", "SKIPDATA"):
        yield 200, f"5 123456789012 bastion-1 - - - - - - - {START + 200} {START + 259} - {status} - -"


def main() -> None:
    lines = [line for _, line in sorted(story(), key=lambda event: event[0])]
    Path(__file__).with_name("flow.log").write_text("\n".join([FIELDS, *lines]) + "\n")


if __name__ == "__main__":
    main()
