"""The judge in plain Python, one packet at a time: slow, readable, and the law.

It takes the same Topology as the compiled engine and shares no code with it; tests hold the two against each other on
every observation. Section numbers are those of docs/semantics.md. Sources: EC2 user guide, "Security group connection
tracking"; VPC user guide, "Security group rules".
"""

from sgsim.reference.judge import ReferenceJudge
from sgsim.reference.rules import RuleBook

__all__ = ["ReferenceJudge", "RuleBook"]
