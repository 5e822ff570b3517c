"""moto, as a library in this process: what the cloud does not model and clients cannot do without.

One call at a time: moto's own stores are not made for threads. What it keeps ends with the process. EC2's is each
endpoint's own; those of the other services are moto's, one a process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import RLock
from typing import Any

from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.ec2.models import ec2_backends, validate_resource_ids
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix
from moto.iam.models import iam_backends

from sgsim.control import ApiError, Caller
from sgsim.endpoint.http import HttpRequest, HttpResponse
from sgsim.endpoint.plumbing import Plumbing, PlumbingResponse

_REQUEST_ID = re.compile(rb"(<(request(?:Id|ID))>)[^<]*(?=</\2>)", re.IGNORECASE)
_PASSED_ON = ("authorization", "content-type", "x-amz-target")
#: moto holds none of these, so that it does not know one says nothing.
_NOT_MOTOS = re.compile(r"<Code>Invalid(?:InstanceID|NetworkInterfaceI[dD]|Group|GroupId|PrefixListI[dD])\.NotFound<")


class MotoServices:
    """``ask`` makes describe calls of the cloud: what moto is shown comes from there."""

    def __init__(self, ask: Callable[[str, dict[str, Any], Caller], dict[str, Any]]) -> None:
        self._ask = ask
        self._plumbing: dict[Caller, Plumbing] = {}
        self.turn = RLock()  # held around each call, and around what must not change between two

    def ec2(self, action: str, request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
        """A call of EC2 that the cloud does not have. Raises ApiError where moto does not have it either."""
        with self.turn:
            dispatch = PlumbingResponse(self.plumbing(caller))._dispatch
            response = self._call(dispatch, "ec2", action, request, caller, request_id)
        if response.status >= 400 and _NOT_MOTOS.search(response.body.decode(errors="replace")):
            raise ApiError("UnsupportedOperation", f"sgsim serve does not offer {action} for what it models itself")
        return response

    def other(self, service: str, request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
        """A call of another service. Raises ApiError where moto does not have it."""
        (dispatch,) = import_module(f"moto.{service}.urls").url_paths.values()
        with self.turn:
            return self._call(dispatch, service, "this operation", request, caller, request_id)

    def _call(
        self, dispatch: Any, service: str, action: str, request: HttpRequest, caller: Caller, request_id: str
    ) -> HttpResponse:
        url = f"https://{service}.{caller.region}.amazonaws.com/"
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers["x-moto-account-id"] = caller.account
        body = request.body
        if request.query and not body:
            body, headers["content-type"] = request.query.encode(), "application/x-www-form-urlencoded"
        try:
            status, answered, text = dispatch(Request.from_primitives("POST", url, headers, body), url, headers)
        except (NotImplementedError, OperationNotFoundError) as error:
            raise ApiError("UnsupportedOperation", f"sgsim serve does not offer {action}") from error
        data = text.encode() if isinstance(text, str) else text
        data = _REQUEST_ID.sub(rb"\g<1>" + request_id.encode(), data)
        kind = next((value for name, value in answered.items() if name.lower() == "content-type"), "text/xml")
        return HttpResponse(int(status), kind, data, request_id)

    def plumbing(self, caller: Caller) -> Plumbing:
        """What moto has of the caller's EC2, shown what the cloud has now. Call it with ``turn`` held.

        Raises ApiError for a Region that moto does not know.
        """
        if caller.region not in ec2_backends[caller.account]:
            raise ApiError("UnsupportedOperation", f"sgsim serve does not offer this in the Region {caller.region}")
        found = self._plumbing.get(caller)
        if found is None:
            found = self._plumbing[caller] = Plumbing(caller.region, caller.account)
            found.ask = lambda operation, params: self._ask(operation, params, caller)
        found.show()
        return found

    def account_of(self, access_key: str) -> str | None:
        """The account that an access key was made in (IAM) or assumed in (STS) here; None for any other key."""
        for account, partitions in list(iam_backends.items()):
            if any(access_key in backend.access_keys for backend in list(partitions.values())):
                return str(account)
        return None

    # --- tags of what moto holds -----------------------------------------------------------------------------------

    def check_resources(self, resources: list[str], caller: Caller) -> None:
        """Raises ApiError where moto has no such resources."""
        with self.turn, _in_our_words():
            validate_resource_ids(resources)
            self.plumbing(caller).do_resources_exist(resources)

    def create_tags(self, resources: list[str], params: dict[str, Any], caller: Caller) -> None:
        """What CreateTags asks for, of these resources; ``check_resources`` was there before."""
        if params.get("DryRun"):
            raise ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        tags = {tag["Key"]: tag.get("Value", "") for tag in params["Tags"]}
        with self.turn, _in_our_words():
            self.plumbing(caller).create_tags(resources, tags)

    def delete_tags(self, resources: list[str], params: dict[str, Any], caller: Caller) -> None:
        """What DeleteTags asks for, of these resources: those tags, or all."""
        if params.get("DryRun"):
            raise ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        given = {tag["Key"]: tag.get("Value") for tag in params.get("Tags", ())}
        with self.turn, _in_our_words():
            plumbing = self.plumbing(caller)
            for resource in resources:
                plumbing.delete_tags([resource], given or dict.fromkeys(plumbing.tags[resource]))

    def tags(self, caller: Caller) -> Iterable[dict[str, str]]:
        """All of them, as DescribeTags lists them."""
        with self.turn:
            return [
                {
                    "ResourceId": resource,
                    "ResourceType": EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource), ""),
                    "Key": key,
                    "Value": value,
                }
                for resource, tags in self.plumbing(caller).tags.items()
                for key, value in tags.items()
            ]


@contextmanager
def _in_our_words() -> Iterator[None]:
    """moto's refusals as the cloud's."""
    try:
        yield
    except ServiceException as error:
        raise ApiError(error.code, error.message) from error
