"""Malformed lines and rows: what is wrong with each, told a few times and then only counted."""

from __future__ import annotations

from collections.abc import Sequence

from sgsim.errors import LogError
from sgsim.kernels import loglines

TOLD = 3  # malformed lines of a log that are told one by one
_LONGEST_VALUE = 40  # characters of a value that are shown

PROBLEMS = {
    loglines.FEW: ("has fewer fields than its format ({wanted})", "does --format, or the header, describe this log?"),
    loglines.MANY: ("has more fields than its format ({wanted})", "does --format, or the header, describe this log?"),
    loglines.NO_NUMBER: ("{field} is no number: {value}", "a decimal number, or -"),
    loglines.NO_ADDRESS: ("{field} is no IP address: {value}", "an address, or -"),
    loglines.NO_WORD: ("{field} is {value}", "{choices}"),
    loglines.OUT_OF_RANGE: ("{field} is too large: {value}", "{most}"),
    loglines.MISSING: ("says neither address, protocol, ports nor time, or not all of them", "they cannot be - here"),
    loglines.TWO_VERSIONS: ("has addresses of different IP versions", "the record contradicts itself"),
    loglines.LONG_ID: ("interface-id is longer than 64 bytes: {value}", "an interface id, eni-..."),
}
_CHOICES = {
    "action": "ACCEPT, REJECT or -",
    "flow-direction": "ingress, egress or -",
    "log-status": "OK, NODATA or SKIPDATA",
}
_MOST = {
    "start": "Unix seconds, not milliseconds",
    "end": "Unix seconds, not milliseconds",
    "protocol": "0 to 255",
    "srcport": "0 to 65535",
    "dstport": "0 to 65535",
    "tcp-flags": "0 to 255",
}


class Faults:
    """Those of one log; ``unit`` is "line" or "row"."""

    def __init__(self, name: str, warnings: list[str], strict: bool, unit: str = "line") -> None:
        self._name, self._warnings, self._strict, self._unit = name, warnings, strict, unit
        self._met = 0

    def tell(self, line: int, kind: int, fields: Sequence[str], column: int, value: str) -> None:
        """One of those met. Raises LogError if doubtful input is to be refused."""
        self._met += 1
        if self._met > TOLD and not self._strict:
            return
        problem, remedy = PROBLEMS[kind]
        field = fields[column] if column < len(fields) else ""
        shown = repr(value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "...")
        words = {
            "field": field,
            "value": shown,
            "wanted": len(fields),
            "choices": _CHOICES.get(field, ""),
            "most": _MOST.get(field, "at most 2**62"),
        }
        problem, remedy = problem.format(**words), remedy.format(**words)
        if self._strict:
            raise LogError(self._name, f"{self._unit} {line}: {problem}", f"{remedy}; leave --strict out to skip it")
        self._warnings.append(f"{self._name}: {self._unit} {line}: {problem} ({remedy}); skipped")

    def rest(self, others: int) -> None:
        """So many more were met of which nothing is known."""
        self._met += others

    def end(self) -> None:
        """After the last line: say how many were not told."""
        if self._met > TOLD:
            self._warnings.append(f"{self._name}: {self._met - TOLD:,} more malformed {self._unit}s were skipped")
