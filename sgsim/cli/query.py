"""``sgsim query``."""

from __future__ import annotations

import json
from typing import Any

import click

from sgsim.cli.exits import NO
from sgsim.cli.paint import paint
from sgsim.cli.snapshots import infrastructure, loaded
from sgsim.model import Topology, Verdict

Question = tuple[str, int | None]  # protocol and port


@click.command("query")
@click.argument("snapshot")
@click.option(
    "--from",
    "source",
    metavar="WHO",
    required=True,
    help="Who sends: interface id, Name tag, instance id, address; or all of a security group, tag:Name=..., a CIDR.",
)
@click.option("--to", "destination", metavar="WHO", required=True, help="Who receives, likewise.")
@click.option("--protocol", metavar="NAME|NUMBER", required=True, help="tcp, udp, icmp, icmpv6, or a number.")
@click.option("--port", metavar="N", type=click.IntRange(0, 65535), help="Destination port; tcp and udp need it.")
@click.option(
    "--source-port", metavar="N", type=click.IntRange(0, 65535), default=49152, show_default=True, help="Source port."
)
@click.option("--icmp-type", metavar="T", type=click.IntRange(0, 255), help="ICMP type; an echo request if left out.")
@click.option("--icmp-code", metavar="C", type=click.IntRange(0, 255), help="ICMP code; 0 if left out.")
@click.option("-4", "family", flag_value=4, type=int, help="IPv4; the default where both ends have it.")
@click.option("-6", "family", flag_value=6, type=int, help="IPv6.")
@click.option("--vpc-id", metavar="ID", help="The VPC that is meant where a name or address is known in several.")
@infrastructure
@click.option("--strict", is_flag=True, help="Doubtful input is an error.")
@click.option("--json", "as_json", is_flag=True, help="The answer as one JSON object.")
def command(
    snapshot: str,
    source: str,
    destination: str,
    protocol: str,
    port: int | None,
    source_port: int,
    icmp_type: int | None,
    icmp_code: int | None,
    family: int | None,
    vpc_id: str | None,
    plan_before: bool,
    parameters: dict[str, str],
    strict: bool,
    as_json: bool,
) -> None:
    """Would this packet pass? Says for the sender's gate, the receiver's gate and the reply which rules admit it, or
    which came nearest, and whether the flow is tracked.

    SNAPSHOT is a folder of `aws ec2 describe-...` output, one such file, a YAML scenario, or a Terraform plan or state
    (`terraform show -json`), or a CloudFormation template. About a group, a tag or a CIDR the answer is all, some or
    none, exactly, with the parts that differ. Exit code 0: it passes (all of it does), 1: it is dropped.
    """
    from sgsim.sides import find_sides

    topology = loaded(snapshot, strict=strict, plan_before=plan_before, parameters=parameters)
    packet = (protocol.lower(), port)
    more: dict[str, Any] = {
        "source_port": source_port,
        "icmp_type": icmp_type,
        "icmp_code": icmp_code,
        "family": family,
        "vpc_id": vpc_id,
    }
    if all(side.kind == "one" for side in find_sides(topology, source, destination, vpc_id)):
        passes = _ask_one(topology, source, destination, packet, more, as_json)
    else:
        passes = _ask_all(topology, source, destination, packet, more, as_json)
    if not passes:
        raise click.exceptions.Exit(NO)


def _ask_one(
    topology: Topology, source: str, destination: str, packet: Question, more: dict[str, Any], as_json: bool
) -> bool:
    from sgsim.query import query
    from sgsim.reports.answer import answer_text

    answer = query(topology, source, destination, *packet, **more)
    click.echo(json.dumps(answer.as_json(), indent=2) if as_json else answer_text(answer, topology, paint))
    return answer.verdict is Verdict.ALLOW


def _ask_all(
    topology: Topology, source: str, destination: str, packet: Question, more: dict[str, Any], as_json: bool
) -> bool:
    from sgsim.reach import reach
    from sgsim.reports.reach import reach_text

    found = reach(topology, source, destination, *packet, **more)
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else reach_text(found, topology, paint))
    return found.answer == "all"
