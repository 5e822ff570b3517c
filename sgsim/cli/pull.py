"""``sgsim pull``."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from sgsim.cli.telling import warn

if TYPE_CHECKING:
    from sgsim.pulling.merging import Pulled

# key of a snapshot: what one record of it is called, and several
_NOUNS = {
    "SecurityGroups": ("security group", "security groups"),
    "SecurityGroupRules": ("rule", "rules"),
    "NetworkInterfaces": ("interface", "interfaces"),
    "Reservations": ("instance", "instances"),
    "PrefixLists": ("prefix list", "prefix lists"),
    "VpcPeeringConnections": ("peering", "peerings"),
    "Vpcs": ("VPC", "VPCs"),
    "Subnets": ("subnet", "subnets"),
    "SecurityGroupVpcAssociations": ("association", "associations"),
}


def _url(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # half an IPv6 address, a port above 65535
        usable = False
    if not usable:
        raise click.BadParameter(f"{text!r} is no URL of an endpoint: write it like http://127.0.0.1:5000")
    return text


@click.command("pull")
@click.option(
    "-o",
    "output",
    metavar="FILE|FOLDER/",
    required=True,
    help="Where the snapshot goes: a JSON file, a folder (its name ends with / or it is there), or - for standard "
    "output.",
)
@click.option(
    "--profile",
    "profiles",
    metavar="NAME",
    multiple=True,
    help="A profile of the AWS configuration; may be repeated, for several accounts.  [default: as for the AWS CLI]",
)
@click.option(
    "--region",
    "regions",
    metavar="NAME",
    multiple=True,
    help="A Region, such as eu-west-1; may be repeated.  [default: AWS_REGION, AWS_DEFAULT_REGION, or the profile's]",
)
@click.option("--endpoint-url", metavar="URL", callback=_url, help="An endpoint that stands for AWS's.")
@click.option(
    "--vpc-id",
    "vpc_ids",
    metavar="ID",
    multiple=True,
    help="Only this VPC, and what its interfaces are judged by from others; may be repeated.",
)
@click.option("--strict", is_flag=True, help="A call that is not answered is an error, and nothing is written.")
def command(
    output: str,
    profiles: tuple[str, ...],
    regions: tuple[str, ...],
    endpoint_url: str | None,
    vpc_ids: tuple[str, ...],
    strict: bool,
) -> None:
    """Take a snapshot from AWS, or from another EC2 endpoint, that the other commands read.

    Calls that may not be made are named on standard error, and the rest is taken. Several profiles and Regions become
    one snapshot. Needs the library boto3: pip install 'sgsim[aws]'.
    """
    from sgsim.pulling import pull
    from sgsim.pulling.files import check_destination, write

    check_destination(output)
    gc.enable()
    pulled = pull(
        profiles,
        regions,
        endpoint_url=endpoint_url,
        vpc_ids=vpc_ids,
        strict=strict,
        warning=warn,
    )
    write(pulled.snapshot, output)
    where = "standard output" if output == "-" else output
    click.echo(f"sgsim: {where}: {_contents(pulled)} from {_origins(pulled)}", err=True)


def _contents(pulled: Pulled) -> str:
    counts = {key: len(records) for key, records in pulled.snapshot.items()}
    if "Reservations" in counts:
        counts["Reservations"] = sum(len(each["Instances"]) for each in pulled.snapshot["Reservations"])
    return ", ".join(f"{counts[key]:,} {_NOUNS[key][counts[key] != 1]}" for key in counts)


def _origins(pulled: Pulled) -> str:
    """``account 111111111111 (eu-west-1, us-east-1) and account 222222222222 (eu-west-1)``."""
    regions: dict[str, dict[str, None]] = {}
    for view in pulled.views:
        whose = f"account {view.account}" if view.account else view.whose
        regions.setdefault(whose, {})[view.region] = None
    return _listed(f"{whose} ({', '.join(names)})" for whose, names in regions.items())


def _listed(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
