"""The benchmark of peers: its JSON, its page, and that it believes no number where answers differ."""

from __future__ import annotations

import tomllib
import xml.etree.ElementTree as ElementTree
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import page
from benchmarks.peers import __main__ as peers
from benchmarks.peers import cases, native
from benchmarks.peers.measuring import Contender, DisagreementError, Plan, UnavailableError, gather, measure, must_agree
from benchmarks.peers.processes import Server, python, ran
from benchmarks.peers.results import US, Curve, Point, Report, Row, Skipped, read, spread
from benchmarks.peers.rows import matching
from benchmarks.peers.snapshots import write_snapshot
from benchmarks.plot import svg
from sgsim.sources import load_topology
from sgsim.workload import Acl, Workload, acl_topology, topology


@pytest.fixture
def plan(tmp_path):
    return Plan(quick=True, rounds=2, folder=tmp_path)


def a_row() -> Row:
    """sgsim twice as fast as its peer, and a second peer that is not there."""
    row = Row("matching", "60 rules, hit", "packets/s", {"packets": 1_000, "rules": 60, "seed": 1, "threads": 1})
    row.skipped.append(Skipped("rte_acl", "libdpdk is not installed"))
    contenders = [Contender(US, lambda: 4e6, {"build_seconds": 0.002}), Contender("numba", lambda: 2e6, {})]
    return measure(row, contenders, 3, {"numba": ">= 2.5"})


def a_curve() -> Curve:
    points = [Point(10.0, spread([5.0, 6.0, 7.0])), Point(1_000.0, spread([50.0, 60.0, 70.0]))]
    return Curve("rules", "Rules of an interface", "rules", "ns a packet", {}, {US: points, "rte_acl & co": points})


def a_report() -> Report:
    machine = {"processor": "one", "flags": ["avx2"], "cores": 2, "memory": 2**30, "system": "Linux", "load": 0.0}
    return Report("today", True, 60.0, machine, {"python": "3"}, [a_row()], [a_curve()])


def test_contenders_take_turns_and_ratios_are_of_one_round():
    """What disturbs a round disturbs both, and cancels."""
    order: list[str] = []

    def contender(who: str, rates: list[float]) -> Contender:
        return Contender(who, lambda: order.append(who) or rates[order.count(who) - 1], {})

    row = measure(Row("p", "n", "packets/s", {}), [contender(US, [4, 40, 8]), contender("peer", [2, 20, 2])], 3)
    assert order == [US, "peer", "peer", US, US, "peer"]
    assert row.ratios[0].value.runs == (2.0, 2.0, 4.0)
    assert row.ratios[0].value.median == 2.0


def test_who_cannot_be_had_is_skipped_with_the_reason():
    """The others go on."""

    def missing(_: ExitStack) -> Contender:
        raise UnavailableError("libdpdk is not installed")

    row = Row("p", "n", "s", {})
    found = gather(row, ExitStack(), {"rte_acl": missing, US: lambda _: Contender(US, lambda: 1.0, {})})
    assert [contender.who for contender in found] == [US]
    assert row.skipped == [Skipped("rte_acl", "libdpdk is not installed")]


def test_answers_that_differ_stop_the_run():
    """The message names the first of them."""
    ours, theirs = np.array([0, 1, -1, 3]), np.array([0, 1, 2])
    with pytest.raises(DisagreementError, match=r"1 of 3 answers differ, the first for number 2: sgsim says -1, .* 2"):
        must_agree("credited rules", {US: ours, "rte_acl": theirs})
    assert (
        must_agree("credited rules", {US: ours, "rte_acl": ours[:2]}) == "credited rules equal to sgsim's: rte_acl on 2"
    )


def test_python_peers_credit_the_same_rules(plan, monkeypatch):
    """A small comparison from the case file to the ratios, on a machine that cannot build the C peers."""
    monkeypatch.setattr(native.shutil, "which", lambda _: None)
    path = plan.folder / "small.case"
    acl = Acl(rules=40, references=8, members=400)
    row = Row("matching", "40 rules", "packets/s", matching.case(path, acl, plan, packets=3_000))
    matching._compare(plan, row, path, mark="")
    assert {result.who for result in row.results} >= {US, "numba", "numpy"}
    assert ("rte_acl", "no C compiler: install gcc") in {(each.who, each.reason) for each in row.skipped}
    assert "numba on 3,000" in row.agreed
    assert 0.85 < row.work["admitted"] < 0.95
    assert all(ratio.value.median > 0 for ratio in row.ratios)


def test_a_peer_that_judges_otherwise_is_found_out(plan):
    """The numba loop with one rule less than sgsim has."""
    path, fewer = plan.folder / "all.case", plan.folder / "fewer.case"
    matching.case(path, Acl(rules=10), plan, packets=2_000)
    rows, tuples = cases.read_match(path)
    cases.write(fewer, rows[1:], tuples)
    answers = {}
    for who, case in (("numba", path), ("numba, fewer rules", fewer)):
        with Server(python("benchmarks.peers.judges", "numba", str(case), "2000"), who) as server:
            answers[who] = server.answers(plan.folder / "answers.i32")
    with pytest.raises(DisagreementError, match="number"):
        must_agree("credited rules", answers)


