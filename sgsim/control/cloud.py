"""The cloud: a store of resources behind the calls of the EC2 API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import msgspec

from sgsim.control.call import HANDLERS, Answer, Call, Caller
from sgsim.control.errors import ApiError, invalid
from sgsim.control.ids import Ids
from sgsim.control.load import load_store, store_of
from sgsim.control.operations.vpcs import make_default_vpc
from sgsim.control.prefixlists import make_aws_lists
from sgsim.control.quotas import Quotas
from sgsim.control.state import StateText
from sgsim.control.store import Draft, Store
from sgsim.control.weights import weights
from sgsim.model import Direction, Topology
from sgsim.sources.places import Snapshot

_DEFAULT_OF_2009 = "2009-07-15-default"

_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?")
_ILL_TYPED = re.compile(r"(?P<problem>.*?)(?: - at `\$\.?(?P<place>.*)`)?\Z", re.DOTALL)


class Cloud:
    """Security groups and what they need - VPCs, subnets, peerings, interfaces, instances, prefix lists - of any number
    of accounts and Regions, changed and described by the operations of the EC2 API.

    ``store`` is what it holds at first, see ``sgsim.control.load``; ``home`` the account and Region of those that
    tell none; ``seed`` makes its ids; ``quotas`` are everybody's.
    Calls may come from several threads: each is atomic.
    """

    #: The operations that it answers.
    OPERATIONS: ClassVar[frozenset[str]] = frozenset(HANDLERS)

    def __init__(self, store: Store, home: Caller, *, seed: str = "", quotas: Quotas | None = None) -> None:
        self.store = store
        self.home = home
        self.revision = 0  # grows with every change
        self.quotas = quotas or Quotas()
        self._ids = Ids(seed, store.ids_made, lambda name: name in store.papers or name in store.rule_groups)
        self._lock = Lock()
        self._text = StateText()

    @classmethod
    def empty(cls, account: str, region: str, *, seed: str = "", quotas: Quotas | None = None) -> Cloud:
        """A new cloud. Every account has a default VPC in every Region, as new accounts of AWS do, and every Region has
        AWS's own prefix lists, without entries."""
        home = Caller(account, region)
        cloud = cls(Store(), home, seed=seed, quotas=quotas)
        cloud.store.settled = set()
        cloud._settle(home)
        return cloud

    @classmethod
    def load(cls, path: str | Path, account: str, region: str, *, seed: str = "", strict: bool = False) -> Cloud:
        """The cloud of a snapshot. Quotas are raised to what it shows to have been granted.

        ``account`` and ``region`` are those of what the snapshot does not tell. Raises InputError.
        """
        return cls._of(load_store(path, Caller(account, region), strict=strict), Caller(account, region), seed)

    @classmethod
    def of(cls, snapshot: Topology | Snapshot, account: str, region: str, *, seed: str = "") -> Cloud:
        """The cloud of what was read before. Of a topology there are no descriptions and no tags.

        Raises InputError: a group without a VPC.
        """
        if isinstance(snapshot, Topology):
            snapshot = Snapshot(snapshot)
        return cls._of(store_of(snapshot, Caller(account, region)), Caller(account, region), seed)

    @classmethod
    def _of(cls, store: Store, home: Caller, seed: str) -> Cloud:
        call = Call(Draft(store), home, Ids(seed), Quotas(), 0)
        heaviest = (max(weights(call, group.rules(d)), default=0) for group in store.groups.values() for d in Direction)
        quotas = Quotas().covering(
            rules_per_security_group=max(heaviest, default=0),
            security_groups_per_interface=max((len(i.group_ids) for i in store.interfaces.values()), default=0),
            security_groups_per_region=len(store.groups),
            prefix_lists_per_region=len(store.prefix_lists),
            vpcs_per_region=len(store.vpcs),
            interfaces_per_region=len(store.interfaces),
        )
        return cls(store, home, seed=seed, quotas=quotas)

    def call(
        self,
        operation: str,
        params: Mapping[str, Any],
        *,
        caller: Caller,
        now_ns: int = 0,
        given_ids: Iterable[str] = (),
    ) -> Answer:
        """Do one call, whole or not at all.

        ``params`` and the answer have boto3's shapes (times are ``datetime``, in UTC); ``now_ns`` is the time of the
        call in nanoseconds since the epoch; what it makes gets ``given_ids``, each kind in that order, while they last.

        Raises ApiError: what EC2 would answer.
        """
        if operation not in HANDLERS:
            raise ApiError("InvalidAction", f"The action {operation} is not valid for this web service.")
        request_type, handler = HANDLERS[operation]
        request = _request(params, request_type)
        with self._lock:
            self._settle(caller)
            self._ids.give(given_ids)
            draft, made = Draft(self.store), self._ids.made
            try:
                reply = handler(Call(draft, caller, self._ids, self.quotas, now_ns), request)
                if request.dry_run:
                    raise ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
            except ApiError:
                self._ids.made = made
                raise
            self._commit(draft)
            return reply

    def check_internet_gateway(self, vpc_id: str, caller: Caller) -> None:
        """Whether an internet gateway may be attached to the VPC: not while it has the group that VPCs of 2009 began
        with (VPC user guide, "Default security groups", of 2020). The code and the message are not documented.

        Raises ApiError: it may not; the caller has no such VPC.
        """
        with self._lock:
            self._settle(caller)
            call = Call(Draft(self.store), caller, self._ids, self.quotas, 0)
            vpc = call.vpc(vpc_id)
            for group in self.store.groups.values():
                if group.vpc_id == vpc.vpc_id and group.name == _DEFAULT_OF_2009:
                    raise ApiError(
                        "DependencyViolation",
                        f"The vpc '{vpc_id}' has the security group '{group.group_id}' ({group.name}): "
                        "delete it before you attach an internet gateway.",
                    )

    def snapshot(self) -> Topology:
        """What there is now, as the engine compiles it. Stays as it is; records that do not change are shared."""
        with self._lock:
            return self.store.topology()

    def state(self) -> tuple[int, bytes]:
        """The revision, and all that there is as the text of a snapshot: ``load`` makes the same cloud of it."""
        with self._lock:
            call = Call(Draft(self.store), self.home, self._ids, self.quotas, 0)
            self.store.ids_made = self._ids.made
            return self.revision, self._text.text(self.store, call)

    def _settle(self, caller: Caller) -> None:
        settled = self.store.settled
        if settled is not None and caller not in settled:
            settled.add(caller)
            draft = Draft(self.store)
            call = Call(draft, caller, self._ids, self.quotas, 0)
            make_default_vpc(call)
            make_aws_lists(call)
            self._commit(draft)

    def _commit(self, draft: Draft) -> None:
        names = draft.changed()
        if names:
            draft.commit()
            self.revision += 1
            self._text.forget(names, self.store.rule_groups)


def _request(params: Mapping[str, Any], request_type: type) -> Any:
    """The request, if it is one that the text of a state can hold: texts are Unicode, numbers have at most 64 bits.

    Raises ApiError.
    """
    try:
        request: Any = msgspec.convert(dict(params), request_type)
        msgspec.json.encode(request)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except UnicodeEncodeError:
        raise invalid("A text of the request has a character that is none: half of a surrogate pair") from None
    except (OverflowError, ValueError):
        raise invalid("A number of the request is out of range") from None
    except RecursionError:
        raise invalid("A member of the request is nested too deeply") from None
    except TypeError as error:
        raise invalid(f"A member of the request has no type of the API: {error}") from None
    return request


def _refusal(problem: str) -> ApiError:
    unknown = _UNKNOWN.match(problem)
    if unknown:
        name = f"{unknown[2]}.{unknown[1]}" if unknown[2] else unknown[1]
        return ApiError("UnknownParameter", f"The parameter {name} is not recognized")
    parts = _ILL_TYPED.match(problem)
    place = parts["place"] if parts else None
    what = parts["problem"] if parts else problem
    return invalid(f"Invalid value for parameter {place}: {what}" if place else what)
