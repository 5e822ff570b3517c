"""Parquet records: what they hold is what the NDJSON of the same replay holds, field by field."""

from __future__ import annotations

import gc
import json
import random
import sys
import zlib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.errors import MissingExtraError, OutputError
from sgsim.kernels.addresses import write_texts
from sgsim.model import Topology, Verdict
from sgsim.replay import Outputs, replay
from sgsim.reports import arrow, parquet
from sgsim.reports.parquet import ParquetRecords
from sgsim.reports.records import FIELDS
from tests.differential.test_captures import batches_of, busiest
from tests.differential.worlds import topology_of

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/three-tier"

# IPv6, fragments of both versions, ICMP and its errors, other protocols, odd links.
CAPTURES = (
    "pcap/zeek+zeek/testing/btest/Traces/icmp/icmp6-destunreach-no-context.pcap",
    "pcap/OISF+suricata-verify/tests/ipv6-evasion/ipv6-malformed-fragments-26/frag-26.pcap",
    "pcap/boundary+wireshark/tools/dftestfiles/ipv6.pcap",
    "pcap/ntop+nDPI/tests/cfgs/default/pcap/6in4tunnel.pcap",
    "pcap/OISF+suricata-verify/tests/defrag/bug-6887-defrag-ipv4-tcp-syn/frag-ip-tcp-syn.pcap",
    "pcap/zeek+zeek/testing/btest/Traces/tunnels/gre-pptp.pcap",
)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return pyarrow.parquet.read_table(path).to_pylist()


