"""The conductor of flow logs: logs read by time, their records judged, and what takes the verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.flowlogs import Logs, Meetings, RecordBatch, log_files, parse_format
from sgsim.errors import LogError
from sgsim.flowrecords import RecordJudge
from sgsim.kernels.compiling import is_compiled
from sgsim.layout import REASONS, RECORD_VERDICTS
from sgsim.model import RecordVerdict, Settings, Topology
from sgsim.replay import ENGINES, Listeners, Warnings, jump_text
from sgsim.reports.flowlogs.parquet import ParquetLogRecords
from sgsim.reports.flowlogs.records import LogRecordWriter
from sgsim.reports.flowlogs.summary import (
    MOST_STRANGERS,
    LogStranger,
    LogSummary,
    LogTally,
    action_counts,
    gate_counts,
    rule_counts,
)
from sgsim.reports.outputs import STANDARD_OUTPUT, OutputFile, check_outputs
from sgsim.reports.summary import doubtful_rules
from sgsim.reports.writers import form_of
from sgsim.selection import select
from sgsim.sources import load_topology

EXAMPLES = 3  # of each cause of disagreement
KERNEL = "read_lines"  # the longest to compile of those that only this needs
COMPILING = "compiling for this machine, once (some 15 s) ..."


class Only(StrEnum):
    """Which records are written."""

    ALLOW = "allow"
    DROP = "drop"
    POSSIBLE = "possible"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True, slots=True)
class RecordOutputs:
    """Names of files that judged records are written to, ending in .ndjson, .csv or .parquet; "-" is standard output.
    ``only`` keeps those of one verdict, or those that disagree with AWS."""

    records: Sequence[str] = ()
    only: Only | None = None


class RecordTaker(Protocol):
    """What takes judged LOG_RECORDs."""

    def write(self, records: NDArray[np.void], /) -> object: ...


def flowlogs(
    topology: Topology | str | Path,
    logs: Sequence[str | Path],
    *,
    format: str | None = None,
    settings: Settings | None = None,
    enis: Sequence[str] = (),
    vpc_id: str | None = None,
    engine: str = "fast",
    outputs: RecordOutputs | None = None,
    examples: int = EXAMPLES,
    strict: bool = False,
    plan_before: bool = False,
    parameters: Mapping[str, str] | None = None,
    listeners: Listeners | None = None,
    also: Callable[[RecordJudge], RecordTaker] | None = None,
) -> LogSummary:
    """Judge every record of VPC flow logs against the security groups of a snapshot.

    ``logs`` are names of files, folders, patterns, or "-" for standard input; ``format`` gives the fields of lines
    without a header, as AWS takes it; ``enis`` and ``vpc_id`` select interfaces (all without them); ``engine`` is
    "fast" or "reference"; so many ``examples`` of each cause of disagreement are kept at most; ``plan_before`` and
    ``parameters`` are as in ``replay``. ``also`` makes something of the judge that takes the judged records.

    Raises SgsimError: input that cannot be read or judged, results that cannot be written; with ``strict``, doubtful
    input too. Output files then keep the name ``FILE.part``.
    """
    outputs, listeners, settings = outputs or RecordOutputs(), listeners or Listeners(), settings or Settings()
    names = [str(log) for log in logs]
    fields = None if format is None else parse_format(format)
    forms = [form_of(name) for name in outputs.records]
    if names.count(STANDARD_OUTPUT) > 1:
        raise LogError("standard input (-)", "is given twice as a log", "it can be read once")
    files = log_files(names)
    snapshot = [] if isinstance(topology, Topology) else [str(topology)]
    check_outputs(outputs.records, [*snapshot, *names, *(file.path for file in files)])
    if not isinstance(topology, Topology):
        topology = load_topology(topology, strict=strict, plan_before=plan_before, parameters=parameters)
    selected = select(topology, enis, vpc_id)
    run = _Run(topology, settings, listeners)
    with ExitStack() as stack:
        meetings = Meetings()
        opened = Logs(files, meetings, fields, strict=strict)
        stack.callback(opened.close)
        judge = RecordJudge(topology, settings, selected, meetings, ENGINES[engine])
        writers = _Writers(stack, outputs, forms, opened.names, judge)
        if also is not None:
            writers.takers.append(also(judge))
        if not is_compiled(KERNEL):
            listeners.notice(COMPILING)
        return run.through(opened, judge, meetings, writers, examples)


class _Writers:
    """What takes judged records beside the tally."""

    def __init__(
        self, stack: ExitStack, outputs: RecordOutputs, forms: Sequence[str], logs: Sequence[str], judge: RecordJudge
    ) -> None:
        self.takers: list[RecordTaker] = []
        self._only = outputs.only
        self._files: list[OutputFile] = []
        self._writers: list[LogRecordWriter | ParquetLogRecords] = []
        for name, form in zip(outputs.records, forms, strict=True):
            file = stack.enter_context(OutputFile(name))
            self._files.append(file)
            if form == "parquet":
                writer = ParquetLogRecords(file, logs, judge.interfaces, judge.rules)
                self._writers.append(stack.enter_context(writer))
            else:
                self._writers.append(LogRecordWriter(file, form, logs, judge.interfaces, judge.rules))

    def write(self, records: NDArray[np.void], disagrees: NDArray[np.bool_]) -> None:
        for taker in self.takers:
            taker.write(records)
        if not self._writers:
            return
        places = self._chosen(records, disagrees)
        for writer in self._writers:
            writer.write(records, disagrees, places)
        for file in self._files:
            file.flush()

    def _chosen(self, records: NDArray[np.void], disagrees: NDArray[np.bool_]) -> NDArray[np.int64]:
        if self._only is None:
            return np.arange(len(records), dtype=np.int64)
        if self._only is Only.DISAGREEMENT:
            return np.flatnonzero(disagrees)
        return np.flatnonzero(records["verdict"] == RECORD_VERDICTS.index(RecordVerdict(self._only)))


class _Run:
    """One run over logs, to the summary."""

    def __init__(self, topology: Topology, settings: Settings, listeners: Listeners) -> None:
        self._topology, self._settings, self._listeners = topology, settings, listeners
        self._warnings = Warnings(listeners.warning)
        self._warnings.tell(topology.warnings)

    def through(
        self, logs: Logs, judge: RecordJudge, meetings: Meetings, writers: _Writers, examples: int
    ) -> LogSummary:
        tally = LogTally(self._topology, self._settings, judge.interfaces, judge.rules)
        begun, judged = time.perf_counter(), 0
        for records in _judged(logs.batches(), judge):
            disagrees = tally.add(records)
            writers.write(records, disagrees)
            judged += len(records)
            self._listeners.progress(logs.position, logs.size, judged)
        seconds = time.perf_counter() - begun
        self._warnings.tell(logs.warnings)
        if judge.engine.jumped is not None:
            self._warnings.tell([jump_text(*judge.engine.jumped)])
        return self._summary(logs, judge, meetings, tally, examples, seconds)

    def _summary(
        self, logs: Logs, judge: RecordJudge, meetings: Meetings, tally: LogTally, examples: int, seconds: float
    ) -> LogSummary:
        counts = tally.counts
        judged = int(counts.reasons.sum())
        skipped = {skip: judge.skipped[skip] + count for skip, count in meetings.skipped().items()}
        skipped = {**judge.skipped, **skipped}
        stale, unresolved = doubtful_rules(self._topology, self._settings, judge.interfaces)
        return LogSummary(
            logs=tuple(logs.names),
            records=judged + sum(skipped.values()),
            by_verdict=dict(zip(RECORD_VERDICTS, counts.gates.sum(axis=(0, 1)).tolist(), strict=True)),
            by_reason={str(reason): int(count) for reason, count in zip(REASONS, counts.reasons, strict=True)},
            actions=action_counts(tally),
            skipped=skipped,
            span=(int(counts.span[0]), int(counts.span[1])) if judged else None,
            reordered=judge.engine.reordered,
            midstream_flows=int(counts.midstream[0]),
            other_addresses=int(counts.elsewhere[0]),
            disagreements=tuple(tally.disagreements.by_cause(logs.names, counts.rules["accepted"], examples)),
            by_interface=gate_counts(tally),
            rules=rule_counts(tally, judge.perhaps),
            strangers=_strangers(self._topology, judge, meetings),
            stale=stale,
            unresolved=unresolved,
            warnings=self._warnings.told,
            seconds=seconds,
            topology=self._topology,
        )


def _judged(batches: Iterable[RecordBatch], judge: RecordJudge) -> Iterator[NDArray[np.void]]:
    for batch in batches:
        yield from judge.judge(batch)
    yield from judge.finish()


def _strangers(topology: Topology, judge: RecordJudge, meetings: Meetings) -> tuple[LogStranger, ...]:
    """Interface ids of the logs that are not guarded, most records first."""
    order = np.argsort(-judge.strangers, kind="stable")[:MOST_STRANGERS]
    found = []
    for number in order[judge.strangers[order] > 0].tolist():
        eni = meetings.id_text(number)
        found.append(LogStranger(eni, int(judge.strangers[number]), eni in topology.interfaces))
    return tuple(found)
