"""Observations as columns: what NumPy, pandas, polars, DuckDB and pyarrow see is what the records say."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

import duckdb
import numpy as np
import pandas
import polars
import pyarrow
import pytest

import sgsim
from sgsim.captures import merged, open_capture, traffic
from sgsim.engine import Simulator
from sgsim.errors import MissingExtraError, SgsimError
from sgsim.model import Topology, Verdict
from sgsim.replay import Options, Outputs, observations, replay
from sgsim.reports import arrow
from sgsim.reports import observations as columns
from sgsim.reports.observations import Collector, Observations
from sgsim.reports.records import FIELDS
from sgsim.sources import load_topology
from tests.differential.test_captures import batches_of, busiest
from tests.differential.worlds import topology_of
from tests.test_reports_parquet import CAPTURES

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/three-tier"
SCENARIO, TRAFFIC = EXAMPLE / "scenario.yaml", EXAMPLE / "traffic.pcap"

Record = dict[str, Any]


def records(folder: Path, topology: Topology | Path, captures: Iterable[Any], **options: Any) -> list[Record]:
    """What the NDJSON of the same replay says."""
    name = folder / "o.ndjson"
    replay(topology, list(captures), outputs=Outputs([str(name)], only=options.pop("only", None)), **options)
    return [json.loads(line) for line in name.read_text().splitlines()]


def in_numpy(found: Observations) -> list[Record]:
    """Masked where there is none."""
    values = {name: found[name].tolist() for name in found.column_names}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def in_coded(found: Observations) -> list[Record]:
    """Words by their codes, whatever else as it is."""
    rows = in_numpy(found)
    for name in ("capture", "eni", "direction", "verdict", "reason", "rule", "group", "src", "dst"):
        codes, words = found.coded(name)
        assert len(set(words.tolist())) == len(words)
        for row, code in zip(rows, codes.tolist(), strict=True):
            row[name] = None if code < 0 else words[code]
    return rows


def in_pyarrow(found: Observations) -> list[Record]:
    return list(pyarrow.table(found).to_pylist())


def in_record_batch(found: Observations) -> list[Record]:
    return list(pyarrow.record_batch(found).to_pylist())


def in_polars(found: Observations) -> list[Record]:
    return list(found.to_polars().to_dicts())


def in_polars_by_capsule(found: Observations) -> list[Record]:
    return list(polars.DataFrame(found).to_dicts())


def in_pandas(found: Observations) -> list[Record]:
    frame = found.to_pandas()
    return [{name: None if pandas.isna(v) else v for name, v in row.items()} for row in frame.to_dict("records")]


def in_duckdb(found: Observations) -> list[Record]:
    with duckdb.connect() as connection:
        connection.register("seen", found)
        relation = connection.sql("select * from seen")
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


READERS: list[Callable[[Observations], list[Record]]] = [
    in_numpy,
    in_coded,
    in_pyarrow,
    in_record_batch,
    in_polars,
    in_polars_by_capsule,
    in_pandas,
    in_duckdb,
]


@pytest.mark.parametrize("read", READERS, ids=lambda reader: reader.__name__)
def test_every_library_sees_the_records(tmp_path: Path, read: Callable[[Observations], list[Record]]):
    """Every field of every observation, and the names in their order."""
    found = read(observations(SCENARIO, [TRAFFIC]))
    assert found == records(tmp_path, SCENARIO, [TRAFFIC])
    assert list(found[0]) == FIELDS


@pytest.mark.parametrize("only", [Verdict.ALLOW, Verdict.DROP, "drop"])
@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_observations_of_one_verdict(tmp_path: Path, only: Any, engine: str):
    """As ``--only`` has it, by both engines; the summary is that of the whole replay."""
    found = observations(SCENARIO, [TRAFFIC], only=only, engine=engine)
    assert in_numpy(found) == records(tmp_path, SCENARIO, [TRAFFIC], only=Verdict(only), engine=engine)
    assert found.summary.observations > len(found) > 0


@pytest.mark.parametrize("name", CAPTURES)
def test_real_captures(tmp_path: Path, data: Path, name: str):
    """IPv6, fragments, ICMP and other protocols, judged by random rules fitted to the capture's hosts."""
    path = data / name
    topology = topology_of(random.Random(zlib.crc32(name.encode())), busiest(batches_of(path), 24))
    found, expected = observations(topology, [path]), records(tmp_path, topology, [path])
    assert in_numpy(found) == in_pyarrow(found) == in_pandas(found) == expected


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_columns_grow_as_observations_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int):
    """The same whatever room is made at a time; captures may share a name."""
    monkeypatch.setattr(columns, "_CHUNK", rows)
    monkeypatch.setattr(arrow, "FIRST_ADDRESSES", 2)
    found = observations(SCENARIO, [TRAFFIC, TRAFFIC])
    expected = records(tmp_path, SCENARIO, [TRAFFIC, TRAFFIC])
    assert in_numpy(found) == in_pyarrow(found) == expected


