"""``sgsim replay``."""

from __future__ import annotations

import sys
from typing import Any

import click

from sgsim.cli.exits import NO
from sgsim.cli.options import STANDARD_OUTPUT, engine, interfaces, option_group, settings_of, tracking
from sgsim.cli.snapshots import infrastructure
from sgsim.cli.telling import listening
from sgsim.model import Fragments, Midstream, TcpPickup, Tunnel, Verdict

BOTH = "all"  # what --print stands for without a verdict


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """LEFT=ENI, the last = counting: names of captures may hold some."""
    found: dict[str, str] = {}
    for value in values:
        left, equals, eni = value.rpartition("=")
        if not (left and equals and eni):
            raise click.BadParameter(f"{value!r} is not of the form {param.metavar}", ctx, param)
        if found.setdefault(left, eni) != eni:
            raise click.BadParameter(f"{left} is given twice, for {found[left]} and for {eni}", ctx, param)
    return found


which = option_group(
    interfaces,
    infrastructure,
    click.option(
        "--at",
        metavar="CAPTURE=ENI",
        callback=_pairs,
        multiple=True,
        help="CAPTURE (as given) was taken at ENI: only that interface's observations are made of it. So captures from "
        "both ends do not count a packet twice.",
    ),
    click.option(
        "--map",
        "maps",
        metavar="ADDRESS=ENI",
        callback=_pairs,
        multiple=True,
        help="ADDRESS stands for ENI: it is replaced by its primary address before anything is judged.",
    ),
    click.option(
        "--decapsulate",
        type=click.Choice([str(each) for each in Tunnel]),
        help="Judge the frames inside UDP packets to port 4789, as VPC Traffic Mirroring sends them.",
    ),
)
excerpt = option_group(
    click.option("-c", "--count", metavar="N", type=click.IntRange(min=1), help="Stop after N packets."),
    click.option(
        "--since",
        metavar="TIME",
        help="Packets before TIME are not judged at all: 2026-05-04T12:00:00Z, seconds since the epoch, or +30s: from "
        "the first packet on.",
    ),
    click.option("--until", metavar="TIME", help="Nor are packets of TIME or later."),
)
happening = option_group(
    click.option(
        "--changes",
        metavar="FILE",
        multiple=True,
        help="What happens to the snapshot meanwhile: EC2 API calls with their times, or CloudTrail's events. May be "
        "repeated.",
    ),
)
results = option_group(
    click.option(
        "-o",
        "observations",
        metavar="FILE",
        multiple=True,
        help="Write the observations as .ndjson, .csv or .parquet, or the packets with them as comments (.pcapng); - "
        "is NDJSON on standard output. May be repeated.",
    ),
    click.option("--only", type=click.Choice(["allow", "drop"]), help="Only these observations in -o."),
    click.option(
        "--flows",
        metavar="FILE",
        help="Write a row for each flow, gate and decision, with packets, bytes and times: .ndjson, .csv or .parquet.",
    ),
    click.option(
        "--print",
        "printed",
        metavar="[allow|drop]",
        type=click.Choice([BOTH, "allow", "drop"]),
        help="Print a line for each observation, or for those of one verdict, as tcpdump would: times are UTC, no name "
        "is looked up.",
    ),
    click.option(
        "--write-allowed", metavar="FILE", help="Write the packets allowed at all their gates: .pcap or .pcapng."
    ),
    click.option("--write-dropped", metavar="FILE", help="Write the packets that a gate dropped."),
    click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object instead of a table."),
    click.option("--fail-on-drop", is_flag=True, help="Exit code 1 when an observation was dropped."),
)
judging = option_group(
    click.option("--open-loop", is_flag=True, help="Judge each packet on its own, as a firewall on the wire would."),
    click.option(
        "--midstream",
        type=click.Choice([str(each) for each in Midstream]),
        default=str(Midstream.EVALUATE),
        show_default=True,
        help="Flows that may be older than the capture: judged by the rules like any other, and counted; or taken for "
        "connections if the rules admit the other direction.",
    ),
    click.option(
        "--fragments",
        type=click.Choice([str(each) for each in Fragments]),
        default=str(Fragments.TRACK),
        show_default=True,
        help="Later fragments follow their first one, all pass, or all are dropped.",
    ),
    click.option(
        "--tcp-pickup",
        type=click.Choice([str(each) for each in TcpPickup]),
        default=str(TcpPickup.LOOSE),
        show_default=True,
        help="strict: a TCP packet that is no SYN makes no connection.",
    ),
    tracking,
    click.option(
        "--conntrack-max",
        metavar="N",
        type=click.IntRange(min=1),
        help="Most connections of an instance.  [default: no limit]",
    ),
)
running = option_group(
    click.option(
        "-j",
        "--jobs",
        metavar="N",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Threads that read, judge and write, three of which have something to do: only the speed depends on it.",
    ),
    engine,
    click.option("--strict", is_flag=True, help="Doubtful input is an error."),
)


