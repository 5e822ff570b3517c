"""A page is one file that loads nothing, and nothing that it shows is run."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from ipaddress import ip_address

import pytest
from click.testing import CliRunner
from scapy.layers.inet import IP, TCP

from sgsim.cli import cli
from sgsim.model import Interface, SecurityGroup, Topology
from sgsim.report import report
from sgsim.reports.page.markup import element, text
from sgsim.workload import Workload, draw_flows, topology, write_stream
from tests.report.conftest import EXAMPLE, SCENARIO, TRAFFIC, Page

HOSTILE = "<script>document.title='run'</script>\"'><img src=x onerror=alert(1)>&amp;\x00\u202e"
SCENARIO_OF_NAMES = """
security_groups:
  "<script>alert(1)</script>": {ingress: [tcp 443 from any]}
  "a' onmouseover='alert(2)\\" x=\\"": {ingress: ["tcp 80 from <script>alert(1)</script>"]}
interfaces:
  "</title></style><script>alert(3)</script>":
    {addresses: [10.0.0.1], groups: ["<script>alert(1)</script>", "a' onmouseover='alert(2)\\" x=\\""]}
  "x\\u202e&lt;": {addresses: [10.0.0.2], groups: ["<script>alert(1)</script>"]}
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A page of names that would do harm."""
    folder = tmp_path_factory.mktemp("hostile")
    snapshot, page = folder / "<b>s&.yaml", folder / "page.html"
    snapshot.write_text(SCENARIO_OF_NAMES)
    there = [
        IP(src="198.51.100.7", dst=f"10.0.0.{n}") / TCP(sport=4_000, dport=port, flags="S")
        for n in (1, 2)
        for port in (443, 22)
    ]
    report(str(snapshot), [there], str(page))
    return page


@pytest.fixture(params=["example", "hostile"])
def page(request):
    made = request.getfixturevalue(request.param)
    return Page((made[1] if isinstance(made, tuple) else made).read_bytes())


def test_nothing_is_loaded_and_nothing_is_run_but_its_own_script(page):
    """One script, one style, both without a source; no attribute that runs, loads or styles."""
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]
    assert [attributes for tag, attributes in page.tags if tag == "style"] == [{}]
    allowed = {"html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main", "footer", "section"}
    allowed |= {
        "h1",
        "h2",
        "h3",
        "p",
        "a",
        "b",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "div",
        "span",
        "small",
        "br",
        "code",
        "time",
    }
    allowed |= {"button", "figure", "figcaption", "svg", "path", "rect", "line", "text", "details", "summary"}
    allowed |= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in page.tags} <= allowed
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "action")]
        assert (attributes.get("href") or "#").startswith("#")


def test_the_policy_names_the_script_and_the_style_by_their_digests(example):
    """And nothing else may load or run."""
    content = example[1].read_text()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', content)
    for tag in ("script", "style"):
        inner = content.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_hostile_names_are_shown_as_they_are(hostile):
    """As text, in tables and plots."""
    page = Page(hostile.read_bytes())
    names = {row[0] for row in page.table("Observations by interface and dir")}
    assert names == {"</title></style><script>alert(3)</script>", "x\u202e&lt;"}


def test_escaping():
    """What no text may hold is replaced; attributes cannot be left."""
    assert "<" not in text(HOSTILE)
    assert "\x00" not in text(HOSTILE)
    assert element("p", HOSTILE, title=HOSTILE).count('"') == 2
    assert text("\udcff").encode() == "\ufffd".encode()


def test_semantics(page):
    """One main heading, each part named by its own, captions for tables, names for plots, and no id twice."""
    kinds = [tag for tag, _ in page.tags]
    assert (
        kinds.count("h1")
        == kinds.count("main")
        == kinds.count("title") - sum(t == "title" for t in ()) - (kinds.count("title") - 1)
    )
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        if tag == "section":
            assert attributes["aria-labelledby"] in ids
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or (attributes["role"] == "img" and attributes["aria-label"])
        if tag == "a":
            assert attributes["href"][1:] in ids
        if tag == "th":
            assert attributes["scope"] in ("col", "row")
    assert kinds.count("table") == kinds.count("caption") == kinds.count("thead")


def test_the_size_does_not_grow_with_the_packets(tmp_path):
    """250 interfaces: far below 2 MB, and five times as many packets make a page hardly larger. In several batches the
    page does not depend on threads either."""
    workload = Workload(packets=20_000, flows=1_000)
    made = topology(workload)
    sizes = []
    for times in (1, 5):
        write_stream(str(tmp_path / "w.pcap"), draw_flows(workload, made), workload.seed, times)
        report(made, [str(tmp_path / "w.pcap")], str(tmp_path / "w.html"))
        sizes.append((tmp_path / "w.html").stat().st_size)
    report(made, [str(tmp_path / "w.pcap")], str(tmp_path / "jobs.html"), jobs=3)
    assert (tmp_path / "jobs.html").read_bytes() == (tmp_path / "w.html").read_bytes()
    assert max(sizes) < 1_500_000
    assert sizes[1] < 1.5 * sizes[0]


def test_many_interfaces_are_shown_by_their_groups(tmp_path):
    """Where a row for each would be too many."""
    groups = {name: SecurityGroup(name, name, None, (), ()) for name in ("one", "two")}
    interfaces = {
        f"eni-{n}": Interface(
            f"eni-{n}", addresses=(ip_address(f"10.0.0.{n}"),), group_ids=("one" if n % 2 else "two",)
        )
        for n in range(1, 41)
    }
    packets = [IP(src=f"10.0.0.{n}", dst=f"10.0.0.{n + 1}") / TCP(dport=80, flags="S") for n in range(1, 40)]
    report(Topology(interfaces=interfaces, groups=groups), [packets], str(tmp_path / "p.html"))
    rows = Page((tmp_path / "p.html").read_bytes()).table("Packets by sender and receiver")
    assert {(row[0], row[1], row[3]) for row in rows} == {("one", "two", "20"), ("two", "one", "19")}


def test_nothing_judged(tmp_path):
    """Packets of others: the page says so."""
    packets = [IP(src="192.0.2.1", dst="192.0.2.2") / TCP(flags="S")]
    report(SCENARIO, [packets], str(tmp_path / "p.html"))
    assert "No packet of these captures was judged" in (tmp_path / "p.html").read_text()
    report(SCENARIO, [[]], str(tmp_path / "p.html"))
    assert "No packet of these captures was judged" in (tmp_path / "p.html").read_text()


# --- the command ------------------------------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SCENARIO, TRAFFIC), "Missing option '-o'"),
        ((SCENARIO, TRAFFIC, "-o", "no/where/p.html"), "does not exist: create it first"),
        ((SCENARIO, TRAFFIC, "-o", SCENARIO), "it is the input"),
        ((SCENARIO, TRAFFIC, "-o", "p.html", "--format", "version"), "--format is for flow logs: add --flowlogs"),
        ((SCENARIO, TRAFFIC, "-o", "p.html", "--flowlogs", "--jobs", "2"), "--jobs is for captures"),
        ((SCENARIO, TRAFFIC, "-o", "p.html", "--flowlogs", "--changes", "c"), "--changes is for captures"),
        ((SCENARIO, TRAFFIC, "-o", "p.html", "--flowlogs", "--since", "+1s"), "--since is for captures"),
        ((SCENARIO, TRAFFIC, "-o", "p.html", "--png", SCENARIO), "is a file: name a folder"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_done_is_one_line(arguments, message, tmp_path, monkeypatch):
    """With exit code 2, before any work."""
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert not list(tmp_path.iterdir())


def test_a_part_of_a_capture(tmp_path):
    """Nothing else is on the page."""
    assert run(SCENARIO, TRAFFIC, "-o", tmp_path / "p.html", "--since", "+2s", "-c", "40").exit_code == 0
    page = Page((tmp_path / "p.html").read_bytes())
    rows = page.table("Packets by sender and receiver")
    skipped = sum(int(row[1]) for row in page.tables.get("Packets without a verdict", ()))
    assert sum(int(row[2]) + int(row[3]) for row in rows) + skipped == 40


def test_pictures(tmp_path):
    """PNG files, also of flow logs, of names that look like formulas too."""
    assert run(SCENARIO, TRAFFIC, "-o", tmp_path / "p.html", "--png", tmp_path / "plots").exit_code == 0
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    assert names == {"over-time.png", "interfaces.png", "reasons.png", "connections.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "plots").iterdir())
    log = EXAMPLE.parent / "flow-logs/flow.log"
    assert run("--flowlogs", SCENARIO, log, "-o", tmp_path / "f.html", "--png", tmp_path / "logs").exit_code == 0
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"over-time.png", "interfaces.png", "reasons.png"}


def test_pictures_without_matplotlib(tmp_path):
    """One line that says what to install, before any work."""
    code = (
        "import sys\nsys.modules['matplotlib'] = None\nfrom sgsim.cli import cli\ncli.main(['report', *sys.argv[1:]])"
    )
    words = [SCENARIO, TRAFFIC, "-o", str(tmp_path / "p.html"), "--png", str(tmp_path)]
    result = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "pip install 'sgsim[plots]'" in result.stderr
    assert not list(tmp_path.iterdir())
