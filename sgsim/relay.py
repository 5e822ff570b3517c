"""Batches through three hands: one reads, one judges, one takes the verdicts.

Each hand has one batch at a time, in the order of the stream; with several threads, whichever is free does what is to
be done next. So nothing but the speed depends on their number: three at most have something to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Event, Thread
from typing import Generic, TypeVar

AHEAD = 4  # batches that are on their way at most; what they are made in must hold so long
LEFT = 1.0  # seconds that hands get to put down what they have when something ends it all; who waits for input is left

Read = TypeVar("Read")
Judged = TypeVar("Judged")


def relay(
    batches: Iterator[Read],
    judge: Callable[[Read], Judged],
    take: Callable[[Read, Judged], None],
    jobs: int,
) -> None:
    """Judge and take each batch, in order. Raises what reading, judging or taking one raises; batches that were read
    before an error in reading are taken first."""
    if jobs == 1:
        for batch in batches:
            take(batch, judge(batch))
    else:
        _Relay(batches, judge, take).run(min(jobs, 3))


class _Relay(Generic[Read, Judged]):
    def __init__(
        self, batches: Iterator[Read], judge: Callable[[Read], Judged], take: Callable[[Read, Judged], None]
    ) -> None:
        self._batches, self._judge, self._take = batches, judge, take
        self._change = Condition()
        self._read: deque[Read] = deque()
        self._judged: deque[tuple[Read, Judged]] = deque()
        self._busy: set[Callable[[], None]] = set()  # hands that have a batch
        self._under_way = 0  # batches asked for and not yet taken
        self._ended = False  # nothing more is read
        self._failure: BaseException | None = None  # of reading, kept until all before it is taken
        self._fatal: BaseException | None = None  # of judging or taking: nothing goes on
        self._over = Event()  # all is taken, or nothing goes on

    def run(self, threads: int) -> None:
        """Do the work with so many threads beside this one, which only waits: whatever the others are at, Ctrl-C and
        errors reach it at once, also while nothing comes from a pipe."""
        workers = [Thread(target=self._work, name=f"sgsim-{n}", daemon=True) for n in range(1, threads + 1)]
        for worker in workers:
            worker.start()
        try:
            self._over.wait()
        except BaseException as error:
            self._stop(error)
            raise
        finally:
            with self._change:
                self._change.wait_for(lambda: not self._busy, LEFT)
        if self._fatal is not None:
            raise self._fatal
        for worker in workers:
            worker.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while (hand := self._next_hand()) is not None:
            try:
                hand()
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asked for the work
                self._stop(error)
            with self._change:
                self._busy.discard(hand)
                self._change.notify_all()

    def _next_hand(self) -> Callable[[], None] | None:
        """What to do next: what is nearest to the end first. Waits where there is nothing; None: all is done."""
        with self._change:
            while True:
                if self._fatal is not None or (self._ended and not self._under_way):
                    self._over.set()
                    return None
                for hand, ready in (
                    (self._take_one, bool(self._judged)),
                    (self._judge_one, bool(self._read)),
                    (self._read_one, not self._ended and self._under_way < AHEAD),
                ):
                    if ready and hand not in self._busy:
                        self._busy.add(hand)
                        return hand
                self._change.wait()

    def _read_one(self) -> None:
        with self._change:
            self._under_way += 1
        try:
            batch = next(self._batches)
        except BaseException as error:  # noqa: BLE001 - raised again when all before it is taken
            with self._change:
                self._under_way -= 1
                self._ended = True
                self._failure = None if isinstance(error, StopIteration) else error
            return
        with self._change:
            self._read.append(batch)

    def _judge_one(self) -> None:
        with self._change:
            batch = self._read.popleft()
        judged = self._judge(batch)
        with self._change:
            self._judged.append((batch, judged))

    def _take_one(self) -> None:
        with self._change:
            batch, judged = self._judged.popleft()
        self._take(batch, judged)
        with self._change:
            self._under_way -= 1

    def _stop(self, error: BaseException) -> None:
        with self._change:
            self._fatal = self._fatal or error
            self._over.set()
            self._change.notify_all()
