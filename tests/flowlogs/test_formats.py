"""What a flow log may be: its fields, what it is wrapped in, where it lies."""

from __future__ import annotations

import gzip
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings

from sgsim.captures.flowlogs import Logs, Meetings, log_files
from sgsim.captures.flowlogs.fields import DEFAULT, FIELDS, VERSIONS, parse_format
from sgsim.errors import CaptureError, LogError, MissingExtraError, NoLogError, SelectionError
from tests.flowlogs import plain
from tests.flowlogs.reading import Read
from tests.flowlogs.test_lines import logs

LINES = [
    "2 123456789012 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
    "2 123456789012 eni-1235b8ca 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK",
    "2 123456789012 eni-1235b8ca - - - - - - - 1431280876 1431280934 - NODATA",
    "2 123456789012 eni-11111111 - - - - - - - 1431280876 1431280934 - SKIPDATA",
    "2 123456789012 eni-1235b8ca 2001:db8::5 2001:db8:7::9 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK",
]  # the examples of the VPC user guide, with documentation addresses
EXPECTED = [read for line in LINES if isinstance(read := plain.read(line, plain.V2), dict)]
ALL = " ".join(FIELDS)


def text(*, header: str = " ".join(DEFAULT), lines: list[str] = LINES) -> bytes:
    return "\n".join([*([header] if header else []), *lines]).encode() + b"\n"


def saved(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# --- fields -----------------------------------------------------------------------------------------------------------


def test_there_are_42_fields_up_to_version_10():
    """As the VPC user guide counts them; version 6 is of transit gateways."""
    assert len(FIELDS) == len(set(FIELDS)) == 42
    assert list(VERSIONS) == [2, 3, 4, 5, 7, 8, 9, 10]


def test_a_line_with_every_field(tmp_path):
    """What is not needed is passed over."""
    values = dict(zip(DEFAULT, LINES[0].split(), strict=True)) | {"tcp-flags": "2", "type": "IPv4"}
    values |= {"pkt-srcaddr": "10.9.9.9", "pkt-dstaddr": "172.31.16.21", "flow-direction": "ingress"}
    values |= {"reject-reason": "BPA", "encryption-status": "0", "resource-id": "-", "version": "10"}
    line = " ".join(values.get(name, "arn:aws:ecs:us-east-1:123456789012:task/x") for name in FIELDS)
    found = Read(saved(tmp_path / "a.log", text(header=ALL, lines=[line])))
    assert list(found.records.values()) == [plain.read(line, list(FIELDS))]
    assert found.records[0, 2]["blocked"]
    assert not found.warnings


def test_fields_of_versions_to_come_are_passed_over(tmp_path):
    """With a warning; --strict refuses."""
    log = saved(tmp_path / "a.log", text(header=" ".join(DEFAULT) + " shoe-size", lines=[LINES[0] + " 42"]))
    found = Read(log)
    assert list(found.records.values()) == EXPECTED[:1]
    assert found.warnings == [f"{log}: unknown fields are passed over: shoe-size"]
    with pytest.raises(LogError, match="unknown field shoe-size in its header"):
        Read(log, strict=True)


@pytest.mark.parametrize(
    "given",
    [
        "${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${start}",
        "srcaddr dstaddr srcport dstport protocol start",
    ],
)
def test_a_format_as_aws_takes_it_or_as_names(given):
    assert parse_format(given) == ("srcaddr", "dstaddr", "srcport", "dstport", "protocol", "start")


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("", "no field in it"),
        ("${srcadr}", r"\$\{srcadr\} is no field of a flow log \(did you mean srcaddr\?\)"),
        ("hello;world", "hello;world is no field"),
        ("srcaddr srcaddr", "srcaddr is given twice"),
        ("srcaddr dstaddr srcport dstport start", "without protocol records cannot be judged"),
        ("pkt-srcaddr dstaddr srcport dstport protocol", "without start"),
        ("srcaddr srcport dstport protocol end", "without dstaddr"),
    ],
)
def test_formats_that_cannot_be(given, part):
    with pytest.raises(SelectionError, match=part):
        parse_format(given)


