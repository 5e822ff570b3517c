"""The guard against slipping fails on a loss, and on nothing less."""

from __future__ import annotations

import json

import pytest

from benchmarks import guard


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Stored ratios of 1, and a measurement that says what the test wants."""
    path = tmp_path / "ratios.json"
    path.write_text(json.dumps({"ratios": dict.fromkeys(guard.PARTS, 1.0)}))
    monkeypatch.setattr(guard, "STORED", path)

    def measured(**changed):
        ratios = dict.fromkeys(guard.PARTS, 1.2) | changed
        monkeypatch.setattr(guard, "measure", lambda: ratios)
        return path

    return measured


def test_noise_passes(stored, capsys):
    stored(reading=1.9, judging=0.1)
    assert guard.main([]) == 0
    printed = capsys.readouterr()
    assert "1.90 x" in printed.out
    assert printed.err == ""


def test_a_loss_fails_and_is_named(stored, capsys):
    stored(judging=2.5)
    assert guard.main([]) == 1
    assert capsys.readouterr().err == "slipped: judging costs 2.5 times what it did\n"


def test_renewing_stores_what_was_measured(stored):
    path = stored(judging=2.5)
    assert guard.main(["--renew"]) == 0
    assert json.loads(path.read_text())["ratios"]["judging"] == 2.5
    assert guard.main([]) == 0


def test_other_arguments_are_refused(capsys):
    assert guard.main(["--help"]) == 2
    assert "usage:" in capsys.readouterr().err


def test_every_part_has_a_stored_ratio():
    """A new part is measured once with --renew."""
    assert set(json.loads(guard.STORED.read_text())["ratios"]) == set(guard.PARTS)


def test_each_part_and_what_it_is_compared_with_can_be_run(tmp_path, monkeypatch):
    """On little: that the guard works says nothing about time."""
    monkeypatch.setattr(guard, "WORKLOAD", guard.Workload(packets=2_000, flows=100, interfaces=20, lists=5))
    monkeypatch.setattr(guard, "ROUNDS", 1)
    monkeypatch.setattr(guard, "PROCESS_ROUNDS", 1)
    assert all(ratio > 0 for ratio in guard.measure().values())
