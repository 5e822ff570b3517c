"""``sgsim replay``: each option, the records, the summary."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.utils import rdpcap
from story import Ended, Story, everything

Run = Callable[..., Ended]

FIELDS = [
    *("capture", "packet", "time_ns", "eni", "direction", "verdict", "reason", "rule", "group", "tracked"),
    *("protocol", "src", "src_port", "dst", "dst_port", "icmp_type", "icmp_code", "length"),
]
SUMMARY = [
    *("captures", "packets", "observations", "allowed", "dropped", "by_reason", "skipped", "reordered"),
    *("midstream_flows", "by_interface", "rules", "dropped_flows", "dropped_flows_other", "connections", "changes"),
    *("stale", "unresolved", "warnings", "seconds", "packets_per_second"),
]


def records_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def summary_of(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


# --- records ----------------------------------------------------------------------------------------------------------


def test_records_have_the_documented_fields_in_order(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path):
    """Every NDJSON record holds exactly the fields of docs/interface.md, in that order."""
    assert sgsim("replay", scenario, capture, "-o", tmp_path / "o.ndjson").code == 0
    records = records_of(tmp_path / "o.ndjson")
    assert {tuple(record) for record in records} == {tuple(FIELDS)}
    assert records[0] == {
        "capture": str(capture),
        "packet": 1,
        "time_ns": 1_700_000_000_010_000_000,
        "eni": "web-1",
        "direction": "ingress",
        "verdict": "allow",
        "reason": "rule",
        "rule": "web/ingress/0",
        "group": "web",
        "tracked": False,
        "protocol": 6,
        "src": "198.51.100.9",
        "src_port": 40000,
        "dst": "10.0.1.10",
        "dst_port": 443,
        "icmp_type": None,
        "icmp_code": None,
        "length": 54,
    }


def test_records_agree_with_scapy(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path):
    """Addresses, ports, ICMP fields and lengths of every record are those that scapy reads from the packet."""
    assert sgsim("replay", scenario, capture, "-o", tmp_path / "o.ndjson").code == 0
    packets = rdpcap(str(capture))
    for record in records_of(tmp_path / "o.ndjson"):
        packet = packets[record["packet"] - 1]
        ip = packet[IPv6] if IPv6 in packet else packet[IP]
        assert (record["src"], record["dst"], record["length"]) == (ip.src, ip.dst, len(packet))
        assert record["time_ns"] == int(packet.time * 10**9)
        ported = packet.getlayer(TCP) or packet.getlayer(UDP)
        whole = IPv6 in packet or not packet[IP].frag
        ports = (ported.sport, ported.dport) if ported and whole else (None, None)
        assert (record["src_port"], record["dst_port"]) == ports
        icmp = packet.getlayer(ICMP)
        expected = (icmp.type, icmp.code) if icmp else (128, 0) if IPv6 in packet else (None, None)
        assert (record["icmp_type"], record["icmp_code"]) == expected


def test_csv_and_ndjson_say_the_same(sgsim: Run, scenario: Path, tmp_path: Path):
    """CSV has the same columns and values, also where a name needs quoting; null is empty."""
    capture = everything().save(tmp_path / 'odd, "name".pcap')
    assert sgsim("replay", scenario, capture, "-o", tmp_path / "o.ndjson", "-o", tmp_path / "o.csv").code == 0
    with (tmp_path / "o.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    records = records_of(tmp_path / "o.ndjson")
    assert list(rows[0]) == FIELDS

    def text(value: object) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    assert rows == [{name: text(value) for name, value in record.items()} for record in records]
    assert records[0]["capture"] == str(capture)


def test_egress_comes_before_ingress(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path):
    """Records stand in order of packets, a packet's egress observation before its ingress one."""
    assert sgsim("replay", scenario, capture, "-o", tmp_path / "o.ndjson").code == 0
    keys = [(r["packet"], r["direction"] == "ingress") for r in records_of(tmp_path / "o.ndjson")]
    assert keys == sorted(keys)
    assert any(one[0] == other[0] for one, other in pairwise(keys))


@pytest.mark.parametrize("verdict", ["allow", "drop"])
def test_only_keeps_one_verdict(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path, verdict: str):
    """--only writes exactly the observations of that verdict, and the summary still counts all."""
    every, some = tmp_path / "all.ndjson", tmp_path / "some.ndjson"
    assert sgsim("replay", scenario, capture, "-o", every).code == 0
    summary = summary_of(sgsim("replay", scenario, capture, "-o", some, "--only", verdict, "--json"))
    assert records_of(some) == [r for r in records_of(every) if r["verdict"] == verdict]
    assert summary["observations"] == len(records_of(every))