def test_lines_without_header_need_their_format(tmp_path):
    """Another number of fields than the default format's is refused with the remedy."""
    lines = [" ".join(line.split()[2:]) for line in LINES]
    log = saved(tmp_path / "a.log", text(header="", lines=lines))
    with pytest.raises(
        LogError, match=r"line 1: has 12 fields and no header, the default format .*--format '\$\{version\}"
    ):
        Read(log)
    assert list(Read(log, fields=DEFAULT[2:]).records.values()) == EXPECTED
    with pytest.raises(LogError, match="has 12 fields and no header, --format has another number"):
        Read(log, fields=DEFAULT)


def test_a_header_goes_before_the_format(tmp_path):
    """The file knows better."""
    log = saved(tmp_path / "a.log", text())
    assert list(Read(log, fields=parse_format(ALL)).records.values()) == EXPECTED


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \n"])
def test_ends_of_lines(tmp_path, end):
    """Whatever ends a line, blank lines between, none at the end; a header that comes again is no record."""
    data = end.join([*text().splitlines(), b"", *text().splitlines()[:2]])
    found = Read(saved(tmp_path / "a.log", data))
    assert list(found.records.values()) == [*EXPECTED, EXPECTED[0]]
    assert (found.skipped["malformed"], found.warnings) == (0, [])


@pytest.mark.parametrize("header", ["", " ".join(DEFAULT)])
def test_a_log_without_records(tmp_path, header):
    """A header alone, or blank lines alone."""
    assert not Read(saved(tmp_path / "a.log", f"{header}\n\n".encode())).records


def test_a_transit_gateways_log_is_refused(tmp_path):
    header = "version resource-type account-id tgw-id tgw-attachment-id srcaddr dstaddr srcport dstport protocol start"
    with pytest.raises(LogError, match="is the flow log of a transit gateway"):
        Read(saved(tmp_path / "a.log", text(header=header, lines=["6 TransitGateway 1 tgw-1 tgw-2 - - - - - 1"])))


@pytest.mark.parametrize("missing", ["srcaddr", "dstaddr", "srcport", "dstport", "protocol"])
def test_what_a_header_must_name(tmp_path, missing):
    header = " ".join(name for name in DEFAULT if name != missing)
    with pytest.raises(LogError, match=f"has no {missing}: its records cannot be judged"):
        Read(saved(tmp_path / "a.log", text(header=header, lines=[])))


# --- what it is wrapped in --------------------------------------------------------------------------------------------

WRAPPED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "several gzip members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "zstd": lambda data: zstandard.compress(data),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_compressed_logs(tmp_path, wrap):
    """Known by their content, not by their name."""
    assert list(Read(saved(tmp_path / "a", wrap(text()))).records.values()) == EXPECTED


def test_a_log_that_is_cut_off(tmp_path):
    """All whole lines are read, then a warning; --strict refuses."""
    log = saved(tmp_path / "a.gz", gzip.compress(text(lines=LINES * 2000))[:-300])
    found = Read(log)
    assert 100 < len(found.records) < 6000
    assert list(found.records.values())[:3] == EXPECTED
    assert "the gzip data is cut off at offset" in found.warnings[0]
    with pytest.raises(LogError, match="cut off at offset"):
        Read(log, strict=True)


