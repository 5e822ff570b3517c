"""Options that several verbs have, and what they say of how packets are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any, TypeVar

import click

from sgsim.model import Fragments, Midstream, Network, Settings, TcpPickup, Timeouts

Command = TypeVar("Command", bound=Callable[..., Any])

STANDARD_OUTPUT = "-"


def option_group(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _networks(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[Network, ...]:
    found = []
    for value in values:
        try:
            found.append(ip_network(value))
        except ValueError as error:
            raise click.BadParameter(f"{error}: write it like 198.51.100.0/24", ctx, param) from None
    return tuple(found)


interfaces = option_group(
    click.option("--eni", "enis", metavar="ID", multiple=True, help="Only this interface; may be repeated."),
    click.option("--vpc-id", metavar="ID", help="Only the interfaces of this VPC."),
)
tracking = option_group(
    click.option(
        "--tcp-established-timeout",
        metavar="SECONDS",
        type=click.IntRange(60, 432_000),
        help="For interfaces without one of their own; 350 for Nitro v6 instance types.  [default: 432000]",
    ),
    click.option(
        "--auto-tracked",
        metavar="CIDR",
        callback=_networks,
        multiple=True,
        help="Connections with an address in CIDR are tracked whatever the rules; may be repeated.",
    ),
)
engine = click.option(
    "--engine",
    type=click.Choice(["fast", "reference"]),
    default="fast",
    show_default=True,
    help="The compiled engine, or the slow plain-Python one: the same results.",
)

_KINDS: dict[str, Callable[[str], Any]] = {"fragments": Fragments, "tcp_pickup": TcpPickup, "midstream": Midstream}


def settings_of(options: dict[str, Any]) -> Settings:
    """How a verb's options say that packets are judged; what it has no option for is as it is without one."""
    timeouts = Timeouts()
    if options["tcp_established_timeout"] is not None:
        timeouts = replace(timeouts, tcp_established=options["tcp_established_timeout"])
    return Settings(
        open_loop=options["open_loop"],
        timeouts=timeouts,
        auto_tracked=options["auto_tracked"],
        conntrack_max=options.get("conntrack_max"),
        **{name: kind(options[name]) for name, kind in _KINDS.items() if name in options},
    )
