"""Who has an address as its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sgsim.layout import IPV4_HI, OWNER, OWNER_SHIFT, OWNER_UNFILTERED
from sgsim.model import Interface


def owner_rows(interfaces: Sequence[Interface]) -> NDArray[np.void]:
    """The exact addresses of the interfaces, records of OWNER, not hashed yet."""
    rows = [
        (
            IPV4_HI if address.version == 4 else int(address) >> 64,
            int(address) & (1 << 64) - 1,
            (place + 1) << OWNER_SHIFT | (0 if interface.group_ids else OWNER_UNFILTERED),
        )
        for place, interface in enumerate(interfaces)
        for address in interface.addresses
    ]
    return np.array(rows, dtype=OWNER)