# --- the summary ------------------------------------------------------------------------------------------------------


def counted(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What a summary must say, counted from its run's records."""
    flows: dict[tuple[Any, ...], int] = {}
    rules: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if record["rule"]:
            rules.setdefault(record["rule"], []).append(record)
        if record["verdict"] == "drop":
            key = tuple(record[k] for k in ("eni", "direction", "protocol", "src", "dst", "dst_port", "reason"))
            flows[key] = flows.get(key, 0) + 1
    ranked = sorted(flows.items(), key=lambda item: -item[1])[:20]
    return {
        "observations": len(records),
        "verdicts": Counter(r["verdict"] for r in records),
        "reasons": Counter(r["reason"] for r in records),
        "gates": Counter((r["eni"], r["direction"], r["verdict"]) for r in records),
        "flows": [(*key, packets) for key, packets in ranked],
        "rules": {
            rule: (len(of), sum(r["length"] for r in of), min(r["time_ns"] for r in of), max(r["time_ns"] for r in of))
            for rule, of in rules.items()
        },
    }


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_the_summary_is_what_the_records_add_up_to(
    sgsim: Run, scenario: Path, capture: Path, tmp_path: Path, engine: str
):
    """Every number that can be counted from the NDJSON of the same run is that number."""
    ended = sgsim("replay", scenario, capture, "--json", "-o", tmp_path / "o.ndjson", "--engine", engine)
    summary, found = summary_of(ended), counted(records_of(tmp_path / "o.ndjson"))
    assert list(summary) == SUMMARY
    assert summary["captures"] == [str(capture)]
    assert summary["packets"] == len(everything().packets)
    assert summary["observations"] == found["observations"]
    assert (summary["allowed"], summary["dropped"]) == (found["verdicts"]["allow"], found["verdicts"]["drop"])
    assert Counter(summary["by_reason"]) == found["reasons"]
    assert [tuple(flow.values()) for flow in summary["dropped_flows"]] == found["flows"]
    gates = {(g["eni"], g["direction"]): (g["allowed"], g["dropped"]) for g in summary["by_interface"]}
    assert len(gates) == 6
    for (eni, direction), numbers in gates.items():
        assert numbers == tuple(found["gates"][eni, direction, verdict] for verdict in ("allow", "drop"))
    used = {r["rule"]: r for r in summary["rules"]}
    for rule, credit in used.items():
        expected = found["rules"].get(rule, (0, 0, None, None))
        assert (credit["packets"], credit["bytes"], credit["first_time_ns"], credit["last_time_ns"]) == expected
    assert summary["connections"]["opened"] == sum(r["flows"] for r in summary["rules"])
    assert summary["skipped"] == {
        "not_ip": 1,
        "local": 1,
        "no_interface": 6,
        "malformed": 0,
        "truncated": 0,
        "unsupported_link": 0,
    }
    assert summary["unresolved"] == ["db/ingress/1"]
    assert len(summary["warnings"]) == 1


def test_both_engines_print_the_same(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path):
    """The reference engine's records and summary are the fast engine's, but for the seconds."""
    summaries = []
    for engine in ("fast", "reference"):
        options = ("--json", "--engine", engine, "-o", tmp_path / f"{engine}.ndjson")
        summary = summary_of(sgsim("replay", scenario, capture, *options))
        del summary["seconds"], summary["packets_per_second"]
        summaries.append(summary)
    assert summaries[0] == summaries[1]
    assert (tmp_path / "fast.ndjson").read_text() == (tmp_path / "reference.ndjson").read_text()


def test_the_rules_stand_in_snapshot_order(sgsim: Run, scenario: Path, capture: Path):
    """All rules of the selected interfaces' groups, used or not, ingress before egress."""
    rules = [r["rule"] for r in summary_of(sgsim("replay", scenario, capture, "--json"))["rules"]]
    assert rules == [
        *(f"web/ingress/{n}" for n in range(5)),
        *(f"web/egress/{n}" for n in range(2)),
        *(f"db/ingress/{n}" for n in range(2)),
        *(f"db/egress/{n}" for n in range(2)),
    ]
    db_only = summary_of(sgsim("replay", scenario, capture, "--json", "--eni", "db-1"))
    assert {r["group"] for r in db_only["rules"]} == {"db"}


def test_the_table_tells_what_was_dropped_and_what_to_try(sgsim: Run, scenario: Path, capture: Path):
    """The summary for people names interfaces, drops, unused rules, and the option that would help."""
    ended = sgsim("replay", scenario, capture)
    assert ended.code == 0
    for part in (
        "web-1",
        "no rule admits it",
        "used by no packet",
        "Try --map 54.1.2.3=web-1",
        "--midstream assume lets them",
    ):
        assert part in ended.out
    assert "\x1b" not in ended.out
    assert ended.err.count("sgsim: warning:") == 1


def test_where_nothing_was_judged_the_table_says_why(sgsim: Run, scenario: Path, tmp_path: Path):
    """Packets between strangers: nothing is judged, and their addresses are named."""
    story = Story().connection("192.0.2.1", "192.0.2.2", 1, 2)
    ended = sgsim("replay", scenario, story.save(tmp_path / "strangers.pcap"))
    assert "Nothing was judged" in ended.out
    assert "192.0.2.1 (4), 192.0.2.2 (4)" in ended.out


# --- options ----------------------------------------------------------------------------------------------------------


def test_eni_and_vpc_select_interfaces(sgsim: Run, scenario: Path, capture: Path):
    """Only the chosen interfaces make observations; a VPC's interfaces are chosen by its id."""
    chosen = summary_of(sgsim("replay", scenario, capture, "--json", "--eni", "db-1"))
    assert {gate["eni"] for gate in chosen["by_interface"]} == {"db-1"}
    everywhere = summary_of(sgsim("replay", scenario, capture, "--json", "--vpc-id", "main"))
    assert {gate["eni"] for gate in everywhere["by_interface"]} == {"web-1", "db-1", "nat"}


def test_at_keeps_one_interfaces_observations_of_a_capture(sgsim: Run, scenario: Path, tmp_path: Path):
    """Captures from both ends of a connection do not count a packet twice."""
    story = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432)
    ends = [story.save(tmp_path / name) for name in ("web=side.pcap", "db.pcap")]
    places = ("--at", f"{ends[0]}=web-1", "--at", f"{ends[1]}=db-1", "-o", tmp_path / "o.ndjson")
    summary = summary_of(sgsim("replay", scenario, *ends, "--json", *places))
    assert (summary["packets"], summary["observations"], summary["dropped"]) == (8, 8, 0)
    assert {(r["capture"], r["eni"]) for r in records_of(tmp_path / "o.ndjson")} == {
        (str(ends[0]), "web-1"),
        (str(ends[1]), "db-1"),
    }


