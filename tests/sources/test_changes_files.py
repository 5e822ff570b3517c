"""What a file of changes may be: YAML, JSON, NDJSON, CloudTrail's logs and folders; and what it may not."""

from __future__ import annotations

import gzip
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import InputError
from sgsim.sources.changes import ApiChange, Changes, in_order, read_changes

CHANGE = {"at": "+1s", "call": "DeleteVpc", "params": {"VpcId": "vpc-1"}}
EVENT = {
    "eventTime": "2026-05-04T12:00:00Z",
    "eventSource": "ec2.amazonaws.com",
    "eventName": "DeleteVpc",
    "requestParameters": {"vpcId": "vpc-2"},
    "responseElements": {"_return": True},
}
LOGS = f"{json.dumps({'Records': [EVENT]})}\n" * 2
TWICE = "is not as it should be: the key 'at' is given twice"
CUT_OFF = gzip.compress(json.dumps([CHANGE]).encode(), mtime=0)[:-9]
NDJSON = "".join(json.dumps(each) + "\n" for each in (CHANGE, EVENT, CHANGE))
PACKED = gzip.compress(NDJSON.encode(), mtime=0)


def named(vpc_id: str) -> dict[str, Any]:
    return EVENT | {"requestParameters": {"vpcId": vpc_id}}


def vpcs(found: Changes) -> list[str]:
    return [change.params["VpcId"] for change in found.changes]


ZIPPED = gzip.compress(NDJSON.encode(), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "wanted", "places"),
    [
        ("c.yaml", "- {at: +1s, call: DeleteVpc, params: {VpcId: vpc-1}}\n", ["vpc-1"], ["[0], line 1"]),
        ("c.yaml", "at: +1s\ncall: DeleteVpc\nparams: {VpcId: vpc-1}\n", ["vpc-1"], ["line 1"]),
        ("c.yaml", "[{at: +1s, call: DeleteVpc, params: {VpcId: vpc-1}}]", ["vpc-1"], ["[0], line 1"]),
        ("c.json", json.dumps([CHANGE, EVENT]), ["vpc-1", "vpc-2"], ["[0]", "[1]"]),
        ("c.json", json.dumps(CHANGE, indent=2), ["vpc-1"], [""]),
        ("c.json.gz", gzip.compress(json.dumps([CHANGE]).encode(), mtime=0), ["vpc-1"], ["[0]"]),
        ("c.json", json.dumps([CHANGE]).encode("utf-16"), ["vpc-1"], ["[0]"]),
        ("c.ndjson", NDJSON, ["vpc-1", "vpc-2", "vpc-1"], ["line 1", "line 2", "line 3"]),
        ("c.ndjson", "\n" + NDJSON.replace("\n", "\r\n"), ["vpc-1", "vpc-2", "vpc-1"], ["line 2", "line 3", "line 4"]),
        ("c.ndjson.gz", PACKED, ["vpc-1", "vpc-2", "vpc-1"], ["line 1", "line 2", "line 3"]),
        ("c.json", json.dumps({"Records": [EVENT]}), ["vpc-2"], ["Records[0]"]),
        ("c.json", json.dumps({"Records": []}), [], []),
        ("c.ndjson", LOGS, ["vpc-2", "vpc-2"], ["Records[0], line 1", "Records[0], line 2"]),
        ("c.json", json.dumps(EVENT), ["vpc-2"], [""]),
        ("c.json", json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": EVENT}), ["vpc-2"], ["detail"]),
        ("c.yaml", "[]", [], []),
    ],
)  # fmt: skip
def test_what_a_file_may_be(changes, name, content, wanted, places) -> None:
    """Told by content, in the order of the file; each change knows its place."""
    found = changes(content, name=name, strict=True)
    assert vpcs(found) == wanted
    assert [str(change.place) for change in found.changes] == places
    assert found.warnings == ()


def test_what_lookup_events_prints(changes) -> None:
    """Each event is JSON in a text, and the newest stands first: equal times are in the order of time again."""
    newest = [{"EventId": "x", "CloudTrailEvent": json.dumps(named(f"vpc-{number}"))} for number in (3, 2, 1)]
    found = changes({"Events": newest}, name="events.json")
    assert [change.params["VpcId"] for _, change in in_order(found.changes, 0)] == ["vpc-1", "vpc-2", "vpc-3"]
    assert str(found.changes[0].place) == "Events[2].CloudTrailEvent"


