"""Streams, signals and start-up: what only a process of its own shows."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from story import Story, everything

Start = Callable[..., subprocess.Popen[bytes]]

HEAVY = ("numpy", "numba", "scapy", "rich", "yaml", "msgspec")


def ended(running: subprocess.Popen[bytes], data: bytes | None = None) -> tuple[int, bytes, bytes]:
    out, err = running.communicate(data, timeout=120)
    return running.returncode, out, err


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], HEAVY),
        (["replay", "--help"], HEAVY),
        (["query", "--help"], HEAVY),
        (["flowlogs", "--help"], HEAVY),
        (["--version"], HEAVY),
        (["query", "{s}", "--from", "web-1", "--to", "db-1", "--protocol", "tcp", "--port", "1"], HEAVY[:4]),
    ],
)
def test_help_and_query_load_nothing_heavy(scenario: Path, arguments: list[str], unwanted: tuple[str, ...]):
    """A shell prompt waits for these: none of the big libraries is imported."""
    code = (
        "import sys\nfrom sgsim.cli import cli\n"
        "try: cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {unwanted!r} if name in sys.modules], file=sys.stderr)"
    )
    filled = [text.format(s=scenario) for text in arguments]
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, *filled], capture_output=True, text=True, cwd=root, timeout=60, check=True
    )
    assert done.stdout
    assert done.stderr.splitlines()[-1] == "[]"


def test_version(process: Start):
    """--version prints one line."""
    code, out, err = ended(process("--version"))
    assert (code, err) == (0, b"")
    assert out.startswith(b"sgsim ")


def test_a_reader_that_leaves_ends_it_quietly(process: Start, scenario: Path, capture: Path):
    """`| head` closes the pipe: exit code 141, nothing on standard error about it."""
    for arguments in (["replay", scenario, capture, "-o", "-"], ["replay", scenario, capture], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        running = process(*arguments, stdout=writer)
        os.close(writer)
        code, _, err = ended(running)
        assert code == 141
        assert b"Broken" not in err
        assert b"Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "options",
    [
        ["-o", "-"],
        ["--json"],
        [],
        ["--print"],
        ["-o", "/dev/full"],
        ["--flows", "/dev/full"],
        ["--write-dropped", "/dev/full"],
    ],
)
def test_a_full_disk_is_an_error_line(process: Start, scenario: Path, capture: Path, options: list[str]):
    """No space left: exit code 2 and one line that says so."""
    with open("/dev/full", "wb") as full:
        code, _, err = ended(process("replay", scenario, capture, *options, stdout=full))
    lines = [line for line in err.decode().splitlines() if "warning" not in line and "compiling" not in line]
    assert code == 2
    assert sum("No space left" in line for line in lines) == 1
    assert "Traceback" not in err.decode()


def test_records_go_out_while_the_capture_comes_in(process: Start, scenario: Path, tmp_path: Path):
    """`tcpdump -w - | sgsim replay S - -o -` is live: a record is there before the next packet is sent."""
    data = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432).save(tmp_path / "live.pcap").read_bytes()
    running = process("replay", scenario, "-", "-o", "-")
    assert running.stdin is not None
    assert running.stdout is not None
    begin = 24
    running.stdin.write(data[:begin])
    watchdog = threading.Timer(100, running.kill)
    watchdog.start()
    for number in (1, 2, 3):
        (length,) = struct.unpack_from("<I", data, begin + 8)
        running.stdin.write(data[begin : begin + 16 + length])
        running.stdin.flush()
        begin += 16 + length
        records = [json.loads(running.stdout.readline()) for _ in ("egress", "ingress")]
        assert [r["packet"] for r in records] == [number, number]
    watchdog.cancel()
    code, out, err = ended(running)
    assert (code, out) == (0, b"")
    assert b"-: 3 packets, 6 observations: 6 allowed, 0 dropped" in err


def test_an_interrupt_leaves_the_part(process: Start, scenario: Path, capture: Path, tmp_path: Path):
    """Ctrl-C: exit code 130, no traceback, and what was written stays under FILE.part."""
    output = tmp_path / "o.ndjson"
    running = process("replay", scenario, "-", "-o", output)
    assert running.stdin is not None
    running.stdin.write(capture.read_bytes())
    running.stdin.flush()
    part = Path(f"{output}.part")
    deadline = time.monotonic() + 100
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    code, _, err = ended(running)
    assert code == 130
    assert b"Traceback" not in err
    assert part.exists()
    assert not output.exists()


def test_pipes_and_devices_are_written_directly(process: Start, scenario: Path, capture: Path, tmp_path: Path):
    """A FIFO and /dev/null get the bytes themselves; no .part appears beside them."""
    fifo = tmp_path / "records.ndjson"
    os.mkfifo(fifo)
    running = process("replay", scenario, capture, "-o", fifo, "-o", "/dev/null", "--write-allowed", "/dev/null")
    lines = fifo.read_bytes().splitlines()
    code, _, _ = ended(running)
    assert code == 0
    assert len(lines) > 50
    assert not list(tmp_path.glob("*.part"))
    assert not Path("/dev/null.part").exists()


def test_json_alone_is_on_standard_output(process: Start, scenario: Path, capture: Path):
    """Results go to standard output, warnings to standard error."""
    code, out, err = ended(process("replay", scenario, capture, "--json"))
    assert code == 0
    assert json.loads(out)["packets"] == len(everything().packets)
    assert b"sgsim: warning:" in err


def test_standard_input_is_a_capture(process: Start, scenario: Path, capture: Path):
    """- reads a capture from a pipe, and from a file that is redirected."""
    _, out, _ = ended(process("replay", scenario, "-", "--json"), capture.read_bytes())
    with capture.open("rb") as file:
        _, redirected, _ = ended(process("replay", scenario, "-", "--json", stdin=file))
    for summary in (json.loads(out), json.loads(redirected)):
        assert (summary["captures"], summary["packets"]) == (["-"], len(everything().packets))


def test_shell_completion_knows_the_verbs(scenario: Path):
    """click's completion for the shell offers replay and query."""
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "_SGSIM_COMPLETE": "bash_complete", "COMP_WORDS": "sgsim ", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "sgsim"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=root,
        timeout=60,
        check=False,
    )
    assert {"plain,replay", "plain,query"} <= set(done.stdout.split())
