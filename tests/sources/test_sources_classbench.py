"""ClassBench files: what a security group can say of a rule is kept, what it cannot is counted, the rest refused."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from sgsim.errors import InputError
from sgsim.model import ANY_PROTOCOL, ICMP, TCP, UDP, Direction
from sgsim.sources.classbench import GUARDED, load_classbench, load_trace

PLAIN = "@198.51.100.0/24\t0.0.0.0/0\t0 : 65535\t80 : 443\t0x06/0xFF\n"


@pytest.fixture
def loaded(tmp_path):
    def load(text, loader=load_classbench):
        path = tmp_path / "rules"
        path.write_text(text)
        return loader(path)

    return load


def only_rule(topology):
    (rule,) = topology.rules()
    return rule


def test_a_rule_becomes_ingress_from_its_source_to_its_destination_ports(loaded):
    topology = loaded(PLAIN)
    rule = only_rule(topology)
    assert (rule.direction, rule.protocol, rule.from_port, rule.to_port) == (Direction.INGRESS, TCP, 80, 443)
    assert rule.peer == ip_network("198.51.100.0/24")
    assert topology.interfaces[GUARDED].group_ids == (rule.group_id,)
    assert "1 rules in order" in topology.warnings[0]
    assert topology.warnings[0].endswith("nothing")


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("0x11/0xFF", (UDP, 0, 65_535)),
        ("0x01/0xFF", (ICMP, -1, -1)),
        ("0x2f/0xff", (47, None, None)),
        ("0x00/0x00", (ANY_PROTOCOL, None, None)),
        ("0x06/0x00", (ANY_PROTOCOL, None, None)),
    ],
)
def test_protocols(loaded, protocol, expected):
    rule = only_rule(loaded(f"@10.0.0.0/8 0.0.0.0/0 0 : 65535 0 : 65535 {protocol} 0x0000/0x0000\t\n"))
    assert (rule.protocol, rule.from_port, rule.to_port) == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("@10.0.0.0/8 192.0.2.0/24 0 : 65535 80 : 80 0x06/0xFF", "destination prefixes of 1"),
        ("@10.0.0.0/8 0.0.0.0/0 53 : 53 80 : 80 0x06/0xFF", "source ports of 1"),
        ("@10.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x06/0xFF 0x0200/0x1200", "TCP flags of 1"),
        ("@10.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x00/0x00", "ports of protocols other than TCP and UDP of 1"),
    ],
)
def test_what_a_group_cannot_say_is_counted(loaded, line, said):
    (warning,) = loaded(line).warnings
    assert warning.endswith("not kept, since no security group says them: " + said)


def test_rules_that_become_equal_are_one(loaded):
    topology = loaded(
        "@10.0.0.0/8 192.0.2.1/32 0 : 65535 80 : 80 0x06/0xFF\n\n@10.0.0.0/8 192.0.2.2/32 0 : 65535 80 : 80 0x06/0xFF\n"
    )
    assert len(topology.rules()) == 1
    assert "2 rules in order" in topology.warnings[0]
    assert "(1 equal to another by then)" in topology.warnings[0]


def test_ipv6_prefixes(loaded):
    assert only_rule(loaded("@2001:db8::/32 ::/0 0 : 65535 80 : 80 0x06/0xFF")).peer == ip_network("2001:db8::/32")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no rule in it"),
        (PLAIN + "hello\n", "line 2: no ClassBench rule (write it like @10.0.0.0/8"),
        ("-scale\n16431\n", "parameter file: ClassBench's db_generator makes rules of it"),
        ("@10.0.0.0/33 0.0.0.0/0 0 : 65535 80 : 80 0x06/0xFF", "line 1: '10.0.0.0/33'"),
        ("@10.0.0.0/8 ::/0 0 : 65535 80 : 80 0x06/0xFF", "two IP versions"),
        ("@10.0.0.0/8 0.0.0.0/0 0 : 65535 90 : 80 0x06/0xFF", "port range 90 : 80"),
        ("@10.0.0.0/8 0.0.0.0/0 0 : 65536 80 : 80 0x06/0xFF", "port range 0 : 65536"),
        ("@10.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x06/0x0F", "protocol mask 0x0F"),
    ],
)
def test_what_is_no_rule_is_refused(loaded, text, part):
    with pytest.raises(InputError) as refused:
        loaded(text)
    assert part in str(refused.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_classbench(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"@\xff\xfe")
    with pytest.raises(InputError, match="no text: byte 0xff"):
        load_trace(tmp_path / "bytes")


def test_a_trace(loaded):
    """Seven columns or more; the flags and the expected rule are not looked at."""
    assert loaded("1 2 3 4 6 0 9\t\n4294967295 0 0 65535 255\n", load_trace) == [
        (1, 2, 3, 4, 6),
        (4_294_967_295, 0, 0, 65_535, 255),
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no header in it"),
        ("1 2 3 4\n", "line 1: no header"),
        ("1 2 3 65536 6\n", "line 1: no header"),
        ("1 2 3 4 6\n1 2 3 4 -6\n", "line 2: no header"),
        (PLAIN, "line 1: no header of a ClassBench trace"),
    ],
)
def test_what_is_no_header_is_refused(loaded, text, part):
    with pytest.raises(InputError) as refused:
        loaded(text, load_trace)
    assert part in str(refused.value)


def test_every_published_file_is_read_or_refused_as_what_it_is(data):
    """Rule sets give rules, traces headers, and whatever else lies beside them one line."""
    rules, headers, refused = 0, 0, 0
    for path in sorted(p for p in (data / "classbench").rglob("*") if p.is_file()):
        lines = path.read_text(errors="replace").splitlines()
        first = lines[0]
        if first.startswith("@"):
            topology = load_classbench(path)
            kept = len(topology.rules())
            assert f"became {kept:,} ingress rules" in topology.warnings[0]
            assert f"{len(lines):,} rules in order" in topology.warnings[0]
            rules += 1
        elif first.split("\t")[0].isdecimal() and len(first.split("\t")) >= 7:
            assert len(load_trace(path)) == len(lines)
            headers += 1
        else:
            with pytest.raises(InputError, match="line 1: no"):
                load_classbench(path)
            refused += 1
    assert rules
    assert headers
    assert refused
