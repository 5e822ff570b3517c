"""``sgsim serve`` as a process: its line, its end, its state file, and the AWS CLI."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sgsim.cli import cli
from sgsim.sources import load_topology
from tests.endpoint.clients import ACCOUNT, REGION, Plain, client

AWS = Path(sys.executable).with_name("aws")
SCENARIO = Path(__file__).resolve().parents[2] / "examples/three-tier/scenario.yaml"


def run(capsys, *arguments) -> tuple[int, str, str]:
    """The command in this process: for what ends at once."""
    with pytest.raises(SystemExit) as end:
        cli.main(["serve", *map(str, arguments)])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def aws(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The AWS CLI itself."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PAGER": "",
        "AWS_MAX_ATTEMPTS": "1",
    }
    return subprocess.run([AWS, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("end", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_one_line_when_it_is_ready_and_a_clean_end(serving, end, code):
    """Standard output has the address and nothing else; no trace of an end that was asked for."""
    process = serving()
    assert re.fullmatch(
        r"sgsim serve: EC2 at http://127\.0\.0\.1:\d+ \(1 VPC, 1 security group, 0 network interfaces\)\n",
        process.ready,
    )
    with Plain(process.url) as plain:
        assert plain.call("DescribeVpcs").status == 200
        ended, out, err = process.end(end)
    assert (ended, out) == (code, "")
    assert err.splitlines() == [
        "sgsim: nothing is kept (--state FILE keeps the cloud); "
        "what moto answers beside it, as route tables and identities, never is"
    ]


def test_a_snapshot_is_served(serving):
    """A scenario's groups and interfaces are described, under its names."""
    process = serving(SCENARIO)
    ec2 = client(process.url)
    assert {group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]} >= {"web", "app", "db"}
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == len(load_topology(SCENARIO).interfaces)
    ec2.close()


def test_a_restart_keeps_all(serving, tmp_path):
    """Ids, rules, descriptions, tags, accounts; and the file is a snapshot for the other verbs."""
    state = tmp_path / "state.json"
    before = {}
    for start in ("first", "again"):
        process = serving("--state", state)
        ec2, other = client(process.url), client(process.url, account="210987654321", region="eu-west-1")
        if start == "first":
            vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
            tags = [{"ResourceType": "security-group", "Tags": [{"Key": "Name", "Value": "ünï <&>"}]}]
            group = ec2.create_security_group(
                GroupName="web", Description="of the web", VpcId=vpc, TagSpecifications=tags
            )["GroupId"]
            ec2.authorize_security_group_ingress(
                GroupId=group, IpProtocol="tcp", FromPort=1, ToPort=2, CidrIp="10.0.0.0/8"
            )
        found = {
            "vpcs": ec2.describe_vpcs()["Vpcs"],
            "groups": ec2.describe_security_groups()["SecurityGroups"],
            "rules": ec2.describe_security_group_rules()["SecurityGroupRules"],
            "subnets": ec2.describe_subnets()["Subnets"],
            "others": other.describe_vpcs()["Vpcs"],
        }
        assert before in ({}, found)
        before = found
        ec2.close()
        other.close()
        assert process.end(signal.SIGTERM)[0] == 0
    assert group in load_topology(state, strict=True).groups
    assert sorted(each.name for each in tmp_path.iterdir() if each.name != "none") == ["state.json"]


def test_what_only_a_describe_call_made_is_kept(serving, tmp_path):
    """A default VPC comes with the first look at a Region: its id was told, so it is in the file."""
    process = serving("--state", tmp_path / "state.json")
    abroad = client(process.url, region="eu-west-1")
    vpc = abroad.describe_vpcs()["Vpcs"][0]["VpcId"]
    abroad.close()
    process.end(signal.SIGKILL)
    assert vpc in load_topology(tmp_path / "state.json").vpcs


def test_a_second_server_on_one_state_file_is_refused(serving, capsys, tmp_path):
    """One line, exit code 2."""
    state = tmp_path / "state.json"
    serving("--state", state)
    code, out, err = run(capsys, "--port", 0, "--state", state)
    assert (code, out) == (2, "")
    assert err == (f"sgsim: error: {state}: another sgsim serve keeps its state there (give each a file of its own)\n")