def test_threads_change_nothing():
    """--jobs, as everywhere."""
    assert in_numpy(observations(SCENARIO, [TRAFFIC], jobs=3)) == in_numpy(observations(SCENARIO, [TRAFFIC]))


def test_packets_of_scapy(tmp_path: Path):
    """No file is needed, in or out."""
    packets = traffic.tcp("192.0.2.77", "10.0.1.10", 443)
    found = observations(SCENARIO, [packets])
    assert in_numpy(found) == records(tmp_path, SCENARIO, [packets])
    assert found["capture"].tolist() == ["packets"] * len(packets)


@pytest.mark.parametrize("read", READERS, ids=lambda reader: reader.__name__)
def test_no_observation_at_all(read: Callable[[Observations], list[Record]]):
    """Columns of no length, and no error."""
    found = observations(SCENARIO, [[]])
    assert (len(found), read(found)) == (0, [])
    assert list(found.to_pandas().columns) == found.to_polars().columns == FIELDS


def test_without_rules_and_ports(tmp_path: Path):
    """Columns that hold nothing but nulls."""
    packets = traffic.fragments(traffic.udp("192.0.2.200", "10.0.1.10", 9, request_size=3000)[0])[1:]
    found = observations(SCENARIO, [packets])
    assert set(found["rule"]) == {None}
    for read in READERS:
        assert read(found) == records(tmp_path, SCENARIO, [packets])


# --- types and copies -------------------------------------------------------------------------------------------------


def test_numbers_are_what_the_page_says():
    """64 bits for packet, time and length, 32 for others; masked arrays where there may be none."""
    found = observations(SCENARIO, [TRAFFIC])
    for name in ("packet", "time_ns", "length"):
        assert found[name].dtype == np.int64
    for name in ("protocol", "src_port", "dst_port", "icmp_type", "icmp_code"):
        assert found[name].dtype == np.int32
    assert found["tracked"].dtype == np.bool_
    masked = [name for name in FIELDS if isinstance(found[name], np.ma.MaskedArray)]
    assert masked == ["src_port", "dst_port", "icmp_type", "icmp_code"]
    assert found["dst_port"].compressed().min() >= 0


def test_plain_numbers_are_not_copied():
    """NumPy, Arrow and pandas look at the same memory."""
    found = observations(SCENARIO, [TRAFFIC])
    times = found["time_ns"]
    assert np.shares_memory(times, found["time_ns"])
    assert found.to_arrow().column("time_ns").buffers()[1].address == times.ctypes.data
    assert pyarrow.table(found).column("time_ns").chunk(0).buffers()[1].address == times.ctypes.data
    assert np.shares_memory(found.to_pandas()["time_ns"].to_numpy(), times)


def test_what_arrow_takes_outlives_the_columns():
    """The memory is kept as long as somebody looks at it."""
    found = observations(SCENARIO, [TRAFFIC])
    expected, table = in_numpy(found), pyarrow.table(found)
    del found
    assert table.to_pylist() == expected


def test_words_are_categories():
    """In pandas, polars and pyarrow: a name stands there once, however many observations have it."""
    found = observations(SCENARIO, [TRAFFIC])
    assert isinstance(found.to_pandas()["eni"].dtype, pandas.CategoricalDtype)
    assert found.to_polars()["eni"].dtype in (polars.Categorical, polars.Enum)
    assert found.to_arrow().schema.field("eni").type == pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    nullable = [field.name for field in found.to_arrow().schema if field.nullable]
    assert nullable == ["rule", "group", "src_port", "dst_port", "icmp_type", "icmp_code"]


def test_addresses_beyond_two_gigabytes_of_text(monkeypatch: pytest.MonkeyPatch):
    """Offsets have 64 bits then."""
    found = observations(SCENARIO, [TRAFFIC])
    expected = in_numpy(found)
    monkeypatch.setattr(arrow, "MOST_TEXT", 10)
    assert found.to_arrow().schema.field("src").type == pyarrow.dictionary(pyarrow.int32(), pyarrow.large_string())
    assert in_pyarrow(found) == in_polars(found) == in_duckdb(found) == expected


