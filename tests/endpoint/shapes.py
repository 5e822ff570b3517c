"""Values of the service model's shapes, drawn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

#: Characters that XML has.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r&<>\"' ="),
    max_size=12,
)
_TIMES = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "timestamp": _TIMES.map(lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)),
    "blob": st.binary(max_size=8),
}


@st.composite
def values(draw: st.DrawFn, shape: Any, depth: int = 5) -> Any:
    """A value of a shape in boto3's form; without empty lists and structures, which a request cannot say."""
    if shape.type_name == "list":
        return [draw(values(shape.member, depth - 1)) for _ in range(draw(st.integers(1, 2)))]
    if shape.type_name != "structure":
        return draw(_SCALARS[shape.type_name])
    optional = [name for name, member in shape.members.items() if _fits(member, depth)]
    least = 0 if shape.required_members else 1
    chosen = draw(st.sets(st.sampled_from(optional), min_size=least, max_size=4)) if optional else set()
    chosen.update(shape.required_members)
    return {name: draw(values(member, depth - 1)) for name, member in shape.members.items() if name in chosen}


def _fits(shape: Any, depth: int) -> bool:
    while shape.type_name == "list":
        shape = shape.member
        depth -= 1
    return shape.type_name != "structure" or (depth > 0 and bool(shape.members))
