"""``sgsim bench``."""

from __future__ import annotations

import gc
from typing import Any

import click

from sgsim.cli.telling import notice, warn_of


@click.command("bench")
@click.argument("snapshot", required=False)
@click.option("--rules", metavar="N", type=click.IntRange(1, 1_000_000), help="A made rule set of N rules (acl-v1).")
@click.option("--classbench", metavar="FILE", help="The rules of a ClassBench file, as far as groups can say them.")
@click.option("--trace", metavar="FILE", help="The headers of a ClassBench trace, instead of drawn traffic.")
@click.option("--vpc-id", metavar="ID", help="Only the interfaces of this VPC of the snapshot.")
@click.option(
    "--packets",
    metavar="N",
    type=click.IntRange(1, 100_000_000),
    default=1_000_000,
    show_default=True,
    help="Packets of each run; the stream takes 112 bytes of disk for each, and about as much memory.",
)
@click.option(
    "--flows", metavar="N", type=click.IntRange(1, 100_000_000), default=20_000, show_default=True, help="Connections."
)
@click.option("--seed", metavar="N", type=click.IntRange(0), default=1, show_default=True, help="Of all that is drawn.")
@click.option(
    "--repeats", metavar="N", type=click.IntRange(1, 1_000), default=5, show_default=True, help="Runs of each part."
)
@click.option("--strict", is_flag=True, help="Doubtful input is an error.")
@click.option("--json", "as_json", is_flag=True, help="The results as one JSON object instead of a table.")
def command(as_json: bool, **options: Any) -> None:
    """What does a rule set cost? Measures compiling it, matching alone, judging with connection tracking, and the whole
    way from a capture file to the summary, in packets a second.

    The rules are those of SNAPSHOT, or made (--rules), or ClassBench's (--classbench); traffic is drawn for them, nine
    in ten packets matching. Compiling kernels and one warm-up run are apart.
    """
    sources = [options["snapshot"], options["rules"], options["classbench"]]
    if sum(source is not None for source in sources) != 1:
        raise click.UsageError("give one rule set: SNAPSHOT, --rules N, or --classbench FILE")
    if options["trace"] and not options["classbench"]:
        raise click.UsageError("--trace is traffic for the rules of --classbench: add --classbench FILE")
    if options["vpc_id"] and not options["snapshot"]:
        raise click.UsageError("--vpc-id chooses interfaces of a SNAPSHOT: leave it out")
    found = _benchmark(**options)
    if as_json:
        click.echo(found.json())
    else:
        from sgsim.reports.benchmark import benchmark_text

        click.echo(benchmark_text(found))


def _benchmark(
    snapshot: str | None,
    rules: int | None,
    classbench: str | None,
    trace: str | None,
    vpc_id: str | None,
    packets: int,
    flows: int,
    seed: int,
    repeats: int,
    strict: bool,
) -> Any:
    from sgsim.bench import benchmark
    from sgsim.workload import Acl, Traffic, acl_topology

    headers = None
    if snapshot is not None:
        from sgsim.sources import load_topology

        topology, rule_set = load_topology(snapshot, strict=strict), snapshot
    elif classbench is not None:
        from sgsim.sources.classbench import load_classbench, load_trace

        topology, rule_set = load_classbench(classbench), classbench
        headers = load_trace(trace) if trace else None
    else:
        acl = Acl(rules=rules or 1, seed=seed)
        topology, rule_set = acl_topology(acl), acl.name
    warn_of(topology.warnings)
    traffic = Traffic(packets=packets, flows=flows, seed=seed)
    gc.enable()
    return benchmark(
        topology,
        traffic,
        rule_set=rule_set,
        headers=headers,
        vpc_id=vpc_id,
        repeats=repeats,
        notice=notice,
    )
