"""What is pulled is what is there: all pages, accounts and Regions, as one snapshot that the other commands read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sgsim.model import Topology
from sgsim.sources import load_topology
from tests.pull.conftest import Ended
from tests.pull.endpoint import Endpoint, refusal
from tests.pull.world import IRELAND, KEYS, VIRGINIA, A, ireland_of_a, ireland_of_b, prefix_list, union, virginia_of_a

Pull = Callable[..., Ended]


def loaded(path: Path) -> Topology:
    """A topology without its warnings, which name the file."""
    return replace(load_topology(path), warnings=())


def made_of(tmp_path: Path, *views: dict) -> Topology:
    """The topology of the data that the endpoint serves."""
    path = tmp_path / "made.json"
    path.write_text(json.dumps(union(*views)))
    return loaded(path)


@pytest.mark.parametrize("page", [1000, 2, 1])
def test_a_snapshot_is_what_the_endpoint_has(pull: Pull, endpoint: Endpoint, tmp_path: Path, page: int):
    """One Region of one account, in pages of any size, loads as the same topology."""
    endpoint.page = page
    ended = pull()
    assert (ended.code, ended.out) == (0, "")
    assert loaded(tmp_path / "snapshot.json") == made_of(tmp_path, ireland_of_a())
    assert list(json.loads((tmp_path / "snapshot.json").read_bytes())) == list(KEYS)
    calls = [asked for asked in endpoint.asked if asked.action == "DescribeNetworkInterfaces"]
    assert len(calls) == math.ceil(5 / page)


def test_the_result_line_says_how_much_from_where(pull: Pull, tmp_path: Path):
    """One line on standard error, with the accounts that STS names."""
    ended = pull("--profile", "a", "--profile", "b", "--region", VIRGINIA, "--region", IRELAND)
    assert ended.err == (
        f"sgsim: {tmp_path}/snapshot.json: 9 security groups, 19 rules, 9 interfaces, 9 instances, 3 prefix lists, "
        "2 peerings, 5 VPCs, 5 subnets, 1 association from account 111111111111 (us-east-1, eu-west-1) "
        "and account 222222222222 (us-east-1, eu-west-1)\n"
    )


def test_accounts_and_regions_are_merged(pull: Pull, tmp_path: Path):
    """Both accounts in both Regions are one snapshot, in which references between them resolve."""
    assert pull("--profile", "a", "--profile", "b", "--region", IRELAND, "--region", VIRGINIA).code == 0
    topology = loaded(tmp_path / "snapshot.json")
    assert topology == made_of(tmp_path, ireland_of_a(), ireland_of_b(), virginia_of_a())
    assert not any("is not in the snapshot" in line for line in load_topology(tmp_path / "snapshot.json").warnings)


def test_the_order_is_that_of_ids(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """The endpoint's order and the order of profiles do not matter."""
    pull("--profile", "a", "--profile", "b")
    first = (tmp_path / "snapshot.json").read_bytes()
    for seen in endpoint.sees.values():
        for records in seen.values():
            records.reverse()
    pull("--profile", "b", "--profile", "a")
    assert (tmp_path / "snapshot.json").read_bytes() == first
    groups = [group["GroupId"] for group in json.loads(first)["SecurityGroups"]]
    assert groups == sorted(groups)


def test_the_records_are_as_the_aws_cli_writes_them(pull: Pull, tmp_path: Path):
    """Times are ISO 8601 text, text is not escaped, and nothing is left of the HTTP reply."""
    pull()
    text = (tmp_path / "snapshot.json").read_text()
    assert text.startswith('{\n    "SecurityGroups": [\n        {\n')
    assert text.endswith("}\n")
    assert '"AttachTime": "2024-03-05T06:07:08+00:00"' in text
    assert '"Description": "früher"' in text
    assert "ResponseMetadata" not in text
    assert "NextToken" not in text


