"""The cloud: a store of resources behind the calls of the EC2 API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, ClassVar

import msgspec

from sgsim.control.call import HANDLERS, Answer, Call, Caller
from sgsim.control.errors import ApiError, invalid
from sgsim.control.ids import Ids
from sgsim.control.operations.vpcs import make_default_vpc
from sgsim.control.quotas import Quotas
from sgsim.control.store import Draft, Store
from sgsim.model import Topology

_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?")
_ILL_TYPED = re.compile(r"(?P<problem>.*?)(?: - at `\$\.?(?P<place>.*)`)?\Z", re.DOTALL)


class Cloud:
    """Security groups and what they need - VPCs, subnets, peerings, interfaces, instances, prefix lists - of any number
    of accounts and Regions, changed and described by the operations of the EC2 API.

    ``store`` is what it holds at first, see ``sgsim.control.load``; ``seed`` makes its ids; ``quotas`` are everybody's.
    Calls may come from several threads: each is atomic.
    """

    #: The operations that it answers.
    OPERATIONS: ClassVar[frozenset[str]] = frozenset(HANDLERS)

    def __init__(self, store: Store, *, seed: str = "", quotas: Quotas | None = None) -> None:
        self.store = store
        self.quotas = quotas or Quotas()
        self._ids = Ids(seed)
        self._lock = Lock()
        self._settling = False
        self._settled: set[Caller] = set()

    @classmethod
    def empty(cls, account: str, region: str, *, seed: str = "", quotas: Quotas | None = None) -> Cloud:
        """A new cloud. Every account has a default VPC in every Region, as new accounts of AWS do."""
        cloud = cls(Store(), seed=seed, quotas=quotas)
        cloud._settling = True
        cloud._settle(Caller(account, region))
        return cloud

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
        try:
            request = msgspec.convert(dict(params), request_type)
        except msgspec.ValidationError as error:
            raise _refusal(str(error)) from None
        with self._lock:
            if self._settling:
                self._settle(caller)
            self._ids.give(given_ids)
            draft = Draft(self.store)
            reply = handler(Call(draft, caller, self._ids, self.quotas, now_ns), request)
            if request.dry_run:
                raise ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
            draft.commit()
            return reply

    def snapshot(self) -> Topology:
        """What there is now, as the engine compiles it. Stays as it is; records that do not change are shared."""
        with self._lock:
            return self.store.topology()

    def _settle(self, caller: Caller) -> None:
        if caller not in self._settled:
            self._settled.add(caller)
            draft = Draft(self.store)
            make_default_vpc(Call(draft, caller, self._ids, self.quotas, 0))
            draft.commit()


def _refusal(problem: str) -> ApiError:
    unknown = _UNKNOWN.match(problem)
    if unknown:
        name = f"{unknown[2]}.{unknown[1]}" if unknown[2] else unknown[1]
        return ApiError("UnknownParameter", f"The parameter {name} is not recognized")
    parts = _ILL_TYPED.match(problem)
    place = parts["place"] if parts else None
    what = parts["problem"] if parts else problem
    return invalid(f"Invalid value for parameter {place}: {what}" if place else what)
