"""Writing observations, or flows: the whole replay, with one file of them."""

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


def test_flows_vpc_v2(timed, streams, tmp_path):
    """Rows of flows, which are counted while the replay runs and written at its end."""
    if "flows" not in Outputs.__dataclass_fields__:
        pytest.skip("this version writes no flows")
    workload, made, path = streams.get("vpc-v2")
    outputs = Outputs(flows=str(tmp_path / "flows.csv"))
    observations = replay(made, [path]).observations

    timed(lambda: replay(made, [path], outputs=outputs), workload, observations, "observations", rounds=3)