def test_a_state_file_and_a_snapshot_are_not_both_what_it_begins_with(capsys, tmp_path):
    """Where the state file exists; where it does not, the snapshot becomes the state."""
    state = tmp_path / "state.json"
    state.write_text('{"Vpcs": []}')
    code, _, err = run(capsys, SCENARIO, "--state", state)
    assert code == 2
    assert "exists already and is what serve begins with: leave out" in err
    assert not state.with_name("state.json.lock").exists()


@pytest.mark.parametrize("text", ["", "{", '{"Vpcs": 1}'])
def test_a_state_file_that_is_none_is_refused_and_left_alone(capsys, tmp_path, text):
    """It is somebody's, whatever it is."""
    state = tmp_path / "state.json"
    state.write_text(text)
    code, _, err = run(capsys, "--port", 0, "--state", state)
    assert code == 2
    assert err.count("\n") == 1
    assert str(state) in err
    assert state.read_text() == text


def test_a_port_in_use_is_one_line(serving, capsys):
    """Exit code 2."""
    port = serving().url.rpartition(":")[2]
    code, out, err = run(capsys, "--port", port)
    assert (code, out) == (2, "")
    assert err.startswith(f"sgsim: error: port {port} of 127.0.0.1 cannot be had: ")
    assert err.count("\n") == 1


def test_a_missing_extra_is_one_line(monkeypatch, capsys):
    """It names the command that installs it."""
    monkeypatch.setattr("sgsim.endpoint.service.LIBRARIES", ("botocore", "no_such_library"))
    code, out, err = run(capsys, "--port", 0)
    assert (code, out) == (2, "")
    assert err == "sgsim: error: serve: answering the EC2 API needs an extra library: pip install 'sgsim[serve]'\n"


def test_an_account_has_twelve_digits(capsys):
    """Anything else is a usage error."""
    code, _, err = run(capsys, "--account", "me")
    assert code == 2
    assert "--account: an account id has twelve digits" in err


def test_other_machines_are_warned_of(serving):
    """Who listens beyond this machine is told what that means."""
    process = serving("--host", "0.0.0.0")
    assert "0.0.0.0 can be reached from other machines" in process.end(signal.SIGTERM)[2]


def test_a_closed_standard_output_ends_it():
    """Nobody would learn the address."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "sgsim", "serve", "--port", "0"]
    with os.fdopen(write) as gone:
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 141


@pytest.mark.parametrize("module", ["moto", "botocore", "boto3", "werkzeug", "http.server", "sgsim.endpoint"])
def test_nothing_of_it_is_imported_before_it_serves(module):
    """`sgsim --help`, and even `sgsim serve --help`, are as quick as they were."""
    code = (
        "import sys\nfrom sgsim.cli import cli\n"
        "for arguments in (['--help'], ['serve', '--help']):\n"
        "    try:\n        cli.main(arguments)\n    except SystemExit as end:\n        assert not end.code\n"
        f"assert {module!r} not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.skipif(not AWS.exists(), reason="needs awscli")
def test_the_aws_cli_works_as_it_is(serving):
    """Groups, rules, refusals, identity: by AWS_ENDPOINT_URL alone."""
    url = serving().url
    made = aws(url, "ec2", "create-security-group", "--group-name", "web", "--description", "of the web")
    group = json.loads(made.stdout)["GroupId"]
    rule = ("--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "192.0.2.0/24")
    assert json.loads(aws(url, "ec2", "authorize-security-group-ingress", *rule).stdout)["Return"] is True
    again = aws(url, "ec2", "authorize-security-group-ingress", *rule)
    assert again.returncode != 0
    assert "An error occurred (InvalidPermission.Duplicate)" in again.stderr
    shown = aws(url, "ec2", "describe-security-groups", "--group-ids", group, "--query", "SecurityGroups[0].GroupName")
    assert json.loads(shown.stdout) == "web"
    assert json.loads(aws(url, "sts", "get-caller-identity").stdout)["Account"] == ACCOUNT
