"""A cloud behind the endpoint, and clients that ask it as any of its accounts."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from sgsim.control import Cloud
from tests.control.conformance.table import HOME, RefusedError

if TYPE_CHECKING:
    from sgsim.endpoint import Server

_ACCOUNTS = count(100_000_000_001)


def new_account() -> str:
    """An account that nobody has used yet: what others left behind is not seen in it."""
    return str(next(_ACCOUNTS))


class Served:
    """The server, its cloud, and boto3's clients of it, whose access key id is the account."""

    def __init__(self, cloud: Cloud, server: Server) -> None:
        self.cloud, self.server = cloud, server
        self._session = Session()
        self._session.set_credentials(new_account(), "any secret will do")
        self._credentials = self._session.get_credentials()
        self._clients: dict[str, Any] = {}

    def client(self, account: str, region: str = HOME) -> Any:
        """The Region's client, calling as the account until the next call of this method."""
        self._credentials.access_key = account
        if region not in self._clients:
            # What is wrong with a request is for the endpoint to say, and an answer is not asked for twice.
            config = Config(parameter_validation=False, retries={"max_attempts": 0}, region_name=region)
            self._clients[region] = self._session.create_client("ec2", endpoint_url=self.server.url, config=config)
        return self._clients[region]

    def call(self, operation: str, params: dict[str, Any], account: str, region: str) -> dict[str, Any]:
        """See Answers."""
        method = getattr(self.client(account, region), xform_name(operation))
        try:
            return dict(method(**params))
        except ClientError as error:
            refusal = error.response["Error"]
            raise RefusedError(refusal["Code"], refusal["Message"]) from error


def start() -> Served:
    """A new cloud and its server, in this process."""
    from sgsim.endpoint import serve

    cloud = Cloud.empty(account=new_account(), region=HOME)
    return Served(cloud, serve(cloud))