def test_map_replaces_addresses_also_where_icmp_quotes_them(sgsim: Run, scenario: Path, tmp_path: Path):
    """A public address stands for its interface in sources, destinations and the packets that ICMP errors quote."""
    there = IP(src="54.1.2.3", dst="198.51.100.9") / UDP(sport=5000, dport=53) / b"12345678"
    error = IP(src="192.0.2.1", dst="54.1.2.3") / ICMP(type=3, code=1) / there
    capture = Story().add(there, error).save(tmp_path / "nat.pcap")
    assert sgsim("replay", scenario, capture, "-o", tmp_path / "o.ndjson", "--map", "54.1.2.3=web-1").code == 0
    records = records_of(tmp_path / "o.ndjson")
    assert [(r["src"], r["dst"], r["reason"]) for r in records] == [
        ("10.0.1.10", "198.51.100.9", "rule"),
        ("192.0.2.1", "10.0.1.10", "related"),
    ]


def test_maps_do_not_follow_each_other(sgsim: Run, scenario: Path, tmp_path: Path):
    """An address that one --map puts in is not replaced by the next."""
    capture = Story().add(IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=5000, dport=53) / b"12345678")
    maps = ("--map", "192.0.2.1=web-1", "--map", "10.0.1.10=db-1")
    assert sgsim("replay", scenario, capture.save(tmp_path / "a.pcap"), "-o", tmp_path / "o.ndjson", *maps).code == 0
    assert [r["src"] for r in records_of(tmp_path / "o.ndjson")] == ["10.0.1.10"]


def test_packets_are_written_by_verdict(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path):
    """--write-allowed has packets allowed at all their gates, --write-dropped the others that were observed."""
    allowed, dropped = tmp_path / "ok.pcap", tmp_path / "no.pcapng"
    outputs = ("--write-allowed", allowed, "--write-dropped", dropped, "-o", tmp_path / "o.ndjson")
    assert sgsim("replay", scenario, capture, *outputs).code == 0
    fates: dict[int, set[str]] = {}
    for record in records_of(tmp_path / "o.ndjson"):
        fates.setdefault(record["packet"], set()).add(record["verdict"])
    packets = rdpcap(str(capture))
    for path, is_dropped in ((allowed, False), (dropped, True)):
        expected = [packets[n - 1] for n, verdicts in sorted(fates.items()) if ("drop" in verdicts) is is_dropped]
        written = rdpcap(str(path))
        assert [bytes(packet) for packet in written] == [bytes(packet) for packet in expected]
        assert [packet.time for packet in written] == [packet.time for packet in expected]


