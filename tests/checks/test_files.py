"""Which files are read, and every mistake in them: one line with file, place and remedy, exit code 2."""

from __future__ import annotations

import os

import pytest

from tests.checks.conftest import TO_DB

GOOD = f"cases: [{{{TO_DB}, expect: allow}}]"
NAMED = f"cases: [{{name: NAME, {TO_DB}, expect: allow}}]"

HOSTILE = [
    ("- a", "a list where NAME: ... belongs"),
    ("hello", "'hello' where NAME: ... belongs"),
    ("~", "has no cases"),
    ("cases: []", "has no cases"),
    ("cases: {a: 1}", "cases, line 1: a mapping where a list belongs"),
    ("cases: [x]", "cases[0], line 1: 'x' where NAME: ... belongs"),
    ("csaes: []", "unknown key 'csaes' (did you mean cases?)"),
    (GOOD, "has no snapshot (write snapshot: FILE"),
    ("cases: [", "is no YAML"),
    ("\0", "is no YAML"),
    ("", "is empty"),
    ("snapshot: nope.yaml\n" + GOOD, "snapshot, line 1: there is no "),
    ("snapshot: [a]\n" + GOOD, "snapshot, line 1: a list where text belongs"),
    ("snapshot: a.sgtest.yaml\n" + GOOD, "is no snapshot"),
    ("snapshot: plan.json\n" + GOOD, "plan.json: planned_values: 5 where an object belongs"),
    ("snapshot: world.yaml\nsnapshot: world.yaml\n" + GOOD, "snapshot, line 2: is given twice"),
    ("snapshot: world.yaml\nsecurity_groups: {}\n" + GOOD, "unknown key 'security_groups'"),
    ("snapshot: world.yaml\nplan: befor\n" + GOOD, "plan, line 2: 'befor' is no side of a plan (did you mean before?)"),
    ("snapshot: world.yaml\nplan: before\n" + GOOD, "is a scenario, no Terraform plan (leave out plan: before)"),
    ("snapshot: world.yaml\nparameters: {a: 1}\n" + GOOD, "no CloudFormation template (leave out parameters)"),
    ("snapshot: world.yaml\nparameters: [a]\n" + GOOD, "parameters, line 2: a list where NAME: ... belongs"),
    ("snapshot: world.yaml\nsettings: {open_loop: 1}\n" + GOOD, "open_loop, line 2: true or false belongs here"),
    ("snapshot: world.yaml\nsettings: {tcp_established_timeout: 5}\n" + GOOD, "AWS takes 60 to 432000 seconds"),
    ("snapshot: world.yaml\nsettings: {timeout: 5}\n" + GOOD, "unknown key 'timeout'"),
    ("snapshot: world.yaml\nchanges: 5\n" + GOOD, "changes, line 2: 5 where a list belongs"),
    ("snapshot: world.yaml\nchanges: [{at: 1s}]\n" + GOOD, "changes[0], line 2: has no 'call'"),
    ("snapshot: world.yaml\nchanges: [{at: -1s, call: x}]\n" + GOOD, "'-1s' is before the beginning of the case"),
    (
        "snapshot: world.yaml\nchanges: [{at: 0s, call: RevokeSecurityGroupIngress, params: {GroupId: nope}}]\n" + GOOD,
        "changes[0], line 2: EC2 would refuse RevokeSecurityGroupIngress: InvalidGroupId",
    ),
]  # fmt: skip