def both(
    folder: Path, topology: Topology | Path, captures: Sequence[Path], **options: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The records of one replay: as Parquet, and as NDJSON."""
    names = [folder / "o.parquet", folder / "o.ndjson"]
    only = options.pop("only", None)
    replay(topology, captures, outputs=Outputs([str(name) for name in names], only=only), **options)
    assert not list(folder.glob("*.part"))
    return rows_of(names[0]), [json.loads(line) for line in names[1].read_text().splitlines()]


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("only", [None, Verdict.ALLOW, Verdict.DROP])
def test_the_example_is_what_ndjson_says(tmp_path: Path, engine: str, only: Verdict | None):
    """Every field of every record, by both engines, all observations or those of one verdict."""
    found, expected = both(tmp_path, EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"], engine=engine, only=only)
    assert expected
    assert list(found[0]) == FIELDS
    assert found == expected


@pytest.mark.parametrize("name", CAPTURES)
def test_real_captures_are_what_ndjson_says(tmp_path: Path, data: Path, name: str):
    """IPv6, fragments, ICMP and other protocols, judged by random rules fitted to the capture's hosts."""
    path = data / name
    hosts, judged = busiest(batches_of(path), 24), 0
    for number in range(4):
        topology = topology_of(random.Random(zlib.crc32(name.encode()) + number), hosts)
        found, expected = both(tmp_path, topology, [path])
        assert found == expected
        judged += len(expected)
    assert judged


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_row_groups_are_written_as_they_fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int):
    """The same records whatever the size of a row group; none is larger, and captures may share a name."""
    monkeypatch.setattr(parquet, "ROWS", rows)
    monkeypatch.setattr(arrow, "FIRST_ADDRESSES", 2)
    found, expected = both(tmp_path, EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"] * 2)
    assert found == expected
    file = pyarrow.parquet.ParquetFile(tmp_path / "o.parquet").metadata
    sizes = [file.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert sum(sizes) == len(expected)
    assert max(sizes) <= rows


def test_columns_are_of_plain_types(tmp_path: Path):
    """Names and addresses are dictionaries of strings, numbers are signed, and only what may be absent is nullable."""
    both(tmp_path, EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"])
    schema = pyarrow.parquet.read_schema(tmp_path / "o.parquet")
    words = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    integers = {"packet": pyarrow.int64(), "time_ns": pyarrow.int64(), "length": pyarrow.int64()}
    for name in ("capture", "eni", "direction", "verdict", "reason", "rule", "group", "src", "dst"):
        assert schema.field(name).type == words
    for name in ("packet", "time_ns", "protocol", "src_port", "dst_port", "icmp_type", "icmp_code", "length"):
        assert schema.field(name).type == integers.get(name, pyarrow.int32())
    assert schema.field("tracked").type == pyarrow.bool_()
    nullable = {field.name for field in schema if field.nullable}
    assert nullable == {"rule", "group", "src_port", "dst_port", "icmp_type", "icmp_code"}


def test_no_observation_is_a_file_without_rows(tmp_path: Path):
    """The columns are there all the same."""
    found, expected = both(tmp_path, EXAMPLE / "scenario.yaml", [[]])
    assert (found, expected) == ([], [])
    assert pyarrow.parquet.read_schema(tmp_path / "o.parquet").names == FIELDS


def test_a_name_that_is_no_utf_8_is_escaped(tmp_path: Path):
    """Parquet's strings are UTF-8; a file name need not be."""
    capture = tmp_path / "odd\udcff.pcap"
    capture.write_bytes((EXAMPLE / "traffic.pcap").read_bytes())
    found, _ = both(tmp_path, EXAMPLE / "scenario.yaml", [capture])
    assert {record["capture"] for record in found} == {str(tmp_path / "odd\\udcff.pcap")}


def test_without_pyarrow_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Before any work: not even the snapshot is read."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    name = str(tmp_path / "o.parquet")
    with pytest.raises(MissingExtraError) as refused:
        replay("no-such-snapshot", ["no-such-capture"], outputs=Outputs([name]))
    assert str(refused.value) == f"{name}: writing Parquet needs an extra library: pip install 'sgsim[parquet]'"
    assert not list(tmp_path.iterdir())


class _Full:
    """A disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.refusals = room, 0

    def write(self, data: bytes) -> int:
        self.room -= len(data)
        if self.room < 0:
            self.refusals += 1
            raise OutputError("o.parquet.part: cannot be written: No space left on device")
        return len(data)


@pytest.mark.parametrize("room", [0, 4, 1000])
def test_a_full_disk_is_the_files_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int):
    """The one line of the file that refused; nobody tries to write on, not even when the writer is thrown away."""
    monkeypatch.setattr(parquet, "ROWS", 16)
    disk = _Full(room)

    def opened(_: Any, *rest: Any) -> ParquetRecords:
        return ParquetRecords(disk, *rest)

    monkeypatch.setattr("sgsim.reports.writers.ParquetRecords", opened)
    with pytest.raises(OutputError, match="No space left on device"):
        replay(EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"], outputs=Outputs([str(tmp_path / "o.parquet")]))
    gc.collect()
    assert disk.refusals == 1


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.integers(0, 2**32 - 1).map(IPv4Address),
            st.integers(0, 2**128 - 1).map(IPv6Address),
            st.lists(st.sampled_from((0, 0, 0, 1, 0xFFFF, 0x0A0B)), min_size=8, max_size=8).map(
                lambda groups: IPv6Address(sum(group << 112 - 16 * n for n, group in enumerate(groups)))
            ),
            st.integers(0, 2**32 - 1).map(lambda low: IPv6Address(0xFFFF << 32 | low)),
        )
    )
)
def test_addresses_are_written_as_python_writes_them(addresses: list[IPv4Address | IPv6Address]):
    """Digits, colons and dots; IPv4-mapped ones with dots where they are asked for."""
    table = arrow.empty_table(max(1, len(addresses)))
    table.count[0] = len(addresses)
    table.version[: len(addresses)] = [address.version for address in addresses]
    table.hi[: len(addresses)] = [int(address) >> 64 for address in addresses]
    table.lo[: len(addresses)] = [int(address) & (1 << 64) - 1 for address in addresses]
    for dotted in (False, True):
        offsets = np.zeros(len(addresses) + 1, dtype=np.int32)
        out = np.zeros(39 * len(addresses), dtype=np.uint8)
        size = write_texts(table, dotted, offsets, out)
        texts = [out[begin:end].tobytes().decode() for begin, end in pairwise(offsets)]
        assert texts == [text_of(address, dotted) for address in addresses]
        assert size == sum(map(len, texts))


def text_of(address: IPv4Address | IPv6Address, dotted: bool) -> str:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        mapped = address.ipv4_mapped
        return f"::ffff:{mapped}" if dotted else f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"
    return str(address)