def reasons(sgsim: Run, scenario: Path, story: Story, path: Path, *options: str) -> list[str]:
    ended = sgsim("replay", scenario, story.save(path / "c.pcap"), "-o", path / "o.ndjson", *options)
    assert ended.code == 0, ended.err
    return [record["reason"] for record in records_of(path / "o.ndjson")]


def test_open_loop_judges_each_packet_on_its_own(sgsim: Run, scenario: Path, tmp_path: Path):
    """A reply to a dropped SYN passes in open loop, as on a wire; in closed loop it is never sent."""
    story = Story().connection("198.51.100.9", "10.0.1.10", 40_000, 22, data=0)
    assert reasons(sgsim, scenario, story, tmp_path) == ["no_rule", "not_reached"]
    assert reasons(sgsim, scenario, story, tmp_path, "--open-loop") == ["no_rule", "rule"]


def test_fragments_follow_pass_or_fall(sgsim: Run, scenario: Path, tmp_path: Path):
    """A lone later fragment is dropped, permitted or dropped, by --fragments."""
    story = Story().add(IP(src="192.0.2.1", dst="10.0.2.20", proto=17, frag=4, id=7) / b"12345678")
    for choice, reason in (("track", "later_fragment"), ("permit", "fragment"), ("drop", "later_fragment")):
        assert reasons(sgsim, scenario, story, tmp_path, "--fragments", choice) == [reason]


def test_strict_pickup_wants_a_syn(sgsim: Run, scenario: Path, tmp_path: Path):
    """--tcp-pickup strict drops a packet in mid-stream that would have made an entry."""
    story = Story().add(IP(src="10.0.1.10", dst="10.0.2.20") / TCP(sport=1, dport=5432, flags="A"))
    assert reasons(sgsim, scenario, story, tmp_path, "--eni", "db-1") == ["rule"]
    assert reasons(sgsim, scenario, story, tmp_path, "--eni", "db-1", "--tcp-pickup", "strict") == ["no_state"]


def test_older_flows_can_be_assumed(sgsim: Run, scenario: Path, tmp_path: Path):
    """--midstream assume lets the answers of connections pass that the capture does not show the beginning of."""
    story = Story().add(IP(src="192.0.2.9", dst="10.0.1.10") / TCP(sport=443, dport=40_001, flags="PA"))
    options = ("--engine", "reference")
    assert reasons(sgsim, scenario, story, tmp_path, *options) == ["no_rule"]
    assert reasons(sgsim, scenario, story, tmp_path, *options, "--midstream", "assume") == ["assumed"]
    (record,) = records_of(tmp_path / "o.ndjson")
    assert (record["rule"], record["group"], record["tracked"]) == ("web/egress/0", "web", True)


def test_the_option_is_named_where_it_would_help(sgsim: Run, scenario: Path, tmp_path: Path):
    """Strict pickup assumes no TCP, and what was assumed needs no hint."""
    story = Story().add(IP(src="192.0.2.9", dst="10.0.1.10") / TCP(sport=443, dport=40_001, flags="PA"))
    command = ("replay", scenario, story.save(tmp_path / "c.pcap"), "--engine", "reference")
    assert "1 dropped flow looks older than the capture" in sgsim(*command).out
    for pickup, which in (("loose", "them"), ("strict", "those that are not TCP")):
        text = " ".join(sgsim(*command, "--tcp-pickup", pickup).out.split())  # the table breaks long lines
        assert f"--midstream assume lets {which} pass" in text
    assert "--midstream" not in sgsim(*command, "--midstream", "assume").out


def test_the_established_timeout_can_be_shorter(sgsim: Run, scenario: Path, tmp_path: Path):
    """After 400 s without a packet the connection is gone where the timeout is 350 s."""
    story = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432, data=1)
    story.add(IP(src="10.0.2.20", dst="10.0.1.10") / TCP(sport=5432, dport=40_001, flags="A"), after=400)
    options = ("--eni", "web-1")
    assert reasons(sgsim, scenario, story, tmp_path, *options)[-1] == "tracked"
    assert reasons(sgsim, scenario, story, tmp_path, *options, "--tcp-established-timeout", "350")[-1] == "no_rule"


