"""A stand-in for AWS's EC2 and STS endpoints: serves describe records over HTTP, filtered and in pages.

Records are written in boto3's shape; botocore's own service model says how they look in XML.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.session

Record = dict[str, Any]
SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as it came in; ``filters`` maps names to values."""

    access_key: str
    region: str
    action: str
    parameters: dict[str, str]
    filters: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: str


def refusal(code: str, message: str = "No.", status: int = 400) -> Reply:
    """EC2's shape of an error."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, f"<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>")


@cache
def service(name: str) -> Any:
    return botocore.session.Session().get_service_model(name)


def as_xml(shape: Any, value: Any, name: str) -> str:
    if shape.type_name == "structure":
        inner = "".join(
            as_xml(member, value[key], member.serialization.get("name", key))
            for key, member in shape.members.items()
            if key in value
        )
    elif shape.type_name == "list":
        inner = "".join(as_xml(shape.member, member, "item") for member in value)
    else:
        inner = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{inner}</{name}>"


def values_of(filter_name: str, record: Record) -> set[str | None]:
    """What a record has under a filter's name."""
    if "Instances" in record:
        key = {"vpc-id": "VpcId", "instance-id": "InstanceId"}[filter_name]
        return {instance.get(key) for instance in record["Instances"]}
    if filter_name == "group-id" and "NetworkInterfaceId" in record:
        return {group["GroupId"] for group in record["Groups"]}
    side, _, rest = filter_name.partition("-vpc-info.")
    if rest:
        return {record[f"{side.capitalize()}VpcInfo"]["VpcId"]}
    return {record.get({"vpc-id": "VpcId", "group-id": "GroupId", "prefix-list-id": "PrefixListId"}[filter_name])}


def matching(records: list[Record], filters: dict[str, list[str]]) -> list[Record]:
    """The records that each filter has a value of; of a reservation, those of its instances."""
    if not filters:
        return records
    apart = [
        {**record, "Instances": [instance]} if "Instances" in record else record
        for record in records
        for instance in record.get("Instances", [None])
    ]
    return [each for each in apart if all(values_of(name, each) & set(values) for name, values in filters.items())]


@dataclass
class Endpoint:
    """``sees`` holds what an access key sees in a Region; ``accounts`` whose a key is; ``answers`` what is said to an
    action instead of records. ``page`` is the most records of a page, whatever the caller wants."""

    url: str = ""
    sees: dict[tuple[str, str], dict[str, list[Record]]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Callable[[Asked], Reply | None]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    page: int = 1000

    def refuse(self, action: str, code: str, **more: Any) -> None:
        self.answers[action] = lambda asked: refusal(code, **more)

    def filters(self, action: str) -> list[dict[str, list[str]]]:
        """The filters that calls of an action came with."""
        return [asked.filters for asked in self.asked if asked.action == action]

    def reply(self, asked: Asked, service_name: str) -> Reply:
        self.asked.append(asked)
        answer = self.answers.get(asked.action)
        said = answer(asked) if answer else None
        if said is not None:
            return said
        if service_name == "sts":
            return self._identity(asked)
        shape = service("ec2").operation_model(asked.action).output_shape
        key = next(name for name, member in shape.members.items() if member.type_name == "list")
        records = self._records(asked, key)
        start = int(asked.parameters.get("NextToken", "0"))
        end = start + min(self.page, int(asked.parameters.get("MaxResults", "1000")))
        said_so_far: Record = {key: records[start:end]}
        if end < len(records):
            said_so_far["NextToken"] = str(end)
        return Reply(200, as_xml(shape, said_so_far, f"{asked.action}Response"))

    def _identity(self, asked: Asked) -> Reply:
        if asked.access_key not in self.accounts:
            return refusal("InvalidClientTokenId", status=403)
        result = (
            f"<GetCallerIdentityResult><Account>{self.accounts[asked.access_key]}</Account></GetCallerIdentityResult>"
        )
        return Reply(200, f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>")

    def _records(self, asked: Asked, key: str) -> list[Record]:
        seen = self.sees.get((asked.access_key, asked.region), {})
        if key == "Entries":
            name = asked.parameters["PrefixListId"]
            return next(each["Entries"] for each in seen["PrefixLists"] if each["PrefixListId"] == name)
        return matching(seen.get(key, []), asked.filters)


def asked_of(body: str, authorization: str) -> tuple[Asked, str]:
    """A request, and the service that it was signed for."""
    parameters = dict(parse_qsl(body))
    filters: dict[str, list[str]] = {}
    for key, name in parameters.items():
        if match := re.fullmatch(r"Filter\.(\d+)\.Name", key):
            prefix = f"Filter.{match[1]}.Value."
            filters[name] = [value for each, value in parameters.items() if each.startswith(prefix)]
    scope = SCOPE.search(authorization)
    assert scope is not None
    access_key, region, name = scope.groups()
    return Asked(access_key, region, parameters["Action"], parameters, filters), name


def serve(endpoint: Endpoint) -> ThreadingHTTPServer:
    """Serve on a free port of the loopback address, in threads; ``shutdown`` and ``server_close`` end it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            reply = endpoint.reply(*asked_of(body, self.headers["Authorization"]))
            data = reply.body.encode()
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # the caller was interrupted
                self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
