"""Every flow log of the shared data is read, or refused with a line that says what it is."""

from __future__ import annotations

import pytest

from sgsim.errors import NoLogError
from tests.flowlogs import plain
from tests.flowlogs.reading import Read

NONE = {"no_data": 0, "skip_data": 0, "malformed": 0, "not_ip": 0}

# file: records, lines that are none, warnings
EXPECTED = {
    "BasanthPR+AWS-VPC-Flow-Logs-Parser/flow_logs.txt": (43, NONE | {"malformed": 2}, 2),
    "ceriwich+techassess_1/sample_flow_logs.txt": (13, NONE, 0),
    "ceriwich+techassess_1/vpc_flow_logs.txt": (4000, NONE, 0),
    "obsrvbl-oss+flowlogs-reader/tests/data/flows.parquet": (1, NONE | {"no_data": 2}, 0),
    "shubham1chawla+aws-flow-log-parser/data/flow.logs": (14, NONE, 0),
}
REFUSED = {"cognetive+VPC-Flow-Logs-Analytics/data/data_example.csv": "is no flow log: it begins with 'Unnamed: 0,UUID"}


def test_every_log_is_known(data):
    """New data need a line here."""
    folder = data / "flowlogs"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == set(EXPECTED) | set(REFUSED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_log_is_read(data, name):
    """So many records, and of text each as plain Python reads it."""
    records, skipped, warnings = EXPECTED[name]
    path = data / "flowlogs" / name
    found = Read(path)
    assert (len(found.records), found.skipped, len(found.warnings)) == (records, skipped, warnings)
    if path.suffix != ".parquet":
        lines = path.read_text().splitlines()
        expected = {(0, n): plain.read(line, plain.V2) for n, line in enumerate(lines, start=1)}
        assert found.records == {key: read for key, read in expected.items() if isinstance(read, dict)}


@pytest.mark.parametrize(("name", "part"), REFUSED.items())
def test_what_is_none_is_refused(data, name, part):
    """By name, with what it begins with."""
    with pytest.raises(NoLogError) as refusal:
        Read(data / "flowlogs" / name)
    assert part in str(refusal.value)
    assert name in str(refusal.value)


def test_all_of_them_at_once(data):
    """A folder: what is no log is passed over."""
    found = Read(data / "flowlogs")
    assert len(found.records) == sum(records for records, _, _ in EXPECTED.values())
    assert any("passed over, being no flow logs" in text and "data_example.csv" in text for text in found.warnings)
