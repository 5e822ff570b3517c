"""A run as one HTML file that loads nothing: pages of replays and of flow logs."""

from sgsim.reports.page.logs import log_page
from sgsim.reports.page.replays import replay_page

__all__ = ["log_page", "replay_page"]
