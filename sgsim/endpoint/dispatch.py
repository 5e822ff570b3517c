"""Who answers a request: the cloud, moto, or both."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from xml.sax.saxutils import escape

from sgsim.control import ApiError, Caller, Cloud
from sgsim.endpoint import tags
from sgsim.endpoint.answers import CONTENT_TYPE, failure, success
from sgsim.endpoint.credentials import Scope, scope
from sgsim.endpoint.http import HttpRequest, HttpResponse
from sgsim.endpoint.parameters import form, typed
from sgsim.endpoint.service import ec2
from sgsim.endpoint.state import StateFile
from sgsim.errors import OutputError

if TYPE_CHECKING:
    from botocore.model import OperationModel

    from sgsim.endpoint.motoservices import MotoServices

Params = dict[str, Any]
#: Services beside EC2, which moto answers: identities, and what configurations of networks use with them (roles and log
#: groups of flow logs, the parameters that name images, keys). None of them keeps anything in EC2.
OTHER_SERVICES = ("sts", "iam", "ssm", "kms", "logs")

_VERSION = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Endpoint:
    """Answers requests for one cloud, from any number of threads."""

    def __init__(self, cloud: Cloud, file: StateFile | None = None) -> None:
        """With a state file, a call is answered when what it did or saw is kept. Callers whose access key id names no
        account have the cloud's own."""
        self.cloud, self._file = cloud, file
        self._moto: MotoServices | None = None
        self._loading = Lock()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer to a request, whatever is wrong with it. Errors that are not the caller's are raised."""
        request_id = str(uuid4())
        service = "ec2"
        try:
            signed = scope(request.headers)
            service = signed.service
            if service == "ec2":
                return self._ec2(request, signed, request_id)
            if service not in OTHER_SERVICES:
                raise ApiError("UnsupportedOperation", f"sgsim serve does not offer the service {service}")
            return self.moto.other(service, request, self._caller(signed), request_id)
        except ApiError as error:
            return _refusal(service, request.headers, error, request_id)

    def _ec2(self, request: HttpRequest, signed: Scope, request_id: str) -> HttpResponse:
        given = form(request.query, request.body)
        operation = _operation(given)
        params = typed(operation.input_shape, given)
        caller = self._caller(signed)
        if operation.name in _BESIDE:
            result = _BESIDE[operation.name](self, params, caller)
        elif operation.name in self.cloud.OPERATIONS:
            result = self.call(operation.name, params, caller)
        else:
            result = None
        if result is None:
            return self.moto.ec2(operation.name, request, caller, request_id)
        return HttpResponse(200, CONTENT_TYPE, success(operation, result, request_id), request_id)

    def call(self, name: str, params: Params, caller: Caller) -> dict[str, Any]:
        """A call of the cloud; what it did or saw is kept when this returns."""
        result = self.cloud.call(name, params, caller=caller, now_ns=time.time_ns())
        if self._file is not None:
            try:
                self._file.keep(self.cloud.revision, self.cloud.state)
            except OutputError as error:
                with suppress(OSError, ValueError):  # standard error may be closed
                    print(f"sgsim: error: {error}", file=sys.stderr, flush=True)
                raise ApiError("InternalError", "The state cannot be written", 500) from error
        return result

    def _caller(self, signed: Scope) -> Caller:
        account = signed.account
        if account is None and self._moto is not None:
            account = self._moto.account_of(signed.access_key)
        return Caller(account or self.cloud.home.account, signed.region)

    @property
    def moto(self) -> MotoServices:
        """Loaded when it is first needed: that takes a second."""
        with self._loading:
            if self._moto is None:
                from sgsim.endpoint.motoservices import MotoServices

                self._moto = MotoServices(self.call)
            return self._moto

    # --- calls that concern both: None leaves the answer to moto ------------------------------------------------------

    def _attach_internet_gateway(self, params: Params, caller: Caller) -> None:
        self.cloud.check_internet_gateway(params["VpcId"], caller)

    def _delete_vpc(self, params: Params, caller: Caller) -> dict[str, Any]:
        if self._moto is None:
            return self.call("DeleteVpc", params, caller)
        with self._moto.turn:
            self._moto.plumbing(caller).check_vpc_deletion(params["VpcId"])
            return self.call("DeleteVpc", params, caller)

    def _delete_subnet(self, params: Params, caller: Caller) -> dict[str, Any]:
        if self._moto is None:
            return self.call("DeleteSubnet", params, caller)
        with self._moto.turn:
            self._moto.plumbing(caller).check_subnet_deletion(params["SubnetId"])
            return self.call("DeleteSubnet", params, caller)

    def _create_tags(self, params: Params, caller: Caller) -> dict[str, Any]:
        ours, others = tags.split(params["Resources"])
        if others:
            self.moto.check_resources(others, caller)
        if ours or not others:
            self.call("CreateTags", {**params, "Resources": ours}, caller)
        if others:
            self.moto.create_tags(others, params, caller)
        return {}

    def _delete_tags(self, params: Params, caller: Caller) -> dict[str, Any]:
        ours, others = tags.split(params["Resources"])
        if ours or not others:
            self.call("DeleteTags", {**params, "Resources": ours}, caller)
        if others:
            self.moto.delete_tags(others, params, caller)
        return {}

    def _describe_tags(self, params: Params, caller: Caller) -> dict[str, Any]:
        if self._moto is None:
            return self.call("DescribeTags", params, caller)
        whole = {name: value for name, value in params.items() if name not in ("MaxResults", "NextToken")}
        found = self.call("DescribeTags", whole, caller)["Tags"]
        return tags.answer([*found, *tags.matching(self._moto.tags(caller), params)], params)


_BESIDE: Mapping[str, Callable[[Endpoint, Params, Caller], dict[str, Any] | None]] = {
    "AttachInternetGateway": Endpoint._attach_internet_gateway,
    "DeleteVpc": Endpoint._delete_vpc,
    "DeleteSubnet": Endpoint._delete_subnet,
    "CreateTags": Endpoint._create_tags,
    "DeleteTags": Endpoint._delete_tags,
    "DescribeTags": Endpoint._describe_tags,
}


def _operation(given: Mapping[str, str]) -> OperationModel:
    """The operation that a request asks for. Raises ApiError: none, an unknown one, a version that is none."""
    from botocore.model import OperationNotFoundError

    name = given.get("Action")
    if not name:
        raise ApiError("MissingAction", "The request is missing an action or operation parameter.")
    version = given.get("Version")
    if version is not None and not _VERSION.fullmatch(version):
        raise ApiError("NoSuchVersion", "The requested version of service AmazonEC2 does not exist")
    try:
        return ec2().operation_model(name)
    except OperationNotFoundError as error:
        shown = name if name.isascii() and name.isalnum() and len(name) < 100 else "..."
        raise ApiError("InvalidAction", f"The action {shown} is not valid for this web service.") from error


def _refusal(service: str, headers: Mapping[str, str], error: ApiError, request_id: str) -> HttpResponse:
    """An error in the words of the service's protocol: EC2's, JSON, or Query as of the others."""
    if service == "ec2":
        return HttpResponse(error.status, CONTENT_TYPE, failure(error.code, error.message, request_id), request_id)
    kind = headers.get("content-type", "")
    if kind.startswith("application/x-amz-json"):
        body = json.dumps({"__type": error.code, "message": error.message})
        return HttpResponse(error.status, kind, body.encode(), request_id)
    side = "Sender" if error.status < 500 else "Receiver"
    body = (
        f"<ErrorResponse><Error><Type>{side}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return HttpResponse(error.status, CONTENT_TYPE, body.encode(), request_id)