def test_a_folder_as_s3_lays_it_out(folder) -> None:
    """All logs of all days in the order of their names, a folder's own files first; what else there is is named."""
    prefix = "AWSLogs/111122223333"
    root = folder(
        {
            f"{prefix}/CloudTrail/eu-central-1/2026/05/05/b.json.gz": gzip.compress(
                json.dumps({"Records": [named("vpc-2")]}).encode(),
                mtime=0,
            ),
            f"{prefix}/CloudTrail/eu-central-1/2026/05/04/a.json.gz": gzip.compress(
                json.dumps({"Records": [named("vpc-1")]}).encode(),
                mtime=0,
            ),
            f"{prefix}/CloudTrail-Digest/d.json": {"digestS3Bucket": "b"},
            "written.yaml": "- {at: +1s, call: DeleteVpc, params: {VpcId: vpc-3}}\n",
            ".hidden.json": "no json",
            "notes.txt": "hello",
        }
    )
    found = read_changes([root], strict=True)
    assert vpcs(found) == ["vpc-3", "vpc-1", "vpc-2"]
    (warning,) = found.warnings
    assert warning.endswith(
        f"passed over, holding neither changes nor CloudTrail's events: {prefix}/CloudTrail-Digest/d.json"
    )


def test_several_files(folder) -> None:
    """In the order given; an event that two of them hold counts once."""
    root = folder({"a.json": {"Records": [EVENT | {"eventID": "1"}]}, "b.json": [CHANGE]})
    found = read_changes([root / "b.json", root / "a.json", str(root / "a.json")])
    assert vpcs(found) == ["vpc-1", "vpc-2"]
    assert found.passed_over.repeated == 1


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("c.json", "", "c.json: is empty (give a list of {at: ..., call: ..., params: ...}, or logs of CloudTrail's)"),
        ("c.yaml", "# nothing\n", "c.yaml: holds neither changes nor CloudTrail's events ("),
        ("c.yaml", "hello", "c.yaml: holds neither changes nor CloudTrail's events ("),
        ("c.json", "[1, 2]", "c.json: holds neither changes nor CloudTrail's events ("),
        ("c.json", "[[]]", "c.json: holds neither changes nor CloudTrail's events ("),
        ("c.json", '{"SecurityGroups": []}', "c.json: holds neither changes nor CloudTrail's events ("),
        ("c.json", '{"at": 1', "c.json: line 1 column 9: is no JSON: "),
        ("c.json", '[{"at": 1},\n{"at" 2}]', "c.json: line 2 column 7: is no JSON: "),
        ("c.json", '{"at": 1, "at": 2, "call": "DeleteVpc"}', f"c.json: {TWICE}"),
        ("c.json", '{"at": NaN}', "c.json: is not as it should be: NaN is no number of JSON's"),
        ("c.json", '{"at": -Infinity}', "c.json: is not as it should be: -Infinity is no number of JSON's"),
        ("c.json", '{"at": ' + "1" * 5000 + "}", "c.json: is not as it should be: "),
        ("c.json", "[" * 100_000, "c.json: is nested too deeply"),
        ("c.json", '{"at":' * 100_000, "c.json: is nested too deeply"),
        ("c.yaml", "- " * 100_000, "c.yaml: line 1: is nested too deeply"),
        ("c.yaml", "- at: +1s\n  at: +2s\n", "c.yaml: [0].at, line 2: is given twice (join the two)"),
        ("c.yaml", "- &a [*a]\n", "c.yaml: line 1: the alias *a is inside its own anchor or has none"),
        ("c.yaml", "- at: +1s\n\tcall: x\n", "c.yaml: line 2 column 1: is no YAML: "),
        ("c.yaml", b"\x00\x01\xff", "c.yaml: byte 2: is no UTF-8 text"),
        ("c.json.gz", CUT_OFF, "c.json.gz: gzip data is cut off (save the file again)"),
        ("c.json.gz", b"\x1f\x8b\x08\x00" + b"\xff" * 30, "c.json.gz: gzip data is damaged"),
        ("c.ndjson", NDJSON + '{"at": }\n', "c.ndjson: line 4: is no JSON: Expecting value"),
        ("c.ndjson", NDJSON + '{"at": 1, "at": 1}\n', f"c.ndjson: line 4: {TWICE}"),
        ("c.ndjson", NDJSON + "[1]\n", "c.ndjson: [0], line 4: 1 where NAME: ... belongs"),
        ("c.ndjson", NDJSON + "1\n", "c.ndjson: holds neither changes nor CloudTrail's events"),
        ("c.ndjson", NDJSON + '{"at": 1}\n', "c.ndjson: line 4: has no 'call' ("),
        ("c.json", '{"Events": [{"CloudTrailEvent": "{"}]}', "c.json: Events[0].CloudTrailEvent: is no JSON: "),
        ("c.json", '{"Events": [{"CloudTrailEvent": 5}]}', "c.json: Events[0].CloudTrailEvent: 5 where text belongs"),
        ("c.json", '{"Events": [{"CloudTrailEvent": "[]"}]}', "c.json: Events[0].CloudTrailEvent: a list where NAME"),
    ],
)  # fmt: skip
def test_what_a_file_may_not_be(no_changes, name, content, line) -> None:
    """One line: the file, the place, the problem and what to do."""
    assert no_changes(content, name=name).startswith(line)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A file that does not exist, a folder with nothing in it."""
    with pytest.raises(InputError, match=r"none\.yaml: No such file or directory$"):
        read_changes([tmp_path / "none.yaml"])
    with pytest.raises(InputError, match=r"holds no file of changes or of CloudTrail's events \(give a list"):
        read_changes([tmp_path])


def test_aliases_do_not_multiply(changes, no_changes) -> None:
    """An alias may repeat a value; a few kilobytes that mean billions of values are refused."""
    twice = "- &a {at: +1s, call: DeleteVpc, params: {VpcId: vpc-1}}\n- *a\n"
    assert vpcs(changes(twice)) == ["vpc-1", "vpc-1"]
    names = [f"a{number}" for number in range(10)]
    laughs = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    laughs += "".join(f"- &{name} [{', '.join(['*' + before] * 10)}]\n" for before, name in pairwise(names))
    assert "means more than 4 million values, with its aliases" in no_changes(laughs)


def test_a_million_digits_are_no_work(no_changes) -> None:
    """Python's own limit on digits is not met while a line is made of the number."""
    digits = "9" * min(sys.get_int_max_str_digits() - 1, 4000)
    assert "where a whole number belongs" in no_changes(
        f'[{{"at": 0, "call": "AuthorizeSecurityGroupIngress", "params": {{"FromPort": {digits}}}}}]', name="c.json"
    )


