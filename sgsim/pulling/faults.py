"""What is wrong with a call to an EC2 endpoint: whether the rest can still be taken, and what to do about it."""

from __future__ import annotations

from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError

from sgsim.errors import PullError
from sgsim.pulling.calls import Call

#: What a call raises. NotImplementedError is how stand-ins in this process, moto's, say that they do not know it.
CALL_ERRORS = (BotoCoreError, ClientError, ResponseParserError, NotImplementedError)

_DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
_UNKNOWN = frozenset({"InvalidAction", "UnknownOperation", "UnknownOperationException", "UnsupportedOperation"})
_NOT_IMPLEMENTED = 501  # LocalStack's status for what it does not know
_THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "EC2ThrottledException",
        "TooManyRequestsException",
        "SlowDown",
    }
)
#: EC2 API reference, common client error codes, and STS's where it makes the credentials.
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "Blocked",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "OptInRequired",
        "PendingVerification",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_WITHOUT = "the rest was taken"
_PATIENCE = "try again later, or set AWS_MAX_ATTEMPTS higher"
_CREDENTIALS_REMEDY = "renew or correct the credentials; a Region may have to be enabled for the account first"


class Unanswered(NamedTuple):
    """Why one call has no answer, while others may have one, and what to do."""

    reason: str
    remedy: str


def unanswered(error: Exception, call: Call, answered: bool) -> Unanswered | None:
    """What keeps this call, and only this one, from being answered; None where nothing more can be expected.

    What an assumed role's STS call is denied is no matter of this call's. ``answered`` says whether the endpoint has
    answered any call: then a reply that is no XML is one that does not know this call (moto's server sends HTML).
    """
    if isinstance(error, NotImplementedError):
        return Unanswered("unknown to this endpoint", _WITHOUT)
    if isinstance(error, ResponseParserError):
        return Unanswered("unknown to this endpoint, which sent no EC2 reply", _WITHOUT) if answered else None
    if not isinstance(error, ClientError) or error.operation_name != call.operation_name:
        return None
    code = _code(error)
    if code in _DENIED:
        return Unanswered(f"not allowed ({code})", f"allow {call.action}")
    if code in _UNKNOWN or _status(error) == _NOT_IMPLEMENTED:
        return Unanswered(f"unknown to this endpoint ({code})", _WITHOUT)
    return None


def unreadable(error: Exception, call: Call) -> Unanswered | None:
    """Why a call about one record was refused for that record's sake: it is gone by now, or not to be read."""
    if not isinstance(error, ClientError) or error.operation_name != call.operation_name:
        return None
    code = _code(error)
    if code in _THROTTLED | _CREDENTIALS or _status(error) >= 500:
        return None
    return Unanswered(f"refused ({code})", _WITHOUT)


def failure(where: str, error: Exception) -> PullError:
    """The error that ends a pull; ``where`` names credentials, Region and call."""
    if isinstance(error, ClientError):
        return _client_failure(where, error)
    if isinstance(error, ResponseParserError):
        return PullError(where, "the endpoint's reply is no EC2 reply", "is its URL right?")
    problem = " ".join(str(error).split())
    if isinstance(error, ConnectionError | HTTPClientError):
        return PullError(where, problem, "check the Region's name, the endpoint's URL and the network")
    return PullError(where, problem)


def _client_failure(where: str, error: ClientError) -> PullError:
    code = _code(error)
    said = error.response.get("Error", {}).get("Message", "")
    problem = f"{error.operation_name} was refused: {code}" + (f": {said}" if said else "")
    if code in _THROTTLED:
        retries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        return PullError(where, f"throttled ({code}) in spite of {retries + 1} tries", _PATIENCE)
    if code in _CREDENTIALS or error.operation_name.startswith(("AssumeRole", "GetSessionToken")):
        return PullError(where, problem, _CREDENTIALS_REMEDY)
    if _status(error) >= 500:
        return PullError(where, problem, "try again later")
    return PullError(where, problem)


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code.removeprefix("Client.")


def _status(error: ClientError) -> int:
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status
