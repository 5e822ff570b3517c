"""Clients of a served cloud: boto3's, and a plain one for what boto3 would not send."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import boto3
from botocore.config import Config

ACCOUNT, REGION = "123456789012", "us-east-1"


def client(url: str, service: str = "ec2", *, account: str = ACCOUNT, region: str = REGION, **more: Any) -> Any:
    """A boto3 client that does not try again."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, **more),
    )


def authorization(account: str = ACCOUNT, region: str = REGION, service: str = "ec2") -> str:
    scope = f"{account}/20260101/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"


class Answer(NamedTuple):
    """What came back."""

    status: int
    request_id: str
    body: str

    @property
    def code(self) -> str | None:
        found = re.search("<Code>(.*?)</Code>", self.body)
        return found[1] if found else None

    @property
    def message(self) -> str | None:
        found = re.search("<Message>(.*?)</Message>", self.body)
        return found[1] if found else None

    def all(self, tag: str) -> list[str]:
        """The texts of all elements of that name."""
        return re.findall(f"<{tag}>(.*?)</{tag}>", self.body)


class Plain:
    """One connection that stays open, and requests as they come from the wire."""

    def __init__(self, url: str, account: str = ACCOUNT, region: str = REGION) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self.headers = {
            "Authorization": authorization(account, region),
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def post(self, body: str | bytes, headers: dict[str, str] | None = None, path: str = "/") -> Answer:
        self.connection.request("POST", path, body, self.headers if headers is None else headers)
        return self._answer()

    def get(self, path: str) -> Answer:
        self.connection.request("GET", path, headers=self.headers)
        return self._answer()

    def _answer(self) -> Answer:
        response = self.connection.getresponse()
        return Answer(response.status, response.headers["x-amzn-RequestId"], response.read().decode())

    def call(self, action: str, **params: object) -> Answer:
        """``_`` in a name stands for its dots: ``IpPermissions_1_FromPort``."""
        named = {name.replace("_", "."): str(value) for name, value in params.items()}
        return self.post(urlencode({"Action": action, "Version": "2016-11-15", **named}))

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def get(url: str, path: str = "/") -> Answer:
    """One request on a connection of its own."""
    with Plain(url) as plain:
        return plain.get(path)


def connect(url: str) -> socket.socket:
    """A socket of nobody's protocol."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    return b"".join(_chunks(connection))


def _chunks(connection: socket.socket) -> Iterable[bytes]:
    while chunk := connection.recv(65536):
        yield chunk
