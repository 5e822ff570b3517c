"""Flow log lines read in plain Python, word by word: what the kernels are held against. Shares no code with them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

V2 = ["version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets"]
V2 += ["bytes", "start", "end", "action", "log-status"]

WORDS = {
    "action": {"ACCEPT", "REJECT", "-"},
    "flow-direction": {"ingress", "egress", "-"},
    "log-status": {"OK", "NODATA", "SKIPDATA"},
}
MOST = {"srcport": 65535, "dstport": 65535, "protocol": 255, "tcp-flags": 255, "start": 2**33, "end": 2**33}
MOST |= {"packets": 2**62, "bytes": 2**62}
ADDRESSES = ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr")


def read(line: str, names: list[str]) -> dict[str, Any] | str | None:
    """A record's fields; why it is none ("no_data", "skip_data", "not_ip", "malformed"); None for a blank line."""
    words = line.replace("\t", " ").replace("\r", " ").split(" ")
    words = [word for word in words if word]
    if not words:
        return None
    if len(words) > len(names):
        return "malformed"
    given = dict(zip(names, words, strict=False))
    if given.get("log-status") == "NODATA":
        return "no_data"
    if given.get("log-status") == "SKIPDATA":
        return "skip_data"
    if given.get("type") == "EFA":
        return "not_ip"
    if len(words) < len(names):
        return "malformed"
    src = given.get("srcaddr", "-") if given.get("srcaddr", "-") != "-" else given.get("pkt-srcaddr", "-")
    dst = given.get("dstaddr", "-") if given.get("dstaddr", "-") != "-" else given.get("pkt-dstaddr", "-")
    try:
        values(given)
        if "log-status" not in names and src == dst == "-":
            return "no_data"
        return record(given, src, dst)
    except ValueError:
        return "malformed"


def is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def values(given: dict[str, str]) -> dict[str, int | None]:
    """The numbers. Raises ValueError where a field makes no sense."""
    for name, choices in WORDS.items():
        if given.get(name, "-") not in choices and name in given:
            raise ValueError(name)
    for name in ADDRESSES:
        if given.get(name, "-") != "-" and not is_address(given[name]):
            raise ValueError(name)
    if len(given.get("interface-id", "-").encode()) > 64:
        raise ValueError("interface-id")
    return {name: number(given.get(name, "-"), most) for name, most in MOST.items()}


def record(given: dict[str, str], src: str, dst: str) -> dict[str, Any]:
    """Raises ValueError where the fields together make no sense."""
    numbers = values(given)
    versions = {ip_address(each).version for each in (src, dst, *(given.get(n, "-") for n in ADDRESSES)) if each != "-"}
    if len(versions) != 1 or "-" in (src, dst) or numbers["protocol"] is None:
        raise ValueError("addresses, protocol")
    if numbers["protocol"] in (6, 17) and None in (numbers["srcport"], numbers["dstport"]):
        raise ValueError("ports")
    start = numbers["start"] if numbers["start"] is not None else numbers["end"]
    if start is None:
        raise ValueError("times")
    return {
        "id": None if given.get("interface-id", "-") == "-" else given["interface-id"],
        "src": ip_address(src),
        "dst": ip_address(dst),
        "pkt_src": own(given, "srcaddr"),
        "pkt_dst": own(given, "dstaddr"),
        "src_port": numbers["srcport"] or 0,
        "dst_port": numbers["dstport"] or 0,
        "protocol": numbers["protocol"],
        "packets": numbers["packets"],
        "bytes": numbers["bytes"],
        "start": start,
        "end": max(start, numbers["end"] if numbers["end"] is not None else start),
        "action": given.get("action", "-"),
        "tcp_flags": numbers["tcp-flags"],
        "direction": given.get("flow-direction", "-"),
        "blocked": given.get("reject-reason") == "BPA",
    }


def own(given: dict[str, str], name: str) -> Any:
    """pkt-srcaddr (pkt-dstaddr) where it is given beside srcaddr."""
    mine = given.get(f"pkt-{name}", "-")
    return None if "-" in (mine, given.get(name, "-")) else ip_address(mine)


def number(text: str, most: int) -> int | None:
    if text == "-":
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > most:
        raise ValueError(text)
    return int(text)
