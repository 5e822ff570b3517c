"""``sgsim flowlogs``: each option, the table, the summary, what it refuses."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from story import Ended

Run = Callable[..., Ended]
Start = Callable[..., subprocess.Popen[bytes]]

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "examples/three-tier/scenario.yaml"
LOG = ROOT / "examples/flow-logs/flow.log"
T, HEADER = 1_760_000_000, "interface-id srcaddr dstaddr srcport dstport protocol start end tcp-flags"
TO_DB, FROM_DB = "db-1 10.0.2.20 10.0.2.30 50000 5432 6", "db-1 10.0.2.30 10.0.2.20 5432 50000 6"
SUMMARY = [
    *("logs", "records", "judged", "allowed", "dropped", "possible", "by_reason", "by_action", "skipped", "first_time"),
    *("last_time", "reordered", "midstream_flows", "other_addresses", "disagreements", "by_interface", "rules"),
    *("unused_rules", "other_interfaces", "stale", "unresolved", "warnings", "seconds", "records_per_second"),
]


def summary_of(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def records_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def refused(ended: Ended) -> str:
    """The one line on standard error of a run that refused its input."""
    assert (ended.code, ended.out) == (2, "")
    lines = [line for line in ended.err.splitlines() if not line.startswith("sgsim: warning: ")]
    assert len(lines) == 1
    assert lines[0].startswith("sgsim: error: ")
    return lines[0]


def test_the_table(sgsim: Run):
    """What was judged, where AWS did otherwise and why, interfaces, unused rules, remarks."""
    out = sgsim("flowlogs", SCENARIO, LOG).out
    for part in (
        "82 records, 79 judged: 63 allowed, 13 dropped, 3 possible",
        "From 2025-10-09 08:54:03 UTC to 2025-10-09 08:58:51 UTC",
        "7 records disagree with AWS",
        "3 allowed here, rejected by AWS",
        "a network ACL refuses the answer, or the connection was gone",
        "web-2 out: tcp 10.0.1.11:80 -> 192.0.2.77:50200, web/ingress/2 (line 59)",
        "4 dropped here, accepted by AWS",
        "2 x app-1 out: tcp 10.0.2.20:9100 -> 198.51.100.7:55000",
        "4 of 15 rules used by no record",
        "Not judged: 3 records: 1 without traffic (NODATA), 1 for skipped data (SKIPDATA), 1 of other interfaces.",
        "Other interfaces: eni-0f00d (1).",
        "AWS skipped data",
    ):
        assert part in out


def test_the_summary(sgsim: Run):
    """The keys of docs/interface.md in their order; counts that add up."""
    found = summary_of(sgsim("flowlogs", SCENARIO, LOG, "--json"))
    assert list(found) == SUMMARY
    assert found["logs"] == [str(LOG)]
    assert found["records"] == found["judged"] + sum(found["skipped"].values()) == 82
    assert (
        found["judged"] == found["allowed"] + found["dropped"] + found["possible"] == sum(found["by_reason"].values())
    )
    assert sum(sum(verdicts.values()) for verdicts in found["by_action"].values()) == found["judged"]
    gates = found["by_interface"]
    assert sum(gate["allowed"] for gate in gates) == found["allowed"]
    assert sum(gate["disagreements"] for gate in gates) == sum(each["records"] for each in found["disagreements"]) == 7
    assert [(each["verdict"], each["action"], each["cause"], each["records"]) for each in found["disagreements"]] == [
        ("allow", "REJECT", "network_acl", 1),
        ("allow", "REJECT", "reply_refused", 1),
        ("allow", "REJECT", "connection_gone", 1),
        ("drop", "ACCEPT", "rules_differ", 1),
        ("drop", "ACCEPT", "follows", 3),
    ]
    unused = [rule["rule"] for rule in found["rules"] if not rule["records"] and not rule["perhaps"]]
    assert unused == found["unused_rules"] == ["web/ingress/1", "web/ingress/3", "web/egress/2", "app/egress/1"]
    web = next(rule for rule in found["rules"] if rule["rule"] == "web/ingress/0")
    assert (web["records"], web["flows"], web["first_time"]) == (11, 2, 1_760_000_043)
    assert found["other_interfaces"] == [{"eni": "eni-0f00d", "records": 1, "in_snapshot": False}]


def test_the_engines_say_the_same(sgsim: Run):
    """But for the time it took."""
    found = [summary_of(sgsim("flowlogs", SCENARIO, LOG, "--json", "--engine", each)) for each in ("fast", "reference")]
    for summary in found:
        del summary["seconds"], summary["records_per_second"]
    assert found[0] == found[1]


def test_exit_code(sgsim: Run, tmp_path: Path):
    """1 where a verdict disagrees; else 0."""
    assert sgsim("flowlogs", SCENARIO, LOG, "--exit-code").code == 1
    good = tmp_path / "good.log"
    good.write_text("".join(LOG.read_text().splitlines(keepends=True)[:10]))
    assert sgsim("flowlogs", SCENARIO, good, "--exit-code").code == 0


def test_records_on_standard_output(sgsim: Run):
    """NDJSON there, the table on standard error."""
    ended = sgsim("flowlogs", SCENARIO, LOG, "-o", "-", "--only", "disagreement")
    assert [json.loads(line)["agrees"] for line in ended.out.splitlines()] == [False] * 7
    assert "7 records disagree with AWS" in ended.err


def test_interfaces_are_selected(sgsim: Run):
    """By id; the others are told of as what the snapshot has."""
    found = summary_of(sgsim("flowlogs", SCENARIO, LOG, "--json", "--eni", "db-1"))
    assert {gate["eni"] for gate in found["by_interface"]} == {"db-1"}
    assert {"eni": "web-1", "records": 29, "in_snapshot": True} in found["other_interfaces"]


@pytest.mark.parametrize(
    ("options", "lines", "changed"),
    [
        (["--open-loop"], LOG.read_text().splitlines(), {"not_reached": -3, "no_rule": 3}),
        (["--midstream", "assume"], [HEADER, f"{FROM_DB} {T} {T} 0"], {"assumed": 1, "no_rule": -1}),
        (
            ["--tcp-established-timeout", "60"],
            [
                HEADER,
                f"{TO_DB} {T} {T} 2",
                f"{FROM_DB} {T} {T} 18",
                f"{TO_DB} {T} {T} 0",
                f"{FROM_DB} {T + 99} {T + 99} 0",
            ],
            {"tracked": -1, "no_rule": 1},
        ),
        (["--auto-tracked", "10.0.2.0/24"], [HEADER, f"{TO_DB} {T} {T} 2"], {}),
    ],
)
def test_options_of_judging(sgsim: Run, tmp_path: Path, options: list[str], lines: list[str], changed: dict[str, int]):
    """They are those of replay: what they change in the counts of reasons."""
    log = tmp_path / "a.log"
    log.write_text("\n".join(lines) + "\n")
    plain, other = (
        summary_of(sgsim("flowlogs", SCENARIO, log, "--json", *more))["by_reason"] for more in ([], options)
    )
    assert {reason: other[reason] - plain[reason] for reason in plain if other[reason] != plain[reason]} == changed


def test_examples(sgsim: Run):
    """So many of each cause."""
    found = summary_of(sgsim("flowlogs", SCENARIO, LOG, "--json", "--examples", "1"))
    assert [len(each["examples"]) for each in found["disagreements"]] == [1] * 5
    assert found["disagreements"][0]["examples"] == [
        {
            "log": str(LOG),
            "line": 57,
            "start": 1_760_000_160,
            "eni": "web-1",
            "direction": "ingress",
            "protocol": 6,
            "src": "203.0.113.9",
            "src_port": 50_100,
            "dst": "10.0.1.10",
            "dst_port": 443,
            "reason": "rule",
            "rule": "web/ingress/0",
            "records": 1,
        }
    ]


def test_a_log_without_header_and_its_format(sgsim: Run, tmp_path: Path):
    """As CloudWatch Logs has them."""
    header, *lines = LOG.read_text().splitlines()
    bare = tmp_path / "bare.log"
    bare.write_text("\n".join(lines))
    assert "say what they are: --format" in refused(sgsim("flowlogs", SCENARIO, bare))
    format_ = " ".join(f"${{{name}}}" for name in header.split())
    assert summary_of(sgsim("flowlogs", SCENARIO, bare, "--json", "--format", format_))["judged"] == 79


def test_a_folder(sgsim: Run, tmp_path: Path):
    """Several logs, compressed, with something else among them."""
    header, *lines = LOG.read_text().splitlines()
    for n in range(3):
        part = "\n".join([header, *lines[n::3]]).encode()
        (tmp_path / f"{n}.log.gz").write_bytes(gzip.compress(part))
    (tmp_path / "notes.txt").write_text("hello")
    ended = sgsim("flowlogs", SCENARIO, tmp_path, "--json")
    found = summary_of(ended)
    assert (found["judged"], sum(each["records"] for each in found["disagreements"])) == (79, 7)
    assert found["warnings"] == [f"passed over, being no flow logs: {tmp_path}/notes.txt"]
    assert "sgsim: warning: passed over" in ended.err
    assert "notes.txt: is no flow log" in refused(sgsim("flowlogs", SCENARIO, tmp_path, "--strict"))


def test_standard_input(process: Start):
    """Text, compressed or not, from a pipe; a reader that leaves ends it quietly."""
    running = process("flowlogs", SCENARIO, "-", "--json")
    out, err = running.communicate(gzip.compress(LOG.read_bytes()), timeout=300)
    assert running.returncode == 0, err
    assert json.loads(out)["judged"] == 79


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["flowlogs"], "Missing argument 'SNAPSHOT'; see sgsim flowlogs --help"),
        (["flowlogs", "{s}"], "Missing argument 'LOG...'"),
        (["flowlogs", "{s}", "{l}", "--only", "drop"], "add -o FILE"),
        (["flowlogs", "{s}", "{l}", "--only", "maybe", "-o", "-"], "'maybe' is not one of"),
        (["flowlogs", "{s}", "{l}", "-o", "-", "--json"], "both go to standard output"),
        (["flowlogs", "{s}", "{l}", "--examples", "-1"], "-1 is not in the range"),
        (["flowlogs", "{s}", "{l}", "--auto-tracked", "10.0.0.1/8"], "has host bits set"),
        (["flowlogs", "{s}", "{l}", "--fragments", "drop"], "--fragments"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line(sgsim: Run, arguments: list[str], part: str):
    line = refused(sgsim(*(text.format(s=SCENARIO, l=LOG) for text in arguments)))
    assert part in line
    assert "--help" in line


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["{l}", "--format", "srcaddr dst"], "--format: dst is no field of a flow log"),
        (["{l}", "--eni", "web-9"], "--eni web-9: no interface web-9 in the snapshot"),
        (["{l}", "-o", "out.txt"], "out.txt: unknown ending: name it .ndjson, .csv or .parquet"),
        (["{l}", "-o", "{t}/none/out.csv"], "none does not exist: create it first"),
        (["{t}/copy.log", "-o", "{t}/copy.csv"], "it is the input"),
        (["{t}", "-o", "{t}/copy.csv"], "it is the input"),
        (["{t}/missing.log"], "missing.log: cannot be opened"),
        (["{t}/*.gz"], "*.gz: matches no file"),
        (["{s}"], "scenario.yaml: is no flow log: it begins with"),
        (["-", "-"], "standard input (-): is given twice as a log"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_found_first(sgsim: Run, tmp_path: Path, arguments: list[str], part: str):
    """Names, formats, files and outputs."""
    (tmp_path / "copy.log").write_bytes(LOG.read_bytes())
    (tmp_path / "copy.csv").symlink_to(tmp_path / "copy.log")
    words = [text.format(s=SCENARIO, l=LOG, t=tmp_path) for text in arguments]
    assert part in refused(sgsim("flowlogs", SCENARIO, *words))
    assert (tmp_path / "copy.log").read_bytes() == LOG.read_bytes()


def test_malformed_lines(sgsim: Run, tmp_path: Path):
    """Skipped with a warning; --strict refuses."""
    log = tmp_path / "a.log"
    log.write_text(LOG.read_text() + "5 123 web-1 10.0.0.1\n")
    ended = sgsim("flowlogs", SCENARIO, log, "--json")
    found = summary_of(ended)
    assert (found["judged"], found["skipped"]["malformed"]) == (79, 1)
    assert f"sgsim: warning: {log}: line 84: has fewer fields than its format (16)" in ended.err
    assert "line 84: has fewer fields" in refused(
        sgsim("flowlogs", SCENARIO, log, "--strict", "-o", tmp_path / "o.csv")
    )
    assert not (tmp_path / "o.csv").exists()
    assert (tmp_path / "o.csv.part").exists()


def test_a_log_of_another_account(sgsim: Run, tmp_path: Path):
    """Nothing was judged, and it is said why; without an action there is nothing to compare."""
    log = tmp_path / "a.log"
    log.write_text(LOG.read_text().replace("-1 ", "-x ").replace("-2 ", "-y "))
    out = sgsim("flowlogs", SCENARIO, log).out
    assert "Nothing was judged: no record is of an interface of the snapshot." in out
    assert "it is of another time, account, Region or VPC than these records" in out
    log.write_text("interface-id srcaddr dstaddr srcport dstport protocol start\nweb-1 192.0.2.1 10.0.1.10 1 443 6 5\n")
    assert "The log does not say what AWS did (no action)" in sgsim("flowlogs", SCENARIO, log).out