def test_damaged_gzip(tmp_path):
    data = bytearray(gzip.compress(text(lines=[f"{line} {n}" for n, line in enumerate(LINES * 9000)])))
    data[len(data) // 2 : len(data) // 2 + 50] = b"\xff" * 50
    with pytest.raises((CaptureError, LogError), match=r"damaged|cut off|header"):
        Read(saved(tmp_path / "a.gz", bytes(data)), strict=True)


@pytest.mark.parametrize(
    "before", ["2021-05-04T15:06:01.000Z", "2024-05-04T15:06:01.123000+00:00 eni-1-all", "2024-05-04 15:06:01.000"]
)
def test_lines_of_cloudwatch_logs(tmp_path, before):
    """Exports have a time before each record, aws logs tail the stream's name besides."""
    log = saved(tmp_path / "a.log", text(header="", lines=[f"{before} {line}" for line in LINES]))
    assert list(Read(log).records.values()) == EXPECTED


def test_events_of_cloudwatch_logs(tmp_path):
    """aws logs filter-log-events and get-log-events, whatever the layout; also as lines of their own."""
    events = [{"logStreamName": "eni-1-all", "timestamp": 1, "message": line, "eventId": "3"} for line in LINES]
    document = {"events": events, "searchedLogStreams": [], "nextToken": 'a "message": "quoted"'}
    for n, data in enumerate((json.dumps(document), json.dumps(document, indent=4), json.dumps(events))):
        found = Read(saved(tmp_path / f"{n}.json", data.encode()))
        assert list(found.records.values()) == EXPECTED
        assert not found.warnings
    found = Read(saved(tmp_path / "cut.json", json.dumps(document)[:700].encode()))
    assert list(found.records.values()) == EXPECTED[: len(found.records)]
    assert "the JSON is cut off" in found.warnings[0]
    with pytest.raises(LogError, match="has no events with a message"):
        Read(saved(tmp_path / "none.json", b'{"events": []}'), strict=True)


def test_a_long_document_of_events(tmp_path, monkeypatch):
    """Pieces may end anywhere."""
    monkeypatch.setattr("sgsim.captures.flowlogs.messages._PIECE", 97)
    events = [{"timestamp": n, "message": LINES[0]} for n in range(500)]
    assert list(Read(saved(tmp_path / "a.json", json.dumps({"events": events}).encode())).records.values()) == (
        EXPECTED[:1] * 500
    )


def test_standard_input(tmp_path, monkeypatch):
    """Text from a pipe."""
    reader, writer = os.pipe()
    os.write(writer, gzip.compress(text()))
    os.close(writer)
    monkeypatch.setattr(os, "dup", lambda _: reader)
    assert list(Read("-").records.values()) == EXPECTED


# --- Parquet ----------------------------------------------------------------------------------------------------------

NUMBERS = {"version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"}
WIDE = {"packets", "bytes", "start", "end"}


def parquet(
    path: Path, lines: list[str], *, typed: bool = True, names: list[str] | None = None, **options: object
) -> Path:
    """A log as AWS writes it (numbers are integers, nothing is null), or all text."""
    names = names or plain.V2
    columns = {}
    for place, name in enumerate(names):
        words = [line.split()[place] for line in lines]
        if typed and name in NUMBERS:
            kind = pa.int64() if name in WIDE else pa.int32()
            columns[name.replace("-", "_")] = pa.array([None if word == "-" else int(word) for word in words], kind)
        else:
            columns[name.replace("-", "_")] = pa.array(words, pa.string())
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "all text"])
@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"row_group_size": 2}, {"version": "1.0"}], ids=str)
def test_parquet_logs(tmp_path, typed, options):
    """The same records as those of the text."""
    found = Read(parquet(tmp_path / "a.parquet", LINES * 3, typed=typed, **options))
    assert list(found.records.values()) == EXPECTED * 3
    assert found.skipped == {"no_data": 3, "skip_data": 3, "malformed": 0, "not_ip": 0}