def test_auto_tracked_addresses_are_tracked(sgsim: Run, scenario: Path, tmp_path: Path):
    """HTTPS from everywhere is untracked, but for the addresses that are declared as tracked."""
    story = Story().connection("198.51.100.9", "10.0.1.10", 40_000, 443, data=1)
    assert reasons(sgsim, scenario, story, tmp_path) == ["rule", "rule", "rule"]
    tracked = reasons(sgsim, scenario, story, tmp_path, "--auto-tracked", "198.51.100.0/24")
    assert tracked == ["rule", "tracked", "tracked"]


def test_a_full_table_admits_no_new_connection(sgsim: Run, scenario: Path, tmp_path: Path):
    """--conntrack-max 1: the second tracked flow finds the table full, the first goes on."""
    syns = [IP(src="10.0.1.10", dst="10.0.2.20") / TCP(sport=n, dport=5432, flags="S") for n in (1, 2, 1)]
    story = Story().add(*syns)
    found = reasons(sgsim, scenario, story, tmp_path, "--eni", "db-1", "--conntrack-max", "1")
    assert found == ["rule", "table_full", "tracked"]


def test_fail_on_drop_is_exit_code_1(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path):
    """The exit code is 1 with a dropped observation, 0 without one."""
    good = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432).save(tmp_path / "good.pcap")
    assert sgsim("replay", scenario, capture, "--fail-on-drop").code == 1
    assert sgsim("replay", scenario, good, "--fail-on-drop").code == 0
    assert sgsim("replay", scenario, capture).code == 0


def test_captures_are_merged_by_time(sgsim: Run, scenario: Path, tmp_path: Path):
    """Two halves of a connection in two files, given in the wrong order, are one connection."""
    story = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432, data=3)
    late, early = Story(), Story()
    late.packets, early.packets = story.packets[1::2], story.packets[::2]
    files = late.save(tmp_path / "late.pcap"), early.save(tmp_path / "early.pcap")
    summary = summary_of(sgsim("replay", scenario, *files, "--json", "-o", tmp_path / "o.ndjson"))
    assert (summary["dropped"], summary["reordered"]) == (0, 0)
    times = [r["time_ns"] for r in records_of(tmp_path / "o.ndjson")]
    assert times == sorted(times)
    assert {(r["capture"], r["packet"]) for r in records_of(tmp_path / "o.ndjson")} == {
        *((str(files[0]), n) for n in (1, 2)),
        *((str(files[1]), n) for n in (1, 2, 3)),
    }


def test_a_jump_of_the_clock_is_warned_about_once(sgsim: Run, scenario: Path, tmp_path: Path):
    """More than 30 days between two packets: one warning that names both times."""
    story = Story().add(IP(src="10.0.1.10", dst="10.0.2.20") / UDP(sport=1, dport=2) / b"12345678")
    story.add(IP(src="10.0.1.10", dst="10.0.2.20") / UDP(sport=1, dport=2) / b"12345678", after=40 * 86_400)
    summary = summary_of(sgsim("replay", scenario, story.save(tmp_path / "c.pcap"), "--json"))
    jumps = [warning for warning in summary["warnings"] if "the clock jumps from 2023-11-14" in warning]
    assert len(jumps) == 1
    assert "40 days" in jumps[0]


def test_strict_refuses_a_capture_that_is_cut_off(sgsim: Run, scenario: Path, capture: Path, tmp_path: Path):
    """A cut-off capture gives what could be read and a warning; --strict makes it an error and leaves the .part."""
    scenario.write_text(scenario.read_text().replace("corp: null", "corp: [192.0.2.0/24]"))
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(capture.read_bytes()[:-5])
    lenient = sgsim("replay", scenario, cut, "--json")
    assert summary_of(lenient)["packets"] == len(everything().packets) - 1
    assert "sgsim: warning:" in lenient.err
    strict = sgsim("replay", scenario, cut, "--strict", "-o", tmp_path / "o.ndjson")
    assert strict.code == 2
    assert strict.err.count("\n") == 1
    assert (tmp_path / "o.ndjson.part").exists()
    assert not (tmp_path / "o.ndjson").exists()


def test_strict_refuses_a_doubtful_snapshot(sgsim: Run, scenario: Path, capture: Path):
    """A prefix list without entries is a warning, with --strict an error."""
    ended = sgsim("replay", scenario, capture, "--strict")
    assert (ended.code, ended.out) == (2, "")
    assert "corp" in ended.err
