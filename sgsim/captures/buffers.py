"""The arrays that batches are made in, used again from batch to batch."""

from __future__ import annotations

from typing import get_args, get_type_hints

import numpy as np
from numpy.typing import DTypeLike

from sgsim.layout import QUOTE, PacketColumns


def _dtypes() -> dict[str, DTypeLike]:
    """The dtype of each field of PacketColumns, from its annotation."""
    hints = get_type_hints(PacketColumns)
    dtypes: dict[str, DTypeLike] = {}
    for name in PacketColumns._fields:
        dtypes[name] = QUOTE if name == "quotes" else get_args(get_args(hints[name])[1])[0]
    return dtypes


DTYPES = _dtypes()


def allocate(packets: int) -> PacketColumns:
    """Columns for so many packets, all zero."""
    return PacketColumns(**{name: np.zeros(packets, dtype) for name, dtype in DTYPES.items()})


def trimmed(columns: PacketColumns, packets: int, quotes: int) -> PacketColumns:
    """Views of the first packets, and of the first quotes."""
    fields = [column[:packets] for column in columns[:-1]]
    return PacketColumns._make([*fields, columns.quotes[:quotes]])