def test_a_column_that_is_none():
    """The names that there are stand in the error."""
    found = observations(SCENARIO, [TRAFFIC])
    with pytest.raises(KeyError, match="'port' is no column: there are capture, packet"):
        found["port"]
    with pytest.raises(KeyError):
        found.coded("length")


def test_it_says_what_it_is():
    """In an interactive session."""
    assert repr(
        observations("examples/three-tier/scenario.yaml", ["examples/three-tier/traffic.pcap"], only="drop")
    ) == ("<29 observations of examples/three-tier/traffic.pcap>")


# --- by hand, and what is missing -------------------------------------------------------------------------------------


def test_a_collector_beside_a_simulator(tmp_path: Path):
    """What ``observations`` does, batch by batch with one's own simulator."""
    simulator = Simulator(load_topology(SCENARIO))
    collector = Collector(simulator, ["traffic"], Verdict.DROP)
    with open_capture(str(TRAFFIC)) as capture:
        for batch in merged([capture]):
            collector.write(batch, simulator.judge_columns(batch.columns))
    found = in_numpy(collector.finish())
    expected = records(tmp_path, SCENARIO, [TRAFFIC], only=Verdict.DROP)
    assert found == [{**each, "capture": "traffic"} for each in expected]


def test_options_are_those_of_a_replay():
    """``observations`` takes whatever ``replay`` does, but for what it gives itself."""
    known = set(signature(replay).parameters) - {"topology", "captures", "also", "occupancy"}
    assert set(get_type_hints(Options)) == known
    assert set(Options.__annotations__) == known


def test_errors_are_those_of_a_replay():
    with pytest.raises(SgsimError, match="nowhere: cannot be opened"):
        observations(SCENARIO, ["nowhere"])


@pytest.mark.parametrize(
    ("library", "ask", "line"),
    [
        ("pyarrow", "to_arrow", "Arrow needs an extra library: pip install 'sgsim[parquet]'"),
        ("pyarrow", "__arrow_c_stream__", "Arrow needs an extra library: pip install 'sgsim[parquet]'"),
        ("pyarrow", "__arrow_c_array__", "Arrow needs an extra library: pip install 'sgsim[parquet]'"),
        ("polars", "to_polars", "polars needs an extra library: pip install 'sgsim[polars]'"),
        ("pandas", "to_pandas", "pandas needs an extra library: pip install 'sgsim[pandas]'"),
    ],
)
def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch, library: str, ask: str, line: str):
    """One line says what to install."""
    found = observations(SCENARIO, [TRAFFIC])
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError) as refused:
        getattr(found, ask)()
    assert str(refused.value) == line


def test_numpy_and_pandas_need_no_pyarrow():
    """Columns are made without it."""
    code = (
        "import sys\nsys.modules['pyarrow'] = sys.modules['polars'] = None\nimport sgsim\n"
        f"found = sgsim.observations({str(SCENARIO)!r}, [{str(TRAFFIC)!r}])\n"
        "assert found['src'][0] == '192.0.2.77'\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_public_names():
    """From the package itself, loaded when they are asked for."""
    assert sgsim.observations is observations
    assert sgsim.Observations is Observations


def test_records_that_are_written_are_what_the_libraries_read(tmp_path: Path):
    """CSV and Parquet files of one replay, read by pandas, polars and DuckDB: the same as the columns in memory."""
    names = [str(tmp_path / f"o.{form}") for form in ("csv", "parquet", "ndjson")]
    expected = in_numpy(observations(SCENARIO, [TRAFFIC], outputs=Outputs(names)))
    assert polars.read_parquet(names[1]).to_dicts() == expected
    assert polars.read_ndjson(names[2], infer_schema_length=None).to_dicts() == expected
    frame = pandas.read_parquet(names[1], dtype_backend="numpy_nullable")
    assert [{k: None if pandas.isna(v) else v for k, v in row.items()} for row in frame.to_dict("records")] == expected
    for name in names:
        with duckdb.connect() as connection:
            relation = connection.sql(f"select * from '{name}'")
            assert [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()] == expected
    with open(names[0], newline="") as file:
        assert len(list(csv.DictReader(file))) == len(expected)
