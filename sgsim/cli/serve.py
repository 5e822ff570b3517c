"""``sgsim serve``."""

from __future__ import annotations

import gc
import ipaddress
import signal

import click

from sgsim.cli.telling import notice, warn, warn_of


@click.command("serve")
@click.argument("snapshot", required=False)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=4566,
    show_default=True,
    help="Where to listen; 0: any that is free.",
)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Which of this machine's addresses."
)
@click.option("--state", metavar="FILE", help="Keep everything there, and begin with it if it exists.")
@click.option(
    "--account",
    metavar="ID",
    default="123456789012",
    show_default=True,
    help="Of what does not name its own: the snapshot's records, callers' access keys.",
)
@click.option("--region", metavar="NAME", default="us-east-1", show_default=True, help="Likewise, of the snapshot.")
@click.option("--strict", is_flag=True, help="Doubtful input is an error.")
def command(
    snapshot: str | None, port: int, host: str, state: str | None, account: str, region: str, strict: bool
) -> None:
    """An EC2 endpoint on this machine, on which the AWS CLI, boto3 and Terraform work as they are: security groups and
    what they need, changed by EC2's API and refused in EC2's words.

    It begins with SNAPSHOT (a folder of `aws ec2 describe-...` output, one such file, or a YAML scenario), or with a
    default VPC. Signatures are not verified: it is for this machine alone, and ends with Ctrl-C.
    """
    from sgsim.control import Caller
    from sgsim.endpoint import StateFile, check_libraries, open_cloud, serve

    if len(account) != 12 or not (account.isascii() and account.isdecimal()):
        raise click.BadParameter("an account id has twelve digits", param_hint="--account")
    check_libraries()
    ends = {signal.SIGINT, signal.SIGTERM}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        ends = {signal.SIGTERM}  # in the background of a script: Ctrl-C is for others
    file = StateFile(state) if state is not None else None
    try:
        if file is not None and file.exists and snapshot is not None:
            raise click.UsageError(f"{state} exists already and is what serve begins with: leave out {snapshot}")
        cloud = open_cloud(snapshot, file, Caller(account, region), strict=strict)
        warn_of(cloud.store.warnings)
        gc.enable()
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # in the server's threads too: they are waited for here
        try:
            server = serve(cloud, host=host, port=port, file=file)
            try:
                _say(server.server_address[0], state)
                click.echo(f"sgsim serve: EC2 at {server.url} ({_contents(cloud)})")
                end = signal.sigwait(ends)
            finally:
                server.close()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
    finally:
        if file is not None:
            file.close()
    if end == signal.SIGINT:
        raise KeyboardInterrupt


def _say(address: object, state: str | None) -> None:
    kept = f"the cloud is kept in {state}" if state is not None else "nothing is kept (--state FILE keeps the cloud)"
    notice(f"{kept}; what moto answers beside it, as route tables and identities, never is")
    if not ipaddress.ip_address(str(address).partition("%")[0]).is_loopback:
        warn(
            f"{address} can be reached from other machines, and nobody is asked who they are: "
            "whoever reaches it can change everything"
        )


def _contents(cloud: object) -> str:
    topology = cloud.snapshot()  # type: ignore[attr-defined]
    found = {"VPC": topology.vpcs, "security group": topology.groups, "network interface": topology.interfaces}
    return ", ".join(f"{len(table)} {what}{'' if len(table) == 1 else 's'}" for what, table in found.items())
