"""The EC2 endpoint: a cloud (``sgsim.control``) behind HTTP, for the AWS CLI, SDKs and Terraform as they are.

``server`` reads requests and writes answers, ``dispatch`` decides who answers one: the cloud, or moto for what the
cloud does not model. ``parameters`` and ``answers`` are EC2's protocol, by botocore's service model. ``state`` keeps
the cloud in a file. Needs the extra ``serve``; nothing of it is imported before it is used.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from sgsim.control import Caller, Cloud
from sgsim.endpoint.dispatch import Endpoint
from sgsim.endpoint.server import Server
from sgsim.endpoint.service import check_libraries, ec2
from sgsim.endpoint.state import StateFile

__all__ = ["Server", "StateFile", "check_libraries", "open_cloud", "serve"]


def open_cloud(snapshot: str | Path | None, file: StateFile | None, home: Caller, *, strict: bool = False) -> Cloud:
    """The cloud of a state file where there is one, else of a snapshot, else a new one; kept in the state file.

    ``home`` is the account and Region of what neither tells. Raises InputError (what cannot be read) and OutputError
    (a state file that cannot be written).
    """
    seed = secrets.token_hex(16)  # ids of new resources differ from those of every run before
    if file is not None and file.exists:
        cloud = Cloud.load(file.path, home.account, home.region, seed=seed)
    elif snapshot is not None:
        cloud = Cloud.load(snapshot, home.account, home.region, seed=seed, strict=strict)
    else:
        cloud = Cloud.empty(home.account, home.region, seed=seed)
    if file is not None:
        file.keep(cloud.revision, cloud.state)
    return cloud


def serve(cloud: Cloud, *, host: str = "127.0.0.1", port: int = 0, file: StateFile | None = None) -> Server:
    """A server that is ready, in threads of its own; ``url`` says where, ``close`` ends it.

    Raises MissingExtraError where the extra ``serve`` is not installed, SgsimError where the port cannot be had.
    """
    check_libraries()
    ec2()
    server = Server(host, port, Endpoint(cloud, file).answer)
    server.start()
    return server
