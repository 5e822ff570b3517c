"""Packets by their times and number: which of a stream are judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.captures import MergedBatch
from sgsim.captures.buffers import allocate
from sgsim.errors import InputError, SelectionError
from sgsim.excerpt import Excerpt

SECOND = 10**9


def batches(*times: Sequence[int], lengths: bool = False) -> Iterator[MergedBatch]:
    """Packets of these times, in nanoseconds, numbered from 1 over all batches."""
    first = 1
    for part in times:
        columns = allocate(len(part))
        columns.time_ns[:] = part
        number = np.arange(first, first + len(part), dtype=np.int64)
        capture = np.zeros(len(part), dtype=np.int32)
        own = number.astype(np.uint32) if lengths else None
        yield MergedBatch(columns, (), capture, number, (), own)
        first += len(part)


def numbers(excerpt: Excerpt, *times: Sequence[int]) -> list[list[int]]:
    """Of what is kept, batch by batch."""
    return [batch.number.tolist() for batch in excerpt.of(batches(*times))]


def test_everything_without_a_condition():
    """The batches themselves."""
    given_batches = list(batches([5, 3], [], [7]))
    assert list(Excerpt().of(iter(given_batches))) == given_batches


def test_from_since_on_and_before_until():
    """The first moment is in it, the last one is not: what begins where another ended takes up all there is."""
    times = [0, 1 * SECOND, 2 * SECOND, 3 * SECOND]
    assert numbers(Excerpt(since=1, until=3), times) == [[2, 3]]
    assert numbers(Excerpt(until=1), times) == [[1]]
    assert numbers(Excerpt(since=3), times) == [[4]]


def test_packets_out_of_order_are_chosen_by_their_own_times():
    """Not by those of their neighbours."""
    found = Excerpt(since=2)
    kept = list(found.of(batches([3 * SECOND, SECOND, 2 * SECOND, 0, 4 * SECOND], lengths=True)))
    assert [batch.number.tolist() for batch in kept] == [[1, 3, 5]]
    assert kept[0].columns.time_ns.tolist() == [3 * SECOND, 2 * SECOND, 4 * SECOND]
    assert kept[0].lengths is not None
    assert kept[0].lengths.tolist() == [1, 3, 5]
    assert found.left_out == (0, SECOND)


def test_offsets_count_from_the_first_packet_that_is_read():
    """Whether it is kept or not; relative and other times may stand beside each other."""
    times = ([100 * SECOND, 101 * SECOND], [102 * SECOND, 103 * SECOND])
    found = Excerpt(since="+1s", until="103")
    assert numbers(found, *times) == [[2], [3]]
    assert found.first_ns == 100 * SECOND


def test_the_first_so_many():
    """Of those that the times leave; nothing is read behind them."""
    found = Excerpt(since=1, count=2)

    def endless() -> Iterator[MergedBatch]:
        yield from batches([0, SECOND], [0, SECOND, SECOND])
        pytest.fail("read on")

    assert [batch.number.tolist() for batch in found.of(endless())] == [[2], [4]]
    assert found.kept == 2


def test_a_count_that_ends_with_a_batch():
    """The next one is not asked for."""
    reading = batches([1, 2], [3])
    assert [batch.number.tolist() for batch in Excerpt(count=2).of(reading)] == [[1, 2]]
    assert next(reading).number.tolist() == [3]


@settings(max_examples=200)
@given(
    st.lists(st.lists(st.integers(-5, 5), max_size=6), max_size=4),
    st.none() | st.integers(-5, 5),
    st.none() | st.integers(-5, 5),
    st.none() | st.integers(1, 8),
)
def test_it_is_what_a_list_says(parts: list[list[int]], since: int | None, until: int | None, count: int | None):
    """Any times in any batches, against plain Python."""
    if since is not None and until is not None and since >= until:
        since, until = until, since + 1
    numbered = list(enumerate((time for part in parts for time in part), start=1))
    kept = [n for n, t in numbered if (since is None or t >= since) and (until is None or t < until)][:count]
    # Negative times are before 1970; as text they would be no times.
    offset = 10
    texts = [None if each is None else f"{each + offset}s" for each in (since, until)]
    found = Excerpt(*texts, count)
    shifted = [[(time + offset) * SECOND for time in part] for part in parts]
    assert [number for batch in numbers(found, *shifted) for number in batch] == kept
    assert found.kept == len(kept)


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        ({"since": "yesterday"}, InputError, "--since: 'yesterday' is no time (write "),
        ({"until": ""}, InputError, "--until: '' is no time"),
        ({"until": "2026-02-30T00:00:00Z"}, InputError, "--until: '2026-02-30T00:00:00Z': there is no such day"),
        (
            {"since": 10, "until": "9.5"},
            SelectionError,
            "--until 9.5 is not after --since 10: no packet can be between",
        ),
        ({"since": "+2s", "until": "+2s"}, SelectionError, "--until +2s is not after --since +2s"),
    ],
)
def test_what_is_no_time(options: dict[str, Any], error: type[Exception], line: str):
    """One line that names the option."""
    with pytest.raises(error) as refused:
        Excerpt(**options)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
