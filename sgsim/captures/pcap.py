"""pcap files (draft-ietf-opsawg-pcap): the file header, then records until the end.

The old variants follow libpcap's sf-pcap.c: modified (Kuznetzov) records, and the lengths' order before version 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack

from sgsim.captures import linktypes
from sgsim.captures.batch import Batch, Link
from sgsim.captures.buffers import rounds, trimmed
from sgsim.captures.source import Window
from sgsim.errors import CaptureError
from sgsim.kernels import walk

# magic: (bytes of a record's header, decimal digits of a second)
VARIANTS = {0xA1B2C3D4: (16, 6), 0xA1B23C4D: (16, 9), 0xA1B2CD34: (24, 6)}
MAGICS = {magic.to_bytes(4, order): order for magic in VARIANTS for order in ("little", "big")}


class PcapReader:
    """Reads one pcap stream; ``warnings`` gets what its end was like."""

    def __init__(self, window: Window, links: list[Link], warnings: list[str], strict: bool) -> None:
        self.window, self.warnings, self.strict = window, warnings, strict
        self.form, self.link = self._header()
        links.append(self.link)

    def _header(self) -> tuple[walk.PcapFormat, Link]:
        window = self.window
        if not window.fill(24):
            raise CaptureError(
                window.name, f"is cut off within the 24 bytes of its header ({window.end} bytes are there)"
            )
        raw = window.take(24)
        order = ">" if MAGICS[raw[:4]] == "big" else "<"
        magic, major, minor, _zone, _accuracy, snaplen, network = unpack(order + "IHHiIII", raw)
        if not (major == 2 and minor <= 4) and (major, minor) != (543, 0):  # 543: DG/UX
            problem = f"pcap version {major}.{minor} is not supported (2.0 to 2.4 are); convert it with editcap"
            raise CaptureError(window.name, problem, offset=4)
        header, digits = VARIANTS[magic]
        lengths = walk.LENGTHS_PLAIN
        if major == 543 or minor < 3:
            lengths = walk.LENGTHS_SWAPPED
        elif minor == 3:
            lengths = walk.LENGTHS_GUESSED
        link_type = network & 0x03FFFFFF  # above: whether frames end with a check sequence
        if link_type not in linktypes.SUPPORTED:
            raise linktypes.refused(window.name, [link_type])
        form = walk.PcapFormat(order == ">", header, lengths, 10 ** (9 - digits))
        return form, Link(link_type, snaplen, digits)

    def batches(self, packets: int, ahead: int) -> Iterator[Batch]:
        window = self.window
        window.keep(ahead)
        buffers = rounds(packets, ahead)
        columns = next(buffers)
        first = 1
        while True:
            found = walk.read_pcap(window.data, window.begin, window.end, self.form, self.link.link_type, columns)
            count, start = int(found.packets), window.base
            window.begin = found.at
            if count:
                window.handed_on()
                yield Batch(trimmed(columns, count, found.quotes), window.data, first, 1)
                columns = next(buffers)
                first += count
            if found.status == walk.LONG_RECORD:
                most = "262144 is the most; the file is damaged"
                problem = f"a captured length of {found.needed} bytes makes no sense ({most})"
                raise CaptureError(window.name, problem, packet=first, offset=start + found.at)
            if found.status == walk.SHORT and not window.fill(found.needed):
                self._end(first)
                return

    def _end(self, packet: int) -> None:
        window = self.window
        left = window.end - window.begin
        if left:
            end_of_stream(window, self.warnings, self.strict, f"is cut off within packet {packet}", packet)
        else:
            end_of_stream(window, self.warnings, self.strict, "", packet)


def end_of_stream(window: Window, warnings: list[str], strict: bool, problem: str, packet: int) -> None:
    """Say how the stream ended: ``problem`` if it is cut off, and what its compression found."""
    if problem:
        if strict:
            raise CaptureError(
                window.name, f"{problem}; get the whole file, or leave --strict out", offset=window.offset
            )
        warnings.append(f"{window.name}: offset {window.offset}: {problem}; everything before it was read")
    notice = window.source.notice()
    if notice:
        if strict:
            raise CaptureError(window.name, f"{notice}; get the whole file, or leave --strict out", packet=packet)
        warnings.append(f"{window.name}: {notice}")
