"""One tree of exceptions. Each message is one line that names the place and the remedy."""

from __future__ import annotations


class SgsimError(Exception):
    """Anything that sgsim refuses; ``str(error)`` is one line fit for standard error."""


class InputError(SgsimError):
    """A snapshot that cannot be used: names the file, the place in it, the value and the remedy."""

    def __init__(self, file: str, place: str, problem: str, remedy: str = "") -> None:
        self.file, self.place, self.problem, self.remedy = file, place, problem, remedy
        where = f"{file}: {place}" if place else file
        super().__init__(f"{where}: {problem}" + (f" ({remedy})" if remedy else ""))


class CaptureError(SgsimError):
    """A capture that cannot be read (on): names the file, the packet number and the byte offset where known."""

    def __init__(self, file: str, problem: str, *, packet: int | None = None, offset: int | None = None) -> None:
        self.file, self.problem, self.packet, self.offset = file, problem, packet, offset
        where = "".join(
            [file, "" if packet is None else f": packet {packet}", "" if offset is None else f": offset {offset}"]
        )
        super().__init__(f"{where}: {problem}")


class LogError(SgsimError):
    """A flow log that cannot be read (on): names the file, the line or row where known, and the remedy."""

    def __init__(self, file: str, problem: str, remedy: str = "", *, line: int | None = None) -> None:
        self.file, self.problem, self.remedy, self.line = file, problem, remedy, line
        where = file if line is None else f"{file}: line {line}"
        super().__init__(f"{where}: {problem}" + (f" ({remedy})" if remedy else ""))


class NoLogError(LogError):
    """A file that is no flow log at all: in a folder it is passed over."""


class SelectionError(SgsimError):
    """Interfaces or addresses chosen so that they cannot be judged: unknown, or owned twice."""


class OutputError(SgsimError):
    """A result that cannot be written: names the file and the reason."""


class MissingExtraError(SgsimError):
    """A feature whose library is not installed: names the command that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra library: pip install 'sgsim[{extra}]'")


class PullError(SgsimError):
    """An EC2 endpoint that no snapshot can be taken from: names credentials, Region, call and remedy."""

    def __init__(self, where: str, problem: str, remedy: str = "") -> None:
        super().__init__(f"{where}: {problem}" + (f" ({remedy})" if remedy else ""))