def test_parquet_of_many_rows(tmp_path, monkeypatch):
    """More than are decoded, and made into records, at a time."""
    monkeypatch.setattr("sgsim.captures.flowlogs.parquet._ROWS", 700)
    monkeypatch.setattr("sgsim.captures.flowlogs.parquet.BATCH", 64)
    lines = [
        f"2 1 eni-{n % 7} 10.0.0.{n % 250} 203.0.113.9 {n} 443 6 {n} 99 {n} {n + 60} ACCEPT OK" for n in range(3000)
    ]
    found = Read(parquet(tmp_path / "a.parquet", lines, row_group_size=1000))
    assert list(found.records.values()) == [plain.read(line, plain.V2) for line in lines]
    assert [line for _, line in found.order] == list(range(1, 3001))


def test_parquet_of_other_fields(tmp_path):
    """Version 5's, without a status; columns that are none of a flow log's are passed over."""
    names = [*plain.V2[:-1], "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr", "flow-direction", "day"]
    lines = [
        "5 1 eni-1 10.0.0.1 10.0.0.2 1 443 6 1 40 5 9 ACCEPT 2 IPv4 10.0.0.9 - egress 7",
        "5 1 - - - - - - - - 5 9 - - - - - - 7",
        "5 1 eni-1 - 10.0.0.2 1 443 6 1 40 5 9 REJECT 2 IPv4 10.0.0.9 10.0.0.8 - 7",
        "5 1 eni-1 10.0.0.1 10.0.0.2 1 443 6 1 40 5 9 REJECT 2 EFA 10.0.0.9 - - 7",
    ]
    found = Read(parquet(tmp_path / "a.parquet", lines, typed=False, names=names))
    assert list(found.records.values()) == [plain.read(lines[0], names), plain.read(lines[2], names)]
    assert found.skipped == {"no_data": 1, "skip_data": 0, "malformed": 0, "not_ip": 1}


def test_malformed_rows(tmp_path):
    """Told with their number, as lines are."""
    bad = LINES[0].replace("172.31.16.139", "172.31.16.1390")
    log = parquet(tmp_path / "a.parquet", [LINES[0], bad, LINES[1].replace(" 6 ", " 600 ")])
    found = Read(log)
    assert list(found.records.values()) == EXPECTED[:1]
    assert found.warnings == [
        f"{log}: row 2: srcaddr is no IP address: '172.31.16.1390' (an address, or -); skipped",
        f"{log}: row 3: protocol is too large: '600' (0 to 255); skipped",
    ]
    with pytest.raises(LogError, match="row 2: srcaddr is no IP address"):
        Read(log, strict=True)


def test_parquet_that_cannot_be_read(tmp_path):
    """Something else, cut off, of odd types, compressed once more, from a pipe."""
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(NoLogError, match="none of its columns is a field"):
        Read(other)
    good = parquet(tmp_path / "a.parquet", LINES)
    with pytest.raises(LogError, match="cannot be read as Parquet"):
        Read(saved(tmp_path / "cut.parquet", good.read_bytes()[:-20]))
    with pytest.raises(LogError, match="is compressed Parquet"):
        Read(saved(tmp_path / "a.parquet.gz", gzip.compress(good.read_bytes())))
    times = pq.read_table(good).to_pydict() | {"start": pa.array([0] * len(LINES), pa.timestamp("ms"))}
    pq.write_table(pa.table(times), good)
    with pytest.raises(LogError, match=r"its column start is of the type timestamp\[ms\]"):
        Read(good)


def test_without_pyarrow(tmp_path, monkeypatch):
    """The extra is named."""
    log = parquet(tmp_path / "a.parquet", LINES)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingExtraError, match=r"reading Parquet needs an extra library: pip install 'sgsim\[parquet\]'"
    ):
        Read(log)


# --- where it lies ----------------------------------------------------------------------------------------------------