TO = "from: web-1, to: db-1, protocol: tcp, port: 5432"
CASES = [
    ("~", "has no 'from'"),
    (f"fron: a, {TO}, expect: allow", "fron, line 2: unknown key 'fron' (did you mean from?)"),
    (f"name: '', {TO}, expect: allow", "name, line 2: is empty"),
    (f"name: [a], {TO}, expect: allow", "name, line 2: a list where text belongs"),
    (TO, "expects nothing (write expect: allow, or expect: drop)"),
    ("packets: [], expect: allow", "expects nothing"),
    ("from: web-1, packets: [], expect: allow", "'from' belongs to a packet"),
    ("packets: [{reply: true, expect: allow}]", "there is nothing that it replies to (write the request first)"),
    ("packets: [{reply: {}, expect: allow}]", "reply, line 2: true or false belongs here"),
    (f"packets: [{{{TO}}}, {{reply: true, from: web-1, expect: allow}}]", "a reply has no 'from'"),
    (f"packets: [{{{TO}}}, {{reply: true, flow: true, expect: allow}}]", "a reply has no 'flow'"),
    (f"packets: [{{{TO}}}, {{port: 80, expect: allow}}]", "'port' without ends (write from and to"),
    ("packets: [{from: web-1, to: db-1, protocol: icmp, icmp_type: 3}, {reply: true, expect: drop}]", "nobody answers"),
    (f"at: -5s, {TO}, expect: allow", "'-5s' is before the beginning of the case"),
    (f"at: 99999999999999999999s, {TO}, expect: allow", "is beyond what 64 bits of nanoseconds hold"),
    (f"at: 0.0000000001s, {TO}, expect: allow", "is finer than a nanosecond"),
    (f"at: '2026-01-01T00:00:00Z', {TO}, expect: allow", "is no time (write 351s, 1h30m or 500ms"),
    (f"at: '', {TO}, expect: allow", "'' is no time"),
    (f"at: [1], {TO}, expect: allow", "at, line 2: a list is no time"),
    (f"lasts: 5s, {TO}, expect: allow", "one packet does not last (write flow: true"),
    (f"flow: true, flags: S, {TO}, expect: allow", "a whole flow has flags of its own"),
    (f"flags: X, {TO}, expect: allow", "flags, line 2: 'X' are no TCP flags"),
    ("from: web-1, to: db-1, protocol: udp, port: 1, flags: S, expect: allow", "'S' are no TCP flags"),
    (f"{TO}, expect: alow", "expect, line 2: 'alow' is none of allow, drop (did you mean allow?)"),
    (f"{TO}, expect: [allow]", "expect, line 2: a list where text belongs"),
    (f"{TO}, expect: ", "expect, line 2: nothing where text belongs"),
    (f"{TO}, expect: {{}}", "has no verdict"),
    (f"{TO}, expect: {{raeson: rule}}", "unknown key 'raeson' (did you mean reason?)"),
    (f"{TO}, expect: {{reason: norule}}", "'norule' is none of"),
    (f"{TO}, expect: {{verdict: allow, reason: no_rule}}", "the reason no_rule is one for drop, not for allow"),
    (f"{TO}, expect: {{verdict: drop, rule: db/ingress/0}}", "no rule drops a packet"),
    (f"{TO}, expect: {{verdict: allow, rule: db/ingress/7}}", "no rule 'db/ingress/7' (did you mean db/ingress/"),
    (f"{TO}, expect: {{verdict: allow, interface: bd-1}}", "no interface 'bd-1' (did you mean db-1?)"),
    ("from: web-1, to: db-1, protocol: tcp, expect: allow", "add port:"),
    ("from: web-1, to: db-1, protocol: icmp, port: 7, expect: allow", "leave out port: 7"),
    ("from: web-1, to: db-1, protocol: tcp, port: 70000, expect: allow", "port 70000 is not from 0 to 65535"),
    ("from: web-1, to: db-1, protocol: tcp, port: https, expect: allow", "'https' where a whole number belongs"),
    ("from: web-1, to: db-1, protocol: [tcp], port: 1, expect: allow", "protocol, line 2: a list where text belongs"),
    ("from: web-1, to: db-1, protocol: tpc, port: 1, expect: allow", "unknown protocol 'tpc'"),
    (f"family: 5, {TO}, expect: allow", "family, line 2: 5 is no IP version (write 4 or 6)"),
    (f"vpc: mian, {TO}, expect: allow", "vpc: mian: no such VPC in the snapshot (there is main)"),
    ("from: wep-1, to: db-1, protocol: tcp, port: 1, expect: allow", "wep-1: no interface"),
    ("from: web-1, to: web-1, protocol: tcp, port: 1, expect: allow", "the packet never leaves its host"),
    ("from: 192.0.2.1, to: 192.0.2.2, protocol: tcp, port: 1, expect: allow", "neither 192.0.2.1 nor 192.0.2.2 is"),
    (f"changes: [{{at: 5s, call: DeleteSecurityGroup, params: {{GroupId: web}}}}], {TO}, expect: allow",
     "takes effect behind the last packet"),
]  # fmt: skip


