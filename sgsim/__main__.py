"""``python -m sgsim``."""

from sgsim.cli import main

main()