def test_a_reservation_split_over_pages_and_filters_is_put_together(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """Instances of one reservation stand in it once, each with what it has."""
    whole = endpoint.sees["KEYA", IRELAND]["Reservations"]
    parts = [{**whole[0], "Instances": [each]} for each in whole[0]["Instances"]]
    endpoint.sees["KEYA", IRELAND]["Reservations"] = [parts[2], whole[1], parts[0], parts[1], parts[0]]
    pull()
    first, second = json.loads((tmp_path / "snapshot.json").read_bytes())["Reservations"]
    assert [each["InstanceId"] for each in first["Instances"]] == ["i-app1", "i-web1", "i-web2"]
    assert second["ReservationId"] == "r-2"


def test_query_reads_it(pull: Pull, sgsim: Callable[..., Ended], tmp_path: Path):
    """The reference from account B to a group of A's admits, by the rule's own id and the instances' names."""
    pull("--profile", "a", "--profile", "b")
    words = ["query", tmp_path / "snapshot.json", "--from", "app1", "--to", "data1", "--protocol", "tcp"]
    assert sgsim(*words, "--port", 5432).code == 0
    assert "sgr-data-0" in sgsim(*words, "--port", 5432).out
    assert sgsim(*words, "--port", 22).code == 1


def test_standard_output_is_the_snapshot_alone(sgsim: Callable[..., Ended], endpoint: Endpoint):
    """With - the JSON goes to standard output, the result line to standard error."""
    ended = sgsim("pull", "-o", "-", "--profile", "a", "--endpoint-url", endpoint.url)
    assert list(json.loads(ended.out)) == list(KEYS)
    assert ended.err.startswith("sgsim: standard output: 4 security groups, ")


def test_a_profile_named_twice_is_asked_once(pull: Pull, endpoint: Endpoint):
    """So is a Region."""
    pull("--profile", "a", "--profile", "a", "--region", IRELAND, "--region", IRELAND)
    assert [asked.action for asked in endpoint.asked].count("DescribeVpcs") == 1


def test_the_region_is_the_variables_or_the_profiles(pull: Pull, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch):
    """--region, then AWS_REGION, then what boto3 finds."""
    regions = {}
    for number, options in enumerate([[], [], ["--region", IRELAND]]):
        if number:
            monkeypatch.setenv("AWS_REGION", VIRGINIA)
        endpoint.asked.clear()
        pull(*options)
        regions[number] = {asked.region for asked in endpoint.asked}
    assert regions == {0: {IRELAND}, 1: {VIRGINIA}, 2: {IRELAND}}


def test_default_credentials_are_the_environments(
    sgsim: Callable[..., Ended], endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Without --profile the AWS CLI's way of finding credentials counts: variables, then AWS_PROFILE."""
    words = ["pull", "-o", tmp_path / "snapshot.json", "--endpoint-url", endpoint.url]
    monkeypatch.setenv("AWS_PROFILE", "b")
    assert "from account 222222222222 (eu-west-1)" in sgsim(*words).err
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEYA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", VIRGINIA)
    assert "1 interface, 1 instance, 0 prefix lists" in sgsim(*words).err


def test_an_endpoint_without_sts_leaves_the_account_unnamed(pull: Pull, endpoint: Endpoint):
    """The profile stands for it."""
    endpoint.refuse("GetCallerIdentity", "InvalidAction")
    ended = pull()
    assert ended.code == 0
    assert ended.err.endswith(" from profile a (eu-west-1)\n")


class TestOneIdTwice:
    """Several accounts see one thing: a peering, a prefix list of AWS's, a shared VPC and what is in it."""

    def both(self, endpoint: Endpoint, key: str, of_a: dict, of_b: dict) -> None:
        endpoint.sees["KEYA", IRELAND][key].append(of_a)
        endpoint.sees["KEYB", IRELAND][key].append(of_b)

    def test_different_content_names_both(self, pull: Pull, endpoint: Endpoint, tmp_path: Path):
        """Neither is the owner: an error, and nothing is written."""
        self.both(
            endpoint,
            "Vpcs",
            {"VpcId": "vpc-x", "CidrBlock": "10.7.0.0/16", "OwnerId": "3"},
            {"VpcId": "vpc-x", "CidrBlock": "10.8.0.0/16", "OwnerId": "3"},
        )
        assert pull("--profile", "a", "--profile", "b").error == (
            "profile b in eu-west-1: Vpcs: vpc-x has other content than for profile a in eu-west-1 "
            "(it changed in between, or they are not one AWS: pull again)"
        )
        assert not list(tmp_path.iterdir())

    def test_the_owners_record_counts(self, pull: Pull, endpoint: Endpoint, tmp_path: Path):
        """Whatever the other account sees of it, and whichever comes first."""
        owners = {"VpcId": "vpc-x", "CidrBlock": "10.7.0.0/16", "OwnerId": A, "Tags": [{"Key": "Name", "Value": "x"}]}
        self.both(endpoint, "Vpcs", owners, {"VpcId": "vpc-x", "CidrBlock": "10.7.0.0/16", "OwnerId": A})
        for profiles in (("a", "b"), ("b", "a")):
            assert pull(*(word for name in profiles for word in ("--profile", name))).code == 0
            assert loaded(tmp_path / "snapshot.json").vpcs["vpc-x"].name == "x"

    def test_tags_of_others_do_not_count(self, pull: Pull, endpoint: Endpoint, tmp_path: Path):
        """Two participants of a VPC each have tags of their own on it."""
        one = {"VpcId": "vpc-x", "CidrBlock": "10.7.0.0/16", "OwnerId": "3"}
        mine, yours = ({"Tags": [{"Key": "Name", "Value": name}]} for name in ("mine", "yours"))
        self.both(endpoint, "Vpcs", one | mine, one | yours)
        assert pull("--profile", "a", "--profile", "b").code == 0

    def test_what_sgsim_does_not_read_does_not_count(self, pull: Pull, endpoint: Endpoint):
        """Each side of a peering sees options of its own."""
        peering = endpoint.sees["KEYB", IRELAND]["VpcPeeringConnections"][0]
        changed = peering | {"AccepterVpcInfo": peering["AccepterVpcInfo"] | {"CidrBlock": "10.2.0.0/16"}}
        endpoint.sees["KEYB", IRELAND]["VpcPeeringConnections"][0] = changed
        assert pull("--profile", "a", "--profile", "b").code == 0

    def test_entries_that_one_account_may_read_count(self, pull: Pull, endpoint: Endpoint, tmp_path: Path):
        """A prefix list whose entries are denied to the other account keeps them."""
        denied = endpoint.sees["KEYA", IRELAND]["PrefixLists"]
        endpoint.answers["GetManagedPrefixListEntries"] = lambda asked: (
            None if asked.access_key == "KEYB" else refusal("UnauthorizedOperation", status=403)
        )
        assert pull("--profile", "a", "--profile", "b").code == 0
        entries = {name: each.entries for name, each in loaded(tmp_path / "snapshot.json").prefix_lists.items()}
        assert [name for name, each in entries.items() if each is not None] == ["pl-aws1"]
        assert len(entries) == len(denied)

    def test_entries_that_the_owner_may_not_read_count_too(self, pull: Pull, endpoint: Endpoint, tmp_path: Path):
        """A list that A shares with B: A's credentials may not be allowed what B's are."""
        endpoint.sees["KEYB", IRELAND]["PrefixLists"].append(prefix_list("corp1", A, "192.0.2.0/24"))
        endpoint.answers["GetManagedPrefixListEntries"] = lambda asked: (
            None if asked.access_key == "KEYB" else refusal("UnauthorizedOperation", status=403)
        )
        assert pull("--profile", "a", "--profile", "b").code == 0
        assert loaded(tmp_path / "snapshot.json").prefix_lists["pl-corp1"].entries is not None
