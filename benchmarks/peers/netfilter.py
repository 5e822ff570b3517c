"""The Linux kernel's own firewall, in a network namespace of this run: frames go in, nothing comes out."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from benchmarks.peers.cases import Rows
from benchmarks.peers.measuring import UnavailableError
from sgsim.model import TCP

_PATIENCE = 60.0  # seconds that one injection may take
_SETTINGS = (
    "net.ipv4.ip_forward=1",
    "net.ipv4.ip_early_demux=0",  # a router has no sockets to look for
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.lo.rp_filter=0",
    "net.ipv6.conf.all.disable_ipv6=1",
)
# Liberal: sequence numbers are not looked at, as AWS does not say that they are (and those of the frames are 0).
_TRACKING = (
    "net.netfilter.nf_conntrack_tcp_be_liberal=1",
    "net.netfilter.nf_conntrack_tcp_loose=1",
    "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst=1",
    "net.netfilter.nf_conntrack_checksum=0",
)


class Firewall:
    """A router that forwards into nowhere, behind these rules; its namespace goes when it is left.

    Raises UnavailableError where namespaces or rules cannot be made.
    """

    def __init__(self, rules: str) -> None:
        missing = [tool for tool in ("ip", "nft", "sysctl") if shutil.which(tool) is None]
        if missing or os.geteuid() != 0:
            raise UnavailableError(f"needs root, ip, nft and sysctl (missing: {', '.join(missing) or 'root'})")
        self._name = f"sgsim-{os.getpid()}-{secrets.token_hex(3)}"
        self._inside = ("ip", "netns", "exec", self._name)
        self._rules = rules

    def __enter__(self) -> Firewall:
        try:
            self._make()
        except subprocess.CalledProcessError as error:
            self.__exit__()
            raise _unavailable(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "delete", self._name], check=False, capture_output=True)

    def inject(self, program: Path, capture: Path, batch: int) -> float:
        """Seconds that it takes every frame to go all the way, ``batch`` of them at a time, as a network card's driver
        would hand them on. Raises UnavailableError where the kernel takes none."""
        try:
            return float(json.loads(_run(*self._inside, str(program), str(capture), str(batch)))["seconds"])
        except subprocess.CalledProcessError as error:
            raise _unavailable(error) from error

    def counters(self) -> dict[str, int]:
        """Packets by the counters' names."""
        listed = _run(*self._inside, "nft", "list", "counters")
        return {name: int(packets) for name, packets in re.findall(r"counter (\w+) \{\s*packets (\d+)", listed)}

    def _make(self) -> None:
        _run("ip", "netns", "add", self._name)
        _run(*self._inside, "sysctl", "-q", *_SETTINGS)
        ip = ("ip", "-n", self._name)
        _run(*ip, "link", "add", "nowhere", "type", "veth", "peer", "name", "nobody")
        for link in ("lo", "nowhere"):
            _run(*ip, "link", "set", link, "up")
        # To one neighbour, so that no table of neighbours fills; the other end stays down, and drops.
        neighbour = ("192.0.2.1", "lladdr", "02:00:00:00:00:ff", "nud", "permanent", "dev", "nowhere")
        _run(*ip, "neighbour", "add", *neighbour)
        _run(*ip, "address", "add", "192.0.2.2/24", "dev", "nowhere")
        _run(*ip, "route", "add", "default", "via", "192.0.2.1", "dev", "nowhere")
        _run(*self._inside, "nft", "-f", "-", text=self._rules)
        if "ct state" in self._rules:
            _run(*self._inside, "sysctl", "-q", *_TRACKING)


def ruleset(rules: Rows, stateful: bool) -> str:
    """What a security group's ingress rules say, in nftables' words, one after the other."""
    lines = ["ct state established,related accept"] if stateful else []
    for rule in rules:
        network = IPv4Network((int(rule["address"]), int(rule["length"])))
        protocol = "tcp" if rule["protocol"] == TCP else "udp"
        lines.append(f"ip saddr {network} {protocol} dport {rule['first']}-{rule['last']} accept")
    return _table(['counter name "seen"', *lines, 'counter name "dropped"'])


def no_rules() -> str:
    """Every packet passes: what the way itself costs."""
    return _table(['counter name "seen"', "accept"])


def _table(lines: list[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return (
        "table ip peers {\n  counter seen { }\n  counter dropped { }\n"
        f"  chain forward {{\n    type filter hook forward priority 0; policy drop;\n{body}\n  }}\n}}\n"
    )


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, input=text, timeout=_PATIENCE)
    return done.stdout


def _unavailable(error: subprocess.CalledProcessError) -> UnavailableError:
    words = error.cmd[4:] if error.cmd[1:3] == ("netns", "exec") else error.cmd
    last = error.stderr.strip().splitlines()[-1:] or [f"exit code {error.returncode}"]
    return UnavailableError(f"{Path(words[0]).name}: {last[0]}")
