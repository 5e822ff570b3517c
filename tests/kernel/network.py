"""Network namespaces in a row: client, one or two gates, server. Raw frames go in at one end and come out at the other.

Only the gates have a working IP stack. The ends have no addresses, and the gates send to hardware addresses that
nobody has, so nothing but the frames of a test is ever on the wire, and no packet leaves the namespaces.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import select
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from .frames import Frame, Pause, Step, mark, mark_of
from .rules import CLIENT_V4, SERVER_V4, SERVER_V6

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
PACKET_OUTGOING = 4  # of a packet socket's address: the frame was sent here, not received
SO_RCVBUFFORCE = 33
NETLINK_NETFILTER = 12
SENTINEL = 253  # an IP protocol for experiments (RFC 3692): the gates pass it, it ends an exchange
PATIENCE_SECONDS = 10.0  # for the sentinels, on a machine that is busy with something else

# What every exchange starts from. Liberal: sequence numbers are not looked at, as AWS does not say that they are.
CONNTRACK = {
    "nf_conntrack_tcp_be_liberal": 1,
    "nf_conntrack_tcp_loose": 1,
    "nf_conntrack_tcp_ignore_invalid_rst": 1,
    "nf_conntrack_checksum": 0,
    "nf_conntrack_udp_timeout": 30,
    "nf_conntrack_udp_timeout_stream": 180,
    "nf_conntrack_icmp_timeout": 30,
    "nf_conntrack_icmpv6_timeout": 30,
    "nf_conntrack_generic_timeout": 600,
    "nf_conntrack_tcp_timeout_syn_sent": 120,
    "nf_conntrack_tcp_timeout_fin_wait": 120,
    "nf_conntrack_tcp_timeout_close": 10,
}
ROUTING = {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/outer/rp_filter": 0,
    "ipv4/conf/inner/rp_filter": 0,
    "ipv6/conf/all/forwarding": 1,
}
_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """``gates`` routers between a client and a server; use it as a context manager: it removes what it made.

    Raises OSError or subprocess.CalledProcessError where namespaces cannot be made.
    """

    def __init__(self, gates: int = 1) -> None:
        unique = f"sgsim-{os.getpid()}-{secrets.token_hex(3)}"
        roles = ("client", *(f"gate{number}" for number in range(gates)), "server")
        self.names = [f"{unique}-{role}" for role in roles]
        self._ends: dict[bool, socket.socket] = {}
        self._serial = 0

    def __enter__(self) -> Network:
        try:
            for name in self.names:
                subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True, text=True)
            self._connect()
            for gate in self.names[1:-1]:
                self._make_router(gate)
            for name, device, from_client in ((self.names[0], "inner", True), (self.names[-1], "outer", False)):
                self._ends[from_client] = self._packet_socket(name, device)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends.values():
            end.close()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    # --- making it ------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        """Each namespace's ``inner`` device, towards the server, is a cable to the next one's ``outer``."""
        for place, (left, right) in enumerate(zip(self.names, self.names[1:], strict=False)):
            _batch(
                f"link add inner netns {left} address {_mac(place, 1)} type veth "
                f"peer name outer netns {right} address {_mac(place + 1, 0)}"
            )
        for place, name in enumerate(self.names):
            is_end = place in (0, len(self.names) - 1)
            with _inside(name):
                if is_end:
                    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
                for device in ("outer", "inner"):
                    if Path(f"/proc/sys/net/ipv4/conf/{device}").exists():
                        _batch(f"link set {device} addrgenmode none up")

    def _make_router(self, name: str) -> None:
        place = self.names.index(name)
        last = len(self.names) - 1
        # The ends' own hardware addresses would hand the packet to their IP stack: 99 is nobody's.
        outer, inner = (
            _mac(99, 0) if next_place in (0, last) else _mac(next_place, side)
            for next_place, side in ((place - 1, 1), (place + 1, 0))
        )
        with _inside(name):
            for path, value in ROUTING.items():
                Path("/proc/sys/net", path).write_text(str(value))
            _batch(
                "link set lo up",  # makes the table of local addresses, without which no IPv4 gateway is valid
                f"neigh add 192.0.2.254 lladdr {outer} dev outer nud permanent",
                f"neigh add 192.0.2.253 lladdr {inner} dev inner nud permanent",
                f"neigh add fe80::fe lladdr {outer} dev outer nud permanent",
                f"neigh add fe80::fd lladdr {inner} dev inner nud permanent",
                "route add default via 192.0.2.254 dev outer onlink",
                f"route add {SERVER_V4}/32 via 192.0.2.253 dev inner onlink",
                "route add ::/0 via fe80::fe dev outer onlink",
                f"route add {SERVER_V6}/128 via fe80::fd dev inner onlink",
            )

    def _packet_socket(self, name: str, device: str) -> socket.socket:
        with _inside(name):
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            end.bind((device, ETH_P_ALL))
        return end

    # --- using it -------------------------------------------------------------------------------------------------

    def change(self, rulesets: Sequence[str]) -> None:
        """Give each gate its nftables ruleset, in the place of what it had; connections stay."""
        for gate, ruleset in zip(self.names[1:-1], rulesets, strict=True):
            with _inside(gate):
                subprocess.run(["nft", "-f", "-"], input=ruleset, check=True, text=True)

    def load(self, rulesets: Sequence[str], sysctls: Mapping[str, int] | None = None) -> None:
        """Give each gate its nftables ruleset, set the timers, and forget all connections."""
        self.change(rulesets)
        for gate in self.names[1:-1]:
            with _inside(gate):
                for name, value in {**CONNTRACK, **(sysctls or {})}.items():
                    Path("/proc/sys/net/netfilter", name).write_text(str(value))
                _forget_connections()

    def entries(self) -> int:
        """How many connections the first gate tracks, idle ones that were not removed yet among them."""
        with _inside(self.names[1]):
            return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())

    def exchange(self, steps: Sequence[Step]) -> list[tuple[Any, bool]]:
        """Send frames in turn; for each the scapy packet as sent, ``time`` included, and whether it arrived.

        All sends are done on one processor. A veth cable puts them in that processor's one queue, so the gates see
        them in the order in which they were sent, whichever end they come from.
        """
        sent: list[tuple[Frame, Any]] = []
        with _one_processor():
            for step in steps:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                else:
                    sent.append((step, self._send(step.from_client, step.packet)))
            for from_client in (True, False):
                source, target = (CLIENT_V4, SERVER_V4) if from_client else (SERVER_V4, CLIENT_V4)
                self._send(from_client, IP(src=source, dst=target, proto=SENTINEL))
        arrived = {from_client: self._arrivals(not from_client) for from_client in (True, False)}
        return [(packet, mark_of(bytes(packet)) in arrived[frame.from_client]) for frame, packet in sent]

    def _send(self, from_client: bool, packet: Any) -> Any:
        self._serial += 1
        first = _mac(1, 0) if from_client else _mac(len(self.names) - 2, 1)
        frame = Ether(src=_mac(98, 0), dst=first) / mark(packet, self._serial % 60_000)
        content = bytes(frame)
        frame.time = time.time()
        self._ends[from_client].send(content)
        return frame

    def _arrivals(self, at_client: bool) -> set[bytes]:
        """The marks of what arrived at an end before the sentinel."""
        end = self._ends[at_client]
        found: set[bytes] = set()
        until = time.monotonic() + PATIENCE_SECONDS
        while select.select([end], [], [], max(0.0, until - time.monotonic()))[0]:
            frame, address = end.recvfrom(65535)
            if address[2] == PACKET_OUTGOING or frame[12:14] not in (b"\x08\x00", b"\x86\xdd"):
                continue
            if frame[12:14] == b"\x08\x00" and frame[23] == SENTINEL:
                return found
            found.add(mark_of(frame))
        raise TimeoutError("the frame that ends an exchange did not come through the gates")


def _mac(place: int, side: int) -> str:
    """The hardware address of the ``outer`` (0) or ``inner`` (1) device of the namespace at a place."""
    return f"02:00:00:00:{place:02x}:{side:02x}"


def _batch(*commands: str) -> None:
    text = "\n".join(commands)
    subprocess.run(["ip", "-batch", "-"], input=text, check=True, capture_output=True, text=True)


@contextmanager
def _inside(name: str) -> Iterator[None]:
    """This thread, and the processes and sockets it makes, are in the namespace."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{name}") as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns: cannot enter the network namespace")


@contextmanager
def _one_processor() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _forget_connections() -> None:
    """Ask the kernel to delete all conntrack entries of this namespace (nfnetlink, IPCTNL_MSG_CT_DELETE, no filter)."""
    delete, request_and_ack = 1 << 8 | 2, 1 | 4
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.send(struct.pack("=IHHIIBBH", 20, delete, request_and_ack, 1, 0, 0, 0, 0))
        (error,) = struct.unpack_from("=i", netlink.recv(4096), 16)
    if error:
        raise OSError(-error, f"deleting conntrack entries: {os.strerror(-error)}")
