"""A page in a browser: it sorts, it changes its colours, it loads nothing, and it fits a phone."""

from __future__ import annotations

import json

import pytest

from tests.report.test_page import hostile  # noqa: F401  (a fixture)

LUMINANCE = """
const channel = value => value <= 10.0164 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4;
const luminance = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
const ground = element => { for (let at = element; at; at = at.parentElement) {
  const colour = getComputedStyle(at).backgroundColor;
  if (!/, 0\\)$/.test(colour)) return colour; } return "rgb(255,255,255)"; };
"""
WORST = (
    LUMINANCE
    + """
let worst = [99, ""];
for (const each of document.querySelectorAll("body *")) {
  if (each.closest("svg, script, details:not([open])")) continue;
  if (!each.textContent.trim() || !each.offsetParent) continue;
  const [one, other] = [luminance(getComputedStyle(each).color), luminance(ground(each))].sort((a, b) => b - a);
  const ratio = (one + 0.05) / (other + 0.05);
  if (ratio < worst[0]) worst = [ratio, each.outerHTML.slice(0, 100)];
}
return worst;
"""
)


@pytest.fixture
def page(browser, example):
    """The example's page, opened anew as the system has it: light, on a desk."""
    sized(browser, 1_200)
    coloured(browser, "light")
    browser.get(example[1].as_uri())
    browser.execute_script("localStorage.clear()")
    said(browser)
    browser.get(example[1].as_uri())
    return browser


def sized(browser, width):
    measures = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", measures)


def coloured(browser, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def said(browser):
    """What the console got, and the addresses that were asked for, since the last time."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    return [entry["message"] for entry in browser.get_log("browser")], asked


def column(browser, table, place):
    script = "return Array.from(arguments[0].tBodies[0].rows, row => row.cells[arguments[1]].textContent)"
    return browser.execute_script(script, table, place)


def test_nothing_is_asked_for_and_nothing_goes_wrong(page, example):
    """But the page itself."""
    console, asked = said(page)
    assert console == []
    assert asked == [example[1].as_uri()]


def test_hostile_names_do_nothing(browser, hostile):  # noqa: F811
    """No dialog, no complaint, the title is ours."""
    browser.get(hostile.as_uri())
    said(browser)
    browser.get(hostile.as_uri())
    console, asked = said(browser)
    assert (console, asked) == ([], [hostile.as_uri()])
    assert browser.title == "Security group replay"
    assert browser.execute_script("return document.scripts.length") == 1


def test_a_heading_sorts_its_table(page):
    """Numbers downwards first, then upwards; words upwards first; by keyboard too; assistive technology is told."""
    from selenium.webdriver.common.keys import Keys

    table = page.find_element("css selector", "#interfaces > .scroll table")
    headings = table.find_elements("css selector", "thead th")
    buttons = [heading.find_element("css selector", "button") for heading in headings]
    buttons[2].click()
    assert headings[2].get_attribute("aria-sort") == "descending"
    allowed = [int(text.replace(",", "")) for text in column(page, table, 2)]
    assert allowed == sorted(allowed, reverse=True)
    buttons[2].send_keys(Keys.ENTER)
    assert headings[2].get_attribute("aria-sort") == "ascending"
    assert [int(text.replace(",", "")) for text in column(page, table, 2)] == allowed[::-1]
    buttons[0].send_keys(Keys.SPACE)
    assert [heading.get_attribute("aria-sort") for heading in headings[:3]] == ["ascending", "none", "none"]
    assert column(page, table, 0) == sorted(column(page, table, 0))
    assert said(page)[0] == []


def test_the_switch_changes_the_colours(page):
    """As the system has it at first; what was chosen stays when the page is opened again."""
    from selenium.webdriver.support.wait import WebDriverWait

    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(ground)
    coloured(page, "dark")
    dark = page.execute_script(ground)
    assert light != dark
    button = page.find_element("id", "theme")
    WebDriverWait(page, 10).until(lambda _: button.get_attribute("aria-pressed") == "true")
    button.click()
    assert page.execute_script(ground) == light
    page.refresh()
    assert page.execute_script(ground) == light
    button = page.find_element("id", "theme")
    button.click()
    assert (button.get_attribute("aria-pressed"), page.execute_script(ground)) == ("true", dark)
    assert said(page)[0] == []


@pytest.mark.parametrize("width", [320, 360, 768])
def test_it_fits(page, width):
    """No narrow screen has to be moved sideways, with all that can be unfolded unfolded."""
    sized(page, width)
    page.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.execute_script("return document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_contrast_is_enough(page, scheme):
    """4.5 to 1 for every text, as WCAG 2 asks of small ones."""
    coloured(page, scheme)
    ratio, where = page.execute_script(WORST)
    assert ratio >= 4.5, where