def refused(ended, message: str) -> None:
    assert ended.exit_code == 2, ended.output
    assert ended.stdout == ""
    assert message in ended.stderr
    assert ended.stderr.startswith("sgsim: error: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("text", "message"), HOSTILE)
def test_a_file_with_a_mistake_is_refused(write, check, tmp_path, text, message):
    (tmp_path / "plan.json").write_text('{"format_version": "1.2", "planned_values": 5}')
    refused(check(write(text, head="")), message)


@pytest.mark.parametrize(("case", "message"), CASES)
def test_a_case_with_a_mistake_is_refused(write, check, case, message):
    """The line names the file, the case and its line."""
    ended = check(write("cases: [~]" if case == "~" else f"cases: [{{{case}}}]"))
    refused(ended, message)
    assert "a.sgtest.yaml: cases[0]" in ended.stderr
    assert "line 2" in ended.stderr


def test_a_name_given_twice_is_refused(write, check):
    refused(
        check(write(f"cases: [{{name: a, {TO_DB}, expect: allow}}, {{name: a, {TO_DB}, expect: allow}}]")),
        "given twice",
    )


@pytest.mark.parametrize("name", ["443", "on", "'#1'", "naïve: x"])
def test_a_name_may_be_anything(write, check, name):
    """YAML's numbers and booleans too."""
    quoted = name if name != "naïve: x" else '"naïve: x"'
    assert check(write(f"cases:\n  - {{name: {quoted}, {TO_DB}, expect: allow}}\n")).exit_code == 0


def names(ended) -> list[str]:
    assert ended.exit_code == 0, ended.output
    return [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("  ok ")]


def test_files_folders_and_patterns(write, check, tmp_path, monkeypatch):
    """Each file once, a folder's in order, whatever way it is named; other files of a folder are left alone."""
    head = "snapshot: ../world.yaml\n"
    for name in ("x/b.sgtest.yaml", "x/a.sgtest.yaml", "y/c.sgtest.yml"):
        write(NAMED.replace("NAME", name[2]), name, head)
    write("nonsense: [", "x/other.yaml")
    monkeypatch.chdir(tmp_path)
    assert names(check("x", "y")) == ["a", "b", "c"]
    assert names(check(".")) == ["a", "b", "c"]
    assert names(check("x/b.sgtest.yaml", tmp_path / "x", "./x/../x")) == ["b", "a"]
    assert names(check("*/*.sgtest.y*ml")) == ["a", "b", "c"]
    assert names(check(f"{tmp_path}/**/a.*")) == ["a"]


@pytest.mark.parametrize("pattern", ["", "nothing", "*.none", "**x**/y", "[", "x/"])
def test_what_names_no_file_is_refused(write, check, tmp_path, monkeypatch, pattern):
    """A folder without checks too: a typing error must not look like success."""
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    refused(check(pattern), "names no file of checks (name files, folders or patterns of *.sgtest.yaml)")


def test_links_that_lead_round_in_circles_are_not_followed(write, check, tmp_path, monkeypatch):
    """In folders and in patterns; a link to a file is the file."""
    write(NAMED.replace("NAME", "one"), "x/a.sgtest.yaml", "snapshot: ../world.yaml\n")
    for name in ("round", "again"):
        os.symlink(tmp_path, tmp_path / "x" / name)
    os.symlink(tmp_path / "x/a.sgtest.yaml", tmp_path / "x/b.sgtest.yaml")
    (tmp_path / "x/folder.sgtest.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    assert names(check(".")) == ["one"]
    assert names(check("**/*.sgtest.yaml")) == ["one"]


def test_strict_makes_doubts_errors(write, check, tmp_path):
    """A doubtful snapshot is warned of once, however many cases use it; with --strict it is refused."""
    doubtful = (tmp_path / "world.yaml").read_text().replace("tcp 80 to any", "tcp 80 to 10.0.0.1/8")
    (tmp_path / "doubt.yaml").write_text(doubtful)
    path = write(GOOD + "\n", head="snapshot: doubt.yaml\n")
    again = write(GOOD + "\n", "b.sgtest.yaml", head="snapshot: doubt.yaml\n")
    ended = check(path, again)
    assert ended.exit_code == 0
    assert ended.stderr.count("sgsim: warning:") == 1
    refused(check(path, "--strict"), "host bits set")


def test_the_junit_file_is_no_check_file(write, check):
    """What is read is not overwritten."""
    path = write(GOOD)
    assert check(path, "--junit", path).exit_code == 2
    assert "cases" in path.read_text()