class ReplayCommand(click.Command):
    """``--print`` may have a verdict behind it, and need not: a capture's name behind it is none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        for place, word in enumerate(args[:end]):
            if word == "--print" and args[place + 1 : place + 2] not in (["allow"], ["drop"], [BOTH]):
                args[place] = f"--print={BOTH}"
        return super().parse_args(ctx, args)


@click.command("replay", cls=ReplayCommand)
@click.argument("snapshot")
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...")
@which
@excerpt
@happening
@results
@judging
@running
def command(snapshot: str, captures: tuple[str, ...], **options: Any) -> None:
    """Judge every packet of the captures with one set of connection tables.

    SNAPSHOT is a folder of `aws ec2 describe-...` output, one such file, a YAML scenario, or a Terraform plan or state
    (`terraform show -json`), or a CloudFormation template; CAPTURE is pcap or pcapng, gzip or zstd of them, or - for
    standard input. Several captures are merged by time.
    """
    lines = _on_standard_output(options)
    if len(lines) > 1:
        raise click.UsageError(f"{' and '.join(lines[:2])} both go to standard output: choose one, or give it a file")
    to_stdout = bool(lines) and not options["as_json"]
    if options["only"] and not options["observations"]:
        raise click.UsageError("--only chooses what -o writes: add -o FILE")
    summary = _replay(snapshot, captures, options)
    if options["as_json"]:
        click.echo(summary.json())
    else:
        from sgsim.reports.table import print_summary

        print_summary(summary, sys.stderr if to_stdout else sys.stdout)
    if options["fail_on_drop"] and summary.dropped:
        raise click.exceptions.Exit(NO)


_PRINTED: dict[str | None, tuple[Verdict, ...]] = {
    None: (),
    BOTH: tuple(Verdict),
    "allow": (Verdict.ALLOW,),
    "drop": (Verdict.DROP,),
}


def _on_standard_output(options: dict[str, Any]) -> list[str]:
    """The options by which something goes there."""
    named = {
        "-o -": STANDARD_OUTPUT in options["observations"],
        "--flows -": options["flows"] == STANDARD_OUTPUT,
        "--print": options["printed"] is not None,
        "--json": options["as_json"],
    }
    return [name for name, given in named.items() if given]


def _replay(snapshot: str, captures: tuple[str, ...], options: dict[str, Any]) -> Any:
    from sgsim.replay import Outputs, replay

    outputs = Outputs(
        observations=options["observations"],
        only=Verdict(options["only"]) if options["only"] else None,
        allowed_packets=options["write_allowed"],
        dropped_packets=options["write_dropped"],
        flows=options["flows"],
        printed=_PRINTED[options["printed"]],
    )
    with listening() as listeners:
        return replay(
            snapshot,
            captures,
            settings=settings_of(options),
            enis=options["enis"],
            vpc_id=options["vpc_id"],
            at=options["at"],
            maps=options["maps"],
            decapsulate=Tunnel(options["decapsulate"]) if options["decapsulate"] else None,
            engine=options["engine"],
            jobs=options["jobs"],
            outputs=outputs,
            changes=options["changes"],
            since=options["since"],
            until=options["until"],
            count=options["count"],
            strict=options["strict"],
            plan_before=options["plan_before"],
            parameters=options["parameters"],
            listeners=listeners,
        )
