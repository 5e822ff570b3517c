"""The control plane of security groups: the EC2 API on a cloud in memory.

``Cloud.call`` is the door: an operation's name and its parameters in boto3's shape go in, its answer comes out or
``ApiError`` with EC2's code and message. ``Cloud.snapshot`` is the topology that the judges take.
"""

from sgsim.control.call import Caller
from sgsim.control.cloud import Cloud
from sgsim.control.errors import ApiError
from sgsim.control.quotas import Quotas

__all__ = ["ApiError", "Caller", "Cloud", "Quotas"]