def test_a_case_file_holds_the_rules_and_packets(plan):
    """Rules come back as they were, references as groups with the same members."""
    path = plan.folder / "case"
    acl = Acl(rules=30, references=5, members=260)
    matching.case(path, acl, plan, packets=500)
    case = cases.read_match(path)
    assert len(case.tuples) == len(np.unique(case.tuples)) == 500
    rows = cases.rows_of(acl_topology(acl))
    assert (case.rows == rows).all()
    assert len(rows) == 25 + 260
    assert (np.sort(cases.rows_of(cases.topology_of(rows))) == np.sort(rows)).all()


def test_packets_of_live_flows_are_written_from_the_side_that_opened():
    """Turned again they are what was sent."""
    flows, packets = cases.live_flows(50, 400, seed=1)
    plain = packets.copy()
    plain["back"] = 0
    assert np.isin(plain, flows).all()
    assert 0 < packets["back"].sum() < 400
    sent = cases.turned(packets)
    assert (sent["src"][packets["back"] == 1] == flows["dst"][0]).all()


def test_a_snapshot_is_the_topology_it_was_written_from(tmp_path):
    """Whole processes read what the workload made."""
    made = topology(Workload(interfaces=8, lists=4, rules=10))
    loaded = load_topology(str(write_snapshot(made, tmp_path / "snapshot.json")))
    assert loaded.groups == made.groups
    assert loaded.interfaces == made.interfaces


def test_a_program_that_fails_says_why():
    """Its last line is the reason, without where its files lie."""
    with pytest.raises(UnavailableError, match=r"^sgsim: error: nowhere\.json: "):
        ran(python("sgsim", "replay", "/no/such/nowhere.json", "/no/such/capture.pcap"))
    with pytest.raises(UnavailableError, match=r"^nobody: "):
        Server(python("benchmarks.peers.judges", "nobody", "/dev/null", "1"), "nobody")


def test_the_command_writes_what_the_page_reads(tmp_path, monkeypatch):
    """One JSON file with machine, versions, rows and curves."""
    monkeypatch.setattr(peers, "PARTS", {"matching": lambda plan: iter([a_row(), a_curve()])})
    file = tmp_path / "peers.json"
    result = CliRunner().invoke(peers.command, ["--quick", "--json", str(file)])
    assert result.exit_code == 0, result.output
    report = read(file)
    assert report.rows == [a_row()]
    assert report.curves == [a_curve()]
    assert report.quick
    assert report.machine["cores"] >= 1
    assert report.versions["numpy"] == np.__version__
    assert list(report.parts) == ["matching"]


def test_the_page_shows_marks_medians_and_reasons(tmp_path):
    """And the sentence that explains a plot."""
    text = page.page(a_report(), {"rules": "The tables leave the second-level cache."})
    assert "| matching: 60 rules, hit | 2 [2, 2] x numba | >= 2.5 x | **missed** |" in text
    assert "| 60 rules, hit | sgsim | 4 [4, 4] Mpkt/s |  | build 2 ms |" in text
    assert "|  | rte_acl | skipped: libdpdk is not installed | | |" in text
    assert "benchmarks/rules.svg" in text
    assert "The tables leave the second-level cache." in text
    file = tmp_path / "peers.json"
    a_report().write(file)
    result = CliRunner().invoke(page.command, [str(file), "--docs", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "benchmarks.md").read_text().startswith("# Benchmarks\n")
    assert (tmp_path / "benchmarks" / "rules.svg").exists()


def test_a_plot_is_a_picture_that_can_be_read_aloud():
    """Well-formed, with title and description, and a line and its label for each series."""
    name = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(svg(a_curve()))
    assert root.findtext(f"{name}title") == "Rules of an interface"
    assert "rte_acl & co: 6 at 10, 60 at 1 k" in str(root.findtext(f"{name}desc"))
    assert len(root.findall(f".//{name}polyline")) == 2
    labels = [text for text in root.iter(f"{name}text") if text.get("class") == "name"]
    assert [label.text for label in labels] == [US, "rte_acl & co"]
    assert abs(float(labels[0].get("y", 0)) - float(labels[1].get("y", 0))) >= 12


def test_every_plot_of_the_docs_is_explained():
    """One sentence for each bend."""
    explained = tomllib.loads(page.BENDS.read_text())
    drawn = {path.stem for path in (Path(page.ROOT) / "docs" / "benchmarks").glob("*.svg")}
    assert drawn
    assert drawn <= set(explained)
    assert all(sentence.endswith(".") for sentence in explained.values())
