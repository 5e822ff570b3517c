"""Who calls, for which service and Region: the credential scope of Signature Version 4.

Signatures are not verified: the account is whatever the access key id says, and any secret will do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sgsim.control import ApiError

_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256\s+(?:.*,\s*)?Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request\s*(?:,|$)"
)
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]{1,2}")
_ACCOUNT = re.compile(r"[0-9]{12}")


class Scope(NamedTuple):
    """What a request was signed with and for."""

    access_key: str
    region: str
    service: str

    @property
    def account(self) -> str | None:
        """The access key id where it is an account's twelve digits, as other stand-ins for AWS read it."""
        return self.access_key if _ACCOUNT.fullmatch(self.access_key) else None


def scope(headers: Mapping[str, str]) -> Scope:
    """The credential scope of a request, from its Authorization header; ``headers`` by lower-case names.

    Only that header counts: a web page open in a browser can send a form to a port of its own machine, but not
    this header.

    Raises ApiError for an unsigned request (what EC2 answers to it: MissingParameter), and for a header that is not
    Signature Version 4's or names a Region that cannot be one (AuthFailure).
    """
    given = headers.get("authorization")
    if given is None:
        raise ApiError("MissingParameter", "The request must contain the parameter AWSAccessKeyId")
    found = _CREDENTIAL.match(given)
    if found is None:
        raise ApiError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    region = found["region"]
    if not _REGION.fullmatch(region):
        raise ApiError("AuthFailure", f"Credential should be scoped to a valid Region, not '{region}'.", 401)
    return Scope(found["key"], region, found["service"].lower())
