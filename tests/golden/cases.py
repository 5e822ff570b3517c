"""The golden cases: a folder each, with a snapshot and a case.yaml that says what has to come of it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import yaml

from sgsim.model import Fragments, Midstream, Settings, TcpPickup, Timeouts
from tests.golden.lines import Line, parse_lines, parse_time

HERE = Path(__file__).parent
SNAPSHOTS = ("scenario.yaml", "snapshot.json")
KEYS = {"source", "what", "packets", "settings", "select", "changes", "totals", "warnings"}
CHANGE = {"at", "what", "snapshot", "warnings"}
SETTINGS = {
    "open_loop",
    "fragments",
    "tcp_pickup",
    "midstream",
    "conntrack_max",
    "tcp_established_timeout",
    "auto_tracked",
}
TOTALS = {"opened", "replaced", "live", "midstream_flows", "reordered", "jumped"}


@dataclass(frozen=True, slots=True)
class Change:
    """A snapshot that holds for packets at or after a time, in nanoseconds.

    A case writes down what is other than before: mappings are merged key by key, null takes a key away, anything else
    (a list of rules, say) takes the place of what was there.
    """

    time_ns: int
    what: str
    snapshot: dict[str, Any]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Case:
    """``select``: ids of the guarded interfaces, None for all. ``warnings``: a part of each that loading gives.

    ``changes``: by time. ``totals``: numbers of the summary that are checked, beside the lines.
    """

    name: str
    snapshot: Path
    source: str
    what: str
    settings: Settings
    select: list[str] | None
    changes: list[Change]
    totals: dict[str, int]
    warnings: list[str]
    lines: list[Line]


def case_names() -> list[str]:
    """``SECTION/CASE`` of every folder that holds a case.yaml."""
    return sorted(str(path.parent.relative_to(HERE)) for path in HERE.glob("*/*/case.yaml"))


def read_case(name: str) -> Case:
    """Read a case. Raises ValueError for keys and lines that mean nothing: a case never passes by a slip of the pen."""
    folder = HERE / name
    written: dict[str, Any] = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    _refuse_unknown(name, written, KEYS)
    totals = written.get("totals", {})
    _refuse_unknown(name, totals, TOTALS)
    snapshots = [folder / file for file in SNAPSHOTS if (folder / file).exists()]
    if len(snapshots) != 1:
        raise ValueError(f"{name} has to have one of {', '.join(SNAPSHOTS)}")
    lines = parse_lines(written["packets"])
    changes = _changes(name, written.get("changes", []), snapshots[0])
    for times in ([line.packet.time_ns for line in lines], [change.time_ns for change in changes]):
        if changes and times != sorted(times):
            raise ValueError(f"{name}: with changes, packets and changes have to be in the order of their times")
    return Case(
        name=name,
        snapshot=snapshots[0],
        source=written["source"],
        what=written["what"],
        settings=_settings(name, written.get("settings", {})),
        select=written.get("select"),
        changes=changes,
        totals=totals,
        warnings=written.get("warnings", []),
        lines=lines,
    )


def _changes(name: str, written: list[dict[str, Any]], snapshot: Path) -> list[Change]:
    changes = []
    holds: dict[str, Any] = yaml.safe_load(snapshot.read_text(encoding="utf-8"))
    for each in written:
        _refuse_unknown(name, each, CHANGE)
        holds = _merged(holds, each["snapshot"])
        changes.append(Change(parse_time(each["at"]), each["what"], holds, each.get("warnings", [])))
    return changes


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    found = dict(old)
    for key, value in new.items():
        if value is None:
            del found[key]
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = _merged(found[key], value)
        else:
            found[key] = value
    return found


def _settings(name: str, written: dict[str, Any]) -> Settings:
    _refuse_unknown(name, written, SETTINGS)
    established = written.get("tcp_established_timeout")
    return Settings(
        open_loop=written.get("open_loop", False),
        fragments=Fragments(written.get("fragments", Fragments.TRACK)),
        tcp_pickup=TcpPickup(written.get("tcp_pickup", TcpPickup.LOOSE)),
        midstream=Midstream(written.get("midstream", Midstream.EVALUATE)),
        timeouts=Timeouts() if established is None else Timeouts(tcp_established=established),
        auto_tracked=tuple(ip_network(cidr) for cidr in written.get("auto_tracked", ())),
        conntrack_max=written.get("conntrack_max"),
    )


def _refuse_unknown(name: str, written: dict[str, Any], known: set[str]) -> None:
    if unknown := set(written) - known:
        raise ValueError(f"{name}: unknown key {', '.join(sorted(unknown))}")
