"""What takes the verdicts of a replay beside the tally: records, flows, lines and packets, each into its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from sgsim.captures import Capture, MergedBatch, PacketCapture, PacketWriter
from sgsim.engine import Engine
from sgsim.errors import OutputError
from sgsim.layout import FIRST_DROP, Verdicts
from sgsim.model import Verdict
from sgsim.reports.arrow import pyarrow_for
from sgsim.reports.outputs import STANDARD_OUTPUT, OutputFile, is_special
from sgsim.reports.parquet import ParquetRecords
from sgsim.reports.records import RecordWriter

TABLE_ENDINGS = {".ndjson": "ndjson", ".csv": "csv", ".parquet": "parquet"}
RECORD_ENDINGS = TABLE_ENDINGS | {".pcapng": "pcapng"}
PACKET_ENDINGS = (".pcap", ".pcapng")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Names of files that results are written to; "-" is standard output.

    ``observations`` end in .ndjson, .csv, .parquet or .pcapng, ``flows`` in one of the first three, ``allowed_packets``
    and ``dropped_packets`` in .pcap or .pcapng; ``only`` keeps the observations of one verdict. ``printed``: the
    verdicts of whose observations a line goes to standard output.
    """

    observations: Sequence[str] = ()
    only: Verdict | None = None
    allowed_packets: str | None = None
    dropped_packets: str | None = None
    flows: str | None = None
    printed: Sequence[Verdict] = ()

    def names(self) -> list[str]:
        files = (self.flows, self.allowed_packets, self.dropped_packets)
        lines = [STANDARD_OUTPUT] if self.printed else []
        return [*self.observations, *(name for name in files if name is not None), *lines]

    def check_forms(self) -> None:
        """Find what cannot be written before any work. Raises OutputError, MissingExtraError."""
        for name in self.observations:
            form_of(name, RECORD_ENDINGS)
        if self.flows is not None:
            form_of(self.flows)


class Taker(Protocol):
    """What takes a batch with its verdicts."""

    def write(self, batch: MergedBatch, verdicts: Verdicts, /) -> object: ...


class Writers:
    """All that a replay writes beside its summary."""

    def __init__(self) -> None:
        self.takers: list[Taker] = []
        self.packets: list[PacketWriter] = []
        self.files: list[OutputFile] = []

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> None:
        """Everything reaches the files at once: a live reader waits for it."""
        for taker in self.takers:
            taker.write(batch, verdicts)
        for file in self.files:
            file.flush()

    def finish(self) -> None:
        for writer in self.packets:
            writer.finish()


class _WholePackets:
    """Packets that all their gates allow, or that one dropped; those without an observation are neither."""

    def __init__(self, writer: PacketWriter, verdict: Verdict) -> None:
        self._writer, self._verdict = writer, verdict

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        dropped = np.zeros(len(batch.number), dtype=np.bool_)
        dropped[verdicts.packet[verdicts.reason >= FIRST_DROP]] = True
        if self._verdict is Verdict.DROP:
            return self._writer.write(batch, dropped)
        allowed = np.zeros(len(batch.number), dtype=np.bool_)
        allowed[verdicts.packet] = True
        return self._writer.write(batch, allowed & ~dropped)


def open_writers(
    stack: ExitStack, outputs: Outputs, engine: Engine, captures: Sequence[Capture | PacketCapture]
) -> Writers:
    """Open the files; ``stack`` closes them. Raises OutputError, MissingExtraError."""
    # What most replays do not write is imported when it is asked for: each kernel costs half a millisecond.
    writers = Writers()
    names = [capture.name for capture in captures]

    def opened(name: str) -> OutputFile:
        file = stack.enter_context(OutputFile(name))
        writers.files.append(file)
        return file

    def packet_writer(name: str) -> PacketWriter:
        kind = name + ".pcapng" if is_special(name) and not name.endswith(PACKET_ENDINGS) else name
        writers.packets.append(PacketWriter(kind, opened(name).raw, captures))
        return writers.packets[-1]

    for name in outputs.observations:
        form = form_of(name, RECORD_ENDINGS)
        if form == "pcapng":
            from sgsim.reports.annotated import AnnotatedPackets

            writers.takers.append(AnnotatedPackets(packet_writer(name), engine, outputs.only))
        elif form == "parquet":
            writers.takers.append(stack.enter_context(ParquetRecords(opened(name), engine, names, outputs.only)))
        else:
            writers.takers.append(RecordWriter(opened(name), form, engine, names, outputs.only))
    if outputs.flows is not None:
        from sgsim.reports.flowfiles import FlowParquet, FlowText
        from sgsim.reports.flows import FlowRecords

        file, form = opened(outputs.flows), form_of(outputs.flows)
        sink = FlowParquet(file, engine) if form == "parquet" else FlowText(file, form, engine)
        writers.takers.append(stack.enter_context(FlowRecords(sink)))
    if outputs.printed:
        from sgsim.reports.printed import PrintedLines

        only = None if len(set(outputs.printed)) > 1 else outputs.printed[0]
        writers.takers.append(PrintedLines(opened(STANDARD_OUTPUT), engine, only))
    for verdict, packets in ((Verdict.ALLOW, outputs.allowed_packets), (Verdict.DROP, outputs.dropped_packets)):
        if packets is not None:
            writers.takers.append(_WholePackets(packet_writer(packets), verdict))
    return writers


def form_of(name: str, endings: Mapping[str, str] = TABLE_ENDINGS) -> str:
    """Which form rows have that go to the file of that name; a pipe or device without an ending: NDJSON. Raises
    OutputError for an ending that is not among them, MissingExtraError."""
    form = endings.get(Path(name).suffix)
    if form is None and not is_special(name):
        *others, last = endings
        known = f"{', '.join(others)} or {last}"
        raise OutputError(f"{name}: unknown ending: name it {known} (or - for NDJSON on standard output)")
    if form == "parquet":
        pyarrow_for(f"{name}: writing Parquet")
    return form or "ndjson"
