"""Batches through three hands: their order, their number, and how errors and interrupts end it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from sgsim.relay import AHEAD, relay

JOBS = (1, 2, 3, 5)
LONG = 30.0  # seconds until a test that hangs is given up


class Counted:
    """Says how many are within it at a time."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


class BoomError(Exception):
    """What the tests raise."""


@pytest.mark.parametrize("jobs", JOBS)
def test_every_batch_is_judged_and_taken_once_and_in_order(jobs):
    """However long each hand takes."""
    judged, taken = [], []

    def judge(batch: int) -> int:
        time.sleep(0.002 * (batch % 3 == 0))
        judged.append(batch)
        return -batch

    def take(batch: int, verdict: int) -> None:
        time.sleep(0.002 * (batch % 4 == 0))
        taken.append((batch, verdict))

    relay(iter(range(60)), judge, take, jobs)
    assert judged == [*range(60)]
    assert taken == [(n, -n) for n in range(60)]


@pytest.mark.parametrize("jobs", JOBS)
def test_a_hand_has_one_batch_at_a_time(jobs):
    """No two threads read, judge or take at once; and no more than AHEAD batches are on their way."""
    hands = reading, judging, taking = Counted(), Counted(), Counted()
    under_way, most = 0, 0
    lock = threading.Lock()

    def batches() -> Iterator[int]:
        nonlocal under_way, most
        for n in range(50):
            with lock:
                under_way += 1
                most = max(most, under_way)
            with reading:
                time.sleep(0.0005)
            yield n

    def judge(batch: int) -> int:
        with judging:
            time.sleep(0.001)
        return batch

    def take(batch: int, verdict: int) -> None:
        nonlocal under_way
        with taking:
            time.sleep(0.002)
        with lock:
            under_way -= 1

    relay(batches(), judge, take, jobs)
    assert [hand.most for hand in hands] == [1, 1, 1]
    assert under_way == 0
    assert most == 1 if jobs == 1 else 1 < most <= AHEAD


@pytest.mark.parametrize("jobs", JOBS)
def test_an_error_in_reading_comes_after_all_before_it(jobs):
    """What was read is judged and taken first."""
    taken = []

    def batches() -> Iterator[int]:
        yield from range(10)
        raise BoomError

    def take(batch: int, verdict: int) -> None:
        time.sleep(0.002)
        taken.append(batch)

    with pytest.raises(BoomError):
        relay(batches(), lambda batch: batch, take, jobs)
    assert taken == [*range(10)]


@pytest.mark.parametrize("jobs", JOBS)
@pytest.mark.parametrize("kind", [BoomError, SystemExit])
@pytest.mark.parametrize("hand", ["judge", "take"])
def test_an_error_in_judging_or_taking_ends_it(jobs, kind, hand):
    """Nothing behind the batch is taken."""
    taken = []

    def judge(batch: int) -> int:
        if hand == "judge" and batch == 7:
            raise kind
        return batch

    def take(batch: int, verdict: int) -> None:
        if hand == "take" and batch == 7:
            raise kind
        taken.append(batch)

    with pytest.raises(kind):
        relay(iter(range(1000)), judge, take, jobs)
    assert taken == [*range(len(taken))]
    assert len(taken) <= 7


@pytest.mark.parametrize("jobs", [2, 3])
def test_an_error_in_taking_does_not_wait_for_input(jobs):
    """`tcpdump | sgsim | head`: the reader has left, and nobody knows when the next packet comes."""
    silence = threading.Event()

    def batches() -> Iterator[int]:
        yield 0
        silence.wait(LONG)

    def take(batch: int, verdict: int) -> None:
        time.sleep(0.05)  # somebody waits for input by now
        raise BoomError

    try:
        with pytest.raises(BoomError):
            relay(batches(), lambda batch: batch, take, jobs)
        assert not silence.is_set()
        assert [each.name for each in threading.enumerate() if each.name.startswith("sgsim")]  # it waits still
    finally:
        silence.set()


@pytest.mark.parametrize("jobs", [2, 3])
def test_the_last_error_is_not_hidden_by_one_of_reading(jobs):
    """Reading fails while a batch before is taken, which fails too: the error of the earlier batch counts."""
    failed = threading.Event()

    def batches() -> Iterator[int]:
        yield 0
        failed.set()
        raise ValueError

    def take(batch: int, verdict: int) -> None:
        failed.wait(LONG)
        raise BoomError

    with pytest.raises(BoomError):
        relay(batches(), lambda batch: batch, take, jobs)


@pytest.mark.parametrize("jobs", JOBS)
def test_nothing_to_read_is_the_end(jobs):
    """An empty stream: nothing is judged or taken."""
    relay(iter(()), lambda batch: pytest.fail("judged"), lambda batch, verdict: pytest.fail("taken"), jobs)


@pytest.mark.parametrize("jobs", JOBS)
def test_a_batch_is_taken_while_the_next_is_waited_for(jobs):
    """Live captures: what is there goes all the way, though the stream is silent."""
    taken = [threading.Event() for _ in range(5)]

    def batches() -> Iterator[int]:
        for n in range(5):
            if n:
                assert taken[n - 1].wait(LONG)
            yield n

    relay(batches(), lambda batch: batch, lambda batch, verdict: taken[batch].set(), jobs)
    assert all(each.is_set() for each in taken)


def test_threads_do_not_outlive_it():
    """When all is taken nobody works on."""
    relay(iter(range(20)), lambda batch: batch, lambda batch, verdict: None, 5)
    assert not [each.name for each in threading.enumerate() if each.name.startswith("sgsim")]
