"""pcapng files (draft-ietf-opsawg-pcapng): sections, each with its byte order and interfaces, and packet blocks."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack
from typing import NoReturn

import numpy as np

from sgsim.captures import linktypes
from sgsim.captures.batch import Batch, Link
from sgsim.captures.buffers import rounds, trimmed
from sgsim.captures.pcap import end_of_stream
from sgsim.captures.source import Window
from sgsim.errors import CaptureError
from sgsim.kernels import walk

MAGIC = b"\x0a\x0d\x0d\x0a"
ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
OPTION_END, OPTION_TSRESOL, OPTION_TSOFFSET = 0, 9, 14
MAX_LINKS = 1 << 16  # what columns.link can number


class Section:
    """The byte order and the interfaces of the section that is being read."""

    def __init__(self, number: int, order: str, first_link: int) -> None:
        self.number, self.order, self.first_link = number, order, first_link
        self.interfaces = 0
        self._unsigned = np.zeros((4, 8), np.uint64)  # as in walk.Interfaces, with room for more: a file may
        self._signed = np.zeros((2, 8), np.int64)  # describe 65,536 one by one

    def describe(self, snaplen: int, units: tuple[int, int, int, int], offset: int) -> None:
        """Append an interface."""
        place = self.interfaces
        if place == self._unsigned.shape[1]:
            self._unsigned = np.hstack([self._unsigned, np.zeros_like(self._unsigned)])
            self._signed = np.hstack([self._signed, np.zeros_like(self._signed)])
        self._unsigned[:, place] = (snaplen, *units[:3])
        self._signed[:, place] = (units[3], offset)
        self.interfaces += 1

    def table(self) -> walk.Interfaces:
        """The interfaces as the kernel takes them."""
        n = self.interfaces
        snaplen, per_second, multiply, divide = self._unsigned[:, :n]
        shift, offset = self._signed[:, :n]
        return walk.Interfaces(self.order == ">", self.first_link, snaplen, per_second, multiply, divide, shift, offset)


def clock(resolution: int) -> tuple[tuple[int, int, int, int], int]:
    """((per_second, multiply, divide, shift), decimal digits) of an if_tsresol byte; see ``walk.Interfaces``."""
    if resolution & 0x80:
        bits = resolution & 0x7F
        return (0, 0, 0, bits), 9 if bits else 0  # no fewer decimal digits than nine hold every binary fraction
    if resolution <= 9:
        return (10**resolution, 10 ** (9 - resolution), 1, -1), resolution
    per_second = 10**resolution if resolution <= 19 else 0
    divide = 10 ** (resolution - 9) if resolution <= 28 else 0
    return (per_second, 1, divide, -1), 9


class PcapngReader:
    """Reads one pcapng stream; ``links`` grows as interfaces are described."""

    def __init__(self, window: Window, links: list[Link], warnings: list[str], strict: bool) -> None:
        self.window, self.links, self.warnings, self.strict = window, links, warnings, strict
        self.sections = 0
        self.section = Section(0, "<", 0)
        self.packet = 1
        self.link_types = np.zeros(MAX_LINKS, np.uint16)
        if not self._begin_section():
            problem = f"is cut off within its first section header ({window.end} bytes are there); get the whole file"
            raise CaptureError(window.name, problem)

    def _damaged(self, problem: str) -> NoReturn:
        raise CaptureError(
            self.window.name, f"{problem}; the file is damaged", packet=self.packet, offset=self.window.offset
        )

    def _begin_section(self) -> bool:
        """Read the section header block at the window's beginning; False if the stream ends within it."""
        window = self.window
        if not window.fill(12):
            return False
        start = window.peek(12)
        order = ORDERS.get(start[8:12])
        if order is None:
            self._damaged(f"a section header's byte-order magic is {start[8:12].hex()}")
        (total,) = unpack(order + "I", start[4:8])
        if total < 28 or total > walk.MAX_BLOCK:
            self._damaged(f"a section header's length of {total} bytes makes no sense")
        padded = total + 3 & ~3  # what is no multiple of four is rounded up, as libpcap does
        if not window.fill(padded):
            return False
        block = window.peek(padded)
        major, minor = unpack(order + "HH", block[12:16])
        if (major, minor) not in ((1, 0), (1, 2)):
            problem = f"pcapng version {major}.{minor} is not supported (1.0 is); convert it with editcap"
            raise CaptureError(window.name, problem, offset=window.offset + 12)
        if unpack(order + "I", block[-4:])[0] != total:
            self._damaged(
                f"the two lengths of a section header differ ({total} and {unpack(order + 'I', block[-4:])[0]})"
            )
        window.begin += padded
        self.section = Section(self.sections, order, len(self.links))
        self.sections += 1
        return True

    def _describe_interface(self, total: int) -> None:
        """Read the interface description block, ``total`` bytes, at the window's beginning."""
        section, block = self.section, self.window.peek(total)
        if total < 20:
            self._damaged(f"an interface description of {total} bytes is too short")
        link_type, _, snaplen = unpack(section.order + "HHI", block[8:16])
        resolution, offset = 6, 0
        at, end = 16, total - 4
        while at + 4 <= end:
            code, length = unpack(section.order + "HH", block[at : at + 4])
            if code == OPTION_END:
                break
            if at + 4 + length > end:
                self._damaged(f"option {code} of an interface description runs beyond its block")
            value = block[at + 4 : at + 4 + length]
            if code == OPTION_TSRESOL and length == 1:
                resolution = value[0]
            elif code == OPTION_TSOFFSET and length == 8:
                (offset,) = unpack(section.order + "q", value)
            elif code in (OPTION_TSRESOL, OPTION_TSOFFSET):
                self._damaged(f"option {code} of an interface description has {length} bytes")
            at += 4 + (length + 3 & ~3)
        if len(self.links) == MAX_LINKS:
            self._damaged(f"more than {MAX_LINKS} interfaces")
        units, digits = clock(resolution)
        self.link_types[len(self.links)] = link_type
        self.links.append(Link(link_type, snaplen, digits, section.number, section.interfaces))
        section.describe(snaplen, units, offset)
        self.window.begin += total

    def batches(self, packets: int, ahead: int) -> Iterator[Batch]:
        window, buffers = self.window, rounds(packets, ahead)
        window.keep(ahead)
        columns = next(buffers)
        table = self.section.table()
        last_time, clamped = 0, False
        going = True
        while going:
            found = walk.read_pcapng(window.data, window.begin, window.end, table, self.link_types, columns, last_time)
            window.begin, last_time = found.at, found.last_time
            if found.packets:
                if self.packet == 1:
                    self._refuse_if_hopeless()
                first, self.packet = self.packet, self.packet + int(found.packets)
                window.handed_on()
                yield Batch(trimmed(columns, found.packets, found.quotes), window.data, first, len(self.links))
                columns = next(buffers)
            if found.clamped and not clamped:
                clamped = True
                self.warnings.append(f"{window.name}: times beyond 146 years from 1970 are held at that bound")
            if found.status == walk.SHORT:
                going = window.fill(found.needed)
            elif found.status == walk.SECTION:
                going = self._begin_section()
                table = self.section.table()
            elif found.status == walk.INTERFACE:
                self._describe_interface(found.needed)
                table = self.section.table()
            elif found.status != walk.FULL:
                self._refuse_block(found)
        self._end()

    def _refuse_if_hopeless(self) -> None:
        types = [link.link_type for link in self.links]
        if not any(link_type in linktypes.SUPPORTED for link_type in types):
            raise linktypes.refused(self.window.name, types)

    def _refuse_block(self, found: walk.Walk) -> NoReturn:
        value = found.needed
        self._damaged(
            {
                walk.BAD_LENGTH: f"a block length of {value} bytes makes no sense",
                walk.BAD_TRAILER: f"the length at the end of a block is not the {value} at its beginning",
                walk.BAD_INTERFACE: f"a packet of interface {value}, which its section does not describe",
                walk.BAD_CAPTURED: f"a captured length of {value} bytes runs beyond its block",
                walk.LONG_RECORD: f"a captured length of {value} bytes makes no sense (262144 is the most)",
            }[found.status]
        )

    def _end(self) -> None:
        window = self.window
        problem = f"is cut off within a block, at packet {self.packet}" if window.end > window.begin else ""
        end_of_stream(window, self.warnings, self.strict, problem, self.packet)
