"""Flow log records judged: whose they are, which side of their flow they come from, what the engine says of packets
that stand for them, and what that says about them."""

from __future__ import annotations

from sgsim.flowrecords.judge import RecordJudge
from sgsim.flowrecords.standins import StandIns, stand_ins

__all__ = ["RecordJudge", "StandIns", "stand_ins"]
