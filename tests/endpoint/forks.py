"""A program that starts ``sgsim serve`` as often as it is asked, each in a fork: imports are paid for once.

Reads lines of arguments from standard input; for each starts a server and prints its process id. The server prints its
own line.
"""

from __future__ import annotations

import os
import signal
import sys

from sgsim.cli import cli
from sgsim.endpoint.service import ec2


def main() -> None:
    ec2()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                cli.main(["serve", *line.split()])
            except SystemExit as end:
                print(f"ended {end.code}", flush=True)
            finally:
                os._exit(1)
        print(f"pid {child}", flush=True)


if __name__ == "__main__":
    main()
