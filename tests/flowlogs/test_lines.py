"""Lines of text, read by the kernel and in plain Python: the same records, the same lines passed over."""

from __future__ import annotations

import random
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sgsim.captures.flowlogs.fields import FIELDS
from sgsim.kernels.fieldtext import ABSENT, WRONG, parse_addresses, parse_numbers
from tests.flowlogs import plain
from tests.flowlogs.reading import Read

ODD = ["-", "", "0", "00", "01", "65535", "65536", "255", "256", "8589934592", "8589934593", "4611686018427387904"]
ODD += ["4611686018427387905", "99999999999999999999", "+1", "1.5", "0x10", "²", "10.0.0.1", "1.2.3", "256.1.1.1"]
ODD += [
    "::",
    "2001:db8::1",
    "ACCEPT",
    "REJECT",
    "accept",
    "ingress",
    "egress",
    "OK",
    "NODATA",
    "SKIPDATA",
    "EFA",
    "BPA",
]
ODD += ["eni-1", "e" * 64, "e" * 65, "ü", "version", "1600000000000"]

GOOD = {
    "interface-id": ["eni-1", "eni-2", "-"],
    "srcaddr": ["10.0.0.1", "10.0.0.2", "2001:db8::1", "-"],
    "dstaddr": ["10.0.0.2", "203.0.113.9", "2001:db8::ffff:1.2.3.4", "-"],
    "pkt-srcaddr": ["10.0.0.1", "192.0.2.1", "2001:db8::2", "-"],
    "pkt-dstaddr": ["10.0.0.2", "192.0.2.2", "2001:db8::3", "-"],
    "srcport": ["0", "443", "65535", "-"],
    "dstport": ["0", "22", "51000", "-"],
    "protocol": ["6", "17", "1", "58", "47", "255"],
    "packets": ["1", "20", "-"],
    "bytes": ["40", "4249", "-"],
    "start": ["1700000000", "0", "-"],
    "end": ["1700000060", "1699999999", "-"],
    "action": ["ACCEPT", "REJECT", "-"],
    "log-status": ["OK", "OK", "OK", "NODATA", "SKIPDATA"],
    "tcp-flags": ["0", "2", "18", "3", "-"],
    "type": ["IPv4", "IPv6", "EFA"],
    "flow-direction": ["ingress", "egress", "-"],
    "reject-reason": ["BPA", "-"],
}


@st.composite
def logs(draw) -> tuple[list[str], list[str]]:
    """Fields in some order, and lines that mostly fit them."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    needed = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "start"]
    names = [*needed, *rng.sample([f for f in FIELDS if f not in needed], rng.randrange(12))]
    rng.shuffle(names)
    odd = rng.choice((0, 0, 0.02, 0.2))
    lines = []
    for _ in range(rng.randrange(1, 30)):
        words = [rng.choice(GOOD.get(n, ["x", "-", "12"])) if rng.random() >= odd else rng.choice(ODD) for n in names]
        if rng.random() < odd:
            words = words[: rng.randrange(len(words) + 1)] + rng.choices(ODD, k=rng.randrange(2))
        gap = rng.choice((" ", " ", " ", "  ", "\t"))
        lines.append(rng.choice(("", "", " ")) + gap.join(words) + rng.choice(("", "", "", " ", "\r", " \r")))
    return names, lines


@settings(max_examples=150, deadline=None)
@given(logs(), st.booleans(), st.booleans())
def test_every_line_is_what_plain_python_reads(tmp_path_factory, log, with_header, last_line_ends):
    """Records field by field, and lines that are no record by cause."""
    names, lines = log
    path = tmp_path_factory.mktemp("log") / "a.log"
    header = [" ".join(names)] if with_header else []
    if not with_header and len(lines[0].split()) != len(names):  # it would not be known what the fields are
        lines = [" ".join(GOOD.get(name, ["12"])[0] for name in names), *lines]
    path.write_text("\n".join([*header, *lines]) + ("\n" if last_line_ends else ""))
    found = Read(path, fields=None if with_header else names)
    expected, skipped = {}, Counter()
    for number, line in enumerate(lines, start=1 + len(header)):
        read = plain.read(line, names)
        if isinstance(read, dict):
            expected[0, number] = read
        elif read:
            skipped[read] += 1
    assert found.records == expected
    assert +Counter(found.skipped) == skipped


@st.composite
def address_texts(draw) -> str:
    """Addresses, and texts that are nearly ones."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return str(draw(st.ip_addresses(v=4)))
    if kind == 1:
        address = draw(st.ip_addresses(v=6))
        return draw(st.sampled_from((str(address), address.exploded, str(address).upper())))
    if kind == 2:
        groups = draw(st.lists(st.sampled_from(("", "0", "1", "ffff", "FFFF", "00000", "g", "1.2.3.4")), max_size=10))
        return ":".join(groups)
    if kind == 3:
        return ".".join(draw(st.lists(st.sampled_from(("", "0", "1", "255", "256", "01", "1a")), max_size=6)))
    return draw(st.text(alphabet="0123456789abcdefF:.%/ -", max_size=45))


@settings(max_examples=400, deadline=None)
@given(st.lists(address_texts(), min_size=1, max_size=20))
@example(
    ["::", "::1", "1::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", ":::", "1::2::3"]
)
@example(
    ["::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "1.2.3.4::", "1:", ":1", ":", "-"]
)
def test_addresses_are_what_ipaddress_reads(texts):
    """The version and both halves, or none."""
    octets = [text.encode() for text in texts]
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(each) for each in octets], out=offsets[1:])
    version, halves = np.zeros(len(texts), dtype=np.uint8), np.zeros((2, len(texts)), dtype=np.uint64)
    parse_addresses(np.frombuffer(b"".join(octets) or b"\0", dtype=np.uint8), offsets, version, halves)
    for text, kind, (hi, lo) in zip(texts, version.tolist(), halves.T.tolist(), strict=True):
        try:
            expected = None if "%" in text else ip_address(text)
        except ValueError:
            expected = None
        if text == "-":
            assert kind == 255
        elif expected is None:
            assert kind == 0, text
        else:
            assert (kind, hi << 64 | lo) == (expected.version, int(expected)), text


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(ODD), st.integers(0, 2**64).map(str), st.text(max_size=4)), min_size=1))
def test_numbers_are_what_int_reads(texts):
    """Up to 2**62, without sign or spaces."""
    octets = [text.encode() for text in texts]
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(each) for each in octets], out=offsets[1:])
    found = np.zeros(len(texts), dtype=np.int64)
    parse_numbers(np.frombuffer(b"".join(octets) or b"\0", dtype=np.uint8), offsets, found)
    for text, value in zip(texts, found.tolist(), strict=True):
        good = text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= 2**62
        assert value == (int(text) if good else ABSENT if text == "-" else WRONG), text


@pytest.mark.parametrize("window", [64, 200, 1 << 17])
def test_lines_are_whole_wherever_the_window_ends(tmp_path: Path, monkeypatch, window):
    """A window that moves on in the middle of lines changes nothing."""
    monkeypatch.setattr("sgsim.captures.flowlogs.merge.WINDOW", window)
    monkeypatch.setattr("sgsim.captures.source.WINDOW", window)
    lines = [
        f"2 1 eni-{n % 7} 10.0.0.{n % 250} 203.0.113.9 {n} 443 6 {n} 99 {n} {n + 60} ACCEPT OK" for n in range(999)
    ]
    path = tmp_path / "a.log"
    path.write_text("\n".join(lines))
    found = Read(path)
    assert list(found.records.values()) == [plain.read(line, plain.V2) for line in lines]
