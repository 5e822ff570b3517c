"""Profiles and Regions -> readers, each with a boto3 client and the account that it speaks for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.loaders import create_loader
from botocore.parsers import ResponseParserError

from sgsim.errors import PullError
from sgsim.pulling.faults import failure
from sgsim.pulling.reader import Reader, View, credentials_of
from sgsim.selection import nearest_names

CONNECT_TIMEOUT = 10  # seconds; boto3's own 60, tried five times, are no answer for a shell
STS_TIMEOUT = 5  # seconds, tried once: only whose view it is hangs on the answer
_CREDENTIALS_REMEDY = "configure them as for the AWS CLI: aws configure, AWS_PROFILE, or --profile"


def connect(profiles: Sequence[str], regions: Sequence[str], endpoint_url: str | None, pool: Executor) -> list[Reader]:
    """A reader for every profile in every Region, in their order. Without profiles: the default credentials; without
    Regions: ``AWS_REGION``, or what boto3 finds for the profile (``AWS_DEFAULT_REGION``, its configuration).

    Raises PullError: no such profile, no credentials, no Region, an impossible Region or URL.
    """
    chosen = list(dict.fromkeys(regions)) or list(filter(None, [os.environ.get("AWS_REGION")]))
    loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    sessions = [(name, _session(name, loader)) for name in dict.fromkeys(profiles or [""])]
    places = [(name, session, chosen or [_region(name, session)]) for name, session in sessions]
    accounts = pool.map(lambda place: _account(place[1], place[2][0], endpoint_url), places)
    return [
        Reader(_client(session, view, endpoint_url), view)
        for (name, session, here), account in zip(places, accounts, strict=True)
        for view in [View(name or _profile_in_use(session), region, account) for region in here]
    ]


def _session(profile: str, loader: Any) -> Any:
    """Sessions share what they load of EC2's service model: 0.15 s for the first one, 0.02 s for each more."""
    whose = credentials_of(profile)
    try:
        core = botocore.session.Session(profile=profile or None)
        core.register_component("data_loader", loader)
        session = boto3.Session(botocore_session=core)
        credentials = session.get_credentials()
    except ProfileNotFound as error:
        known = botocore.session.Session().available_profiles
        raise PullError(whose, f"no such profile in the AWS configuration{nearest_names(profile, known)}") from error
    except PartialCredentialsError as error:
        raise PullError(whose, str(error), _CREDENTIALS_REMEDY) from error
    except (BotoCoreError, ClientError) as error:
        raise failure(whose, error) from error
    if credentials is None:
        raise PullError(whose, "no credentials", _CREDENTIALS_REMEDY)
    return session


def _profile_in_use(session: Any) -> str | None:
    """``AWS_PROFILE``'s; a session without any has the name "default", which says nothing."""
    name: str = session.profile_name
    return None if name == "default" else name


def _region(profile: str, session: Any) -> str:
    region: str | None = session.region_name
    if region is None:
        raise PullError(
            credentials_of(profile), "no Region", "give --region, or set AWS_REGION or the profile's region"
        )
    return region


def _client(session: Any, view: View, endpoint_url: str | None) -> Any:
    try:
        return session.client(
            "ec2",
            region_name=view.region,
            endpoint_url=endpoint_url,
            config=Config(connect_timeout=CONNECT_TIMEOUT),
        )
    except InvalidRegionError as error:
        raise PullError(str(view), "that is no Region's name", "write it like eu-west-1") from error
    except ValueError as error:  # an endpoint's URL from the environment or the configuration
        raise PullError(str(view), str(error), "write it like http://127.0.0.1:5000") from error
    except BotoCoreError as error:
        raise failure(str(view), error) from error


def _account(session: Any, region: str, endpoint_url: str | None) -> str | None:
    """The account that the credentials are of. An EC2 endpoint alone does not know: None, as where STS fails."""
    config = Config(connect_timeout=STS_TIMEOUT, read_timeout=STS_TIMEOUT, retries={"total_max_attempts": 1})
    try:
        sts = session.client("sts", region_name=region, endpoint_url=endpoint_url, config=config)
        account: str | None = sts.get_caller_identity().get("Account")
    except (BotoCoreError, ClientError, ResponseParserError, NotImplementedError, ValueError):
        return None
    return account