NAMES = """at call params +1s DeleteVpc VpcId Records Events eventName eventSource eventTime requestParameters detail
items ec2.amazonaws.com CloudTrailEvent groupSet RunInstances AuthorizeSecurityGroupIngress ipPermissions IpPermissions
instancesSet tag 2026-05-04T12:00:00Z"""
WORDS = st.sampled_from(NAMES.split())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=30,
)
MUTATED = st.builds(
    lambda base, at, key, value: _with(base, at, key, value),
    st.sampled_from([CHANGE, EVENT]),
    st.sampled_from([(), ("params",), ("requestParameters",)]),
    WORDS,
    VALUES,
)


def _with(base: dict[str, Any], at: tuple[str, ...], key: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(base))
    inner = copy
    for name in at:
        inner = inner.setdefault(name, {})
    inner[key] = value
    return copy


@given(
    st.binary(max_size=200).map(lambda data: data)
    | st.text(max_size=200)
    | VALUES.map(json.dumps)
    | st.lists(MUTATED, min_size=1, max_size=3).map(json.dumps)
    | MUTATED.map(lambda event: json.dumps({"Records": [event]}))
    | st.lists(st.text(alphabet="-:[]{}&*!|>'\"#,\n \tab+1s", max_size=12) | WORDS, max_size=12).map("".join)
)
def test_anything_is_changes_or_one_line(tmp_path_factory, content: str | bytes) -> None:
    """Whatever a file holds: changes that say what they are, or an error of one line."""
    path = tmp_path_factory.getbasetemp() / "anything.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    try:
        found = read_changes([path])
    except InputError as error:
        line = str(error)
        assert "\n" not in line
        return
    for _, change in in_order(found.changes, 0):
        assert isinstance(change, ApiChange)
        assert -(1 << 63) < change.at.ns < 1 << 63
        json.dumps([change.params, change.answer], default=repr).encode()