def test_folders_and_patterns(tmp_path):
    """Recursively, hive partitions too; each file once; what is no log is passed over with a warning."""
    day = tmp_path / "AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2024/month=05/day=04"
    parquet(day / "1_vpcflowlogs_eu-west-1_fl-1_20240504T0000Z_aaaa.log.parquet", LINES)
    saved(day / "1_vpcflowlogs_eu-west-1_fl-1_20240504T0005Z_bbbb.log.gz", gzip.compress(text()))
    saved(tmp_path / "AWSLogs/aws-logs-write-test", b"Permission Check Successful")
    saved(tmp_path / "AWSLogs/_SUCCESS", b"")
    saved(tmp_path / "AWSLogs/.hidden", b"x")
    folder = Read(tmp_path / "AWSLogs")
    assert len(folder.records) == 6
    assert [Path(name).name[-4:] for name in folder.names] == ["quet", "g.gz"]
    assert folder.warnings == [f"passed over, being no flow logs: {tmp_path}/AWSLogs/aws-logs-write-test"]
    pattern = Read(f"{tmp_path}/**/*.gz", f"{day}/*bbbb.log.gz")
    assert len(pattern.records) == 3
    with pytest.raises(LogError, match="aws-logs-write-test: is no flow log"):
        Read(tmp_path / "AWSLogs", strict=True)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("missing.log", "cannot be opened: No such file"),
        ("*.gz", "matches no file"),
        ("empty", "is a folder without files"),
        ("empty.log", r"is empty \(0 bytes\)"),
        ("capture.pcap", "is no flow log: it begins with"),
        ("junk", "is no flow log, nor is anything else there"),
    ],
)
def test_what_is_no_log(tmp_path, name, part):
    (tmp_path / "empty").mkdir()
    saved(tmp_path / "empty.log", b"")
    saved(tmp_path / "capture.pcap", bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    saved(tmp_path / "junk/a.txt", b"hello world")
    saved(tmp_path / "junk/b.txt", b"hello world")
    with pytest.raises((LogError, CaptureError), match=part):
        Read(tmp_path / name)


def test_logs_are_read_side_by_side(tmp_path):
    """Each when its time comes: no record is further from its place than a batch of each log under way."""
    for n in range(12):
        lines = [
            f"2 1 eni-1 10.0.0.1 203.0.113.9 50000 443 6 1 99 {3600 * n + k} {3600 * n + k} ACCEPT OK"
            for k in range(40)
        ]
        data = text(lines=lines)
        saved(tmp_path / f"{(7 * n) % 12:02}.log", gzip.compress(data) if n % 2 else data)
    found = Read(tmp_path)
    starts = [record["start"] for record in found.records.values()]
    assert starts == sorted(starts)
    assert len(starts) == 480
    logs = Logs(log_files([str(tmp_path)]), Meetings())
    assert max(len(logs._under_way) for _ in logs.batches()) <= 2


def test_more_logs_than_may_be_open(tmp_path, monkeypatch):
    """The rest waits, and is read none the less."""
    monkeypatch.setattr("sgsim.captures.flowlogs.merge.MOST_OPEN", 3)
    for n in range(9):
        saved(tmp_path / f"{n}.log", text(lines=LINES[:2]))
    assert len(Read(tmp_path).records) == 18


def test_pipes_are_read_once(tmp_path):
    """Nobody looks at the beginning of a FIFO before it is its turn."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(text()))
    writer.start()
    found = Read(fifo, saved(tmp_path / "a.log", text()))
    writer.join()
    assert len(found.records) == 6


@settings(max_examples=60, deadline=None)
@given(logs())
def test_parquet_says_what_text_says(tmp_path_factory, log):
    """The same records, the same rows passed over, whatever their values."""
    names, given_lines = log
    lines = [line for line in given_lines if len(line.split()) == len(names)]
    if not lines:
        return
    folder = tmp_path_factory.mktemp("log")
    as_text = Read(saved(folder / "a.log", text(header=" ".join(names), lines=lines)))
    as_parquet = Read(parquet(folder / "a.parquet", lines, typed=False, names=names))
    expected = {(place, line - 1): record for (place, line), record in as_text.records.items()}
    assert as_parquet.records == expected
    assert as_parquet.skipped == as_text.skipped
