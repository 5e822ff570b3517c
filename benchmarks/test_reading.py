"""Reading a capture: walking its records and decoding its frames, nothing judged."""

from __future__ import annotations

import os

from sgsim.captures import merged, open_capture


def test_reading_vpc_v2(timed, streams):
    workload, _, path = streams.get("vpc-v2")

    def read():
        with open_capture(os.fspath(path)) as capture:
            return sum(len(batch.columns.skip) for batch in merged([capture]))

    assert read() == workload.packets
    timed(read, workload, workload.packets)
