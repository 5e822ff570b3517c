"""Fixtures: pages of the example, read as a browser's parser would, and a browser to look at them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sgsim.report import report

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/three-tier"
TRAFFIC, SCENARIO, CHANGES = (str(EXAMPLE / name) for name in ("traffic.pcap", "scenario.yaml", "changes.yaml"))


class Page(HTMLParser):
    """Tags and attributes in order, and the cells of each table by its caption."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._text: list[str] = []
        self._caption = ""
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th", "caption"):
            self._text = []

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._rows[-1].append("".join(self._text))
        elif tag == "caption":
            self._caption = "".join(self._text)
        elif tag == "table":
            self.tables[self._caption] = self._rows[1:]

    def table(self, beginning: str) -> list[list[str]]:
        """The rows below the headings of the one table whose caption begins so."""
        (found,) = (rows for caption, rows in self.tables.items() if caption.startswith(beginning))
        return found


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The summary of the example with its changes, and its page."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    return report(SCENARIO, [TRAFFIC], str(path), changes=[CHANGES]), path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium that tells of what its console and its network get."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        if os.environ.get("SGSIM_REQUIRE_BROWSER"):
            pytest.fail("no chromium and chromedriver: apt-get install chromium chromium-driver")
        pytest.skip("no chromium and chromedriver: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()
