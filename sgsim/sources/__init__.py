"""What users have -> Topology: describe output, hand-written scenarios. All input checks live in this package.

``load_topology`` is the door. Parsers are imported when a file asks for them: a shell prompt waits for ``sgsim query``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sgsim.model import Topology

if TYPE_CHECKING:
    from sgsim.sources.places import Document

__all__ = ["load_topology", "read_snapshot"]


def load_topology(path: str | Path, *, strict: bool = False) -> Topology:
    """Read a snapshot: a directory of ``aws ec2 describe-…`` output, one such file, or a YAML scenario.

    The kind is recognised by content. Everything keeps the snapshot's order, which is the order of credit: an
    interface's groups, a group's rules (within one IpPermission: IpRanges, Ipv6Ranges, PrefixListIds,
    UserIdGroupPairs). What is doubtful is in ``Topology.warnings``, one line each.

    An interface may name a group that is not in ``Topology.groups`` only where the snapshot holds no groups at all
    (a warning says so): such an interface cannot be judged, and judges refuse to.

    Raises:
        InputError: input that AWS could not have produced or that cannot be read; with ``strict``, doubtful input too
            (an incomplete page, an unresolved reference, a rule listed twice, ...).
    """
    return read_snapshot(path, strict=strict)[0]


def read_snapshot(path: str | Path, *, strict: bool = False) -> tuple[Topology, list[Document]]:
    """The topology, and the parsed files that it was made from (none of a scenario). See ``load_topology``."""
    from sgsim.sources.places import Notes
    from sgsim.sources.recognise import Kind, recognise

    notes = Notes(strict)
    kind, documents = recognise(Path(path), notes)
    if kind is Kind.SCENARIO:
        from sgsim.sources.scenario import scenario_topology

        return scenario_topology(documents[0], notes), []
    from sgsim.sources.describe import describe_topology

    return describe_topology(str(path), documents, notes), documents
