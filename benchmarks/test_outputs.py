"""Writing observations: the whole replay, with one file of them."""

from __future__ import annotations

import pytest

from sgsim.replay import RECORD_ENDINGS, Outputs, replay


@pytest.mark.parametrize("ending", [".ndjson", ".csv", ".parquet"])
def test_outputs_vpc_v2(timed, streams, tmp_path, ending):
    if ending not in RECORD_ENDINGS:
        pytest.skip(f"this version writes no {ending}")
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    workload, made, path = streams.get("vpc-v2")
    outputs = Outputs(observations=[str(tmp_path / f"records{ending}")])
    observations = replay(made, [path]).observations

    timed(lambda: replay(made, [path], outputs=outputs), workload, observations, "observations", rounds=3)
