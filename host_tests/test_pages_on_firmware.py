"""The same pages in a real browser, against the real firmware on every MicroPython."""

from contextlib import contextmanager

import pytest
from browsing import browser, findings, window
from meterling_tools import site
from portal_runner import Portal, kept, telegrams

pytestmark = [
    pytest.mark.usefixtures("npm"),
    pytest.mark.timeout(180),
    pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True),
]
PASSWORD = "Sonnenblume 7"
AIR = {
    "networks": [
        {"ssid": "Zuhause", "rssi": -52, "channel": 6, "password": "geheim1234", "address": True},
        {"ssid": "Nachbarin 5", "rssi": -80, "channel": 1, "password": "x" * 10, "address": True},
    ],
    "address": "127.0.0.1",
}


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@contextmanager
def firmware(interpreter, folder, **settings):
    """(running portal, its URL, the meter that it hears every second)"""
    site.build(folder / "site")
    meter, paths = telegrams(folder, count=120)
    settings = {"meter": {"link": "mbus"}, **settings}
    if "portal" in settings:
        settings["meter"]["key"] = meter.key.hex()
    task = {"air": AIR, "telegrams": paths, "interval": 1000}
    with Portal(interpreter, folder, settings, **task) as portal:
        yield portal, f"http://meterling.local:{portal.port}/", meter


def test_setup(chromium, interpreter, tmp_path):
    with (
        firmware(interpreter, tmp_path) as (_, url, meter),
        window(chromium, url) as page,
    ):
        page.goto(url)
        page.get_by_label("Password for this page").fill(PASSWORD)
        page.get_by_role("button", name="Next").click()
        page.get_by_text("Zuhause").click(timeout=20_000)
        page.get_by_label("Wi-Fi password").fill("falsch1234")
        page.get_by_role("button", name="Connect").click()
        page.get_by_text("The Wi-Fi password is wrong.").wait_for(timeout=20_000)
        page.get_by_label("Wi-Fi password").fill("geheim1234")
        page.get_by_role("button", name="Connect").click()
        page.get_by_text("Connected to “Zuhause”.").wait_for(timeout=20_000)
        page.get_by_role("button", name="Next").click()

        page.get_by_label("Grid operator").select_option("Stadtwerke Schwaz")
        page.get_by_text("Paste the key tomorrow").wait_for()
        page.get_by_text("The key is still missing.").wait_for(timeout=20_000)
        assert "Kaifa on M-Bus" in page.locator(".seen").inner_text()
        page.get_by_role("button", name="Next").click()

        page.get_by_label("Key (GUEK)").fill(meter.key[::-1].hex())
        page.get_by_role("button", name="Check and save").click()
        page.get_by_text("This key does not fit the meter.").wait_for(timeout=20_000)
        page.get_by_label("Key (GUEK)").fill(meter.key.hex(":"))
        page.get_by_role("button", name="Check and save").click()
        page.get_by_text("It fits!").wait_for(timeout=20_000)
        page.get_by_role("button", name="Next").click()

        page.get_by_label("Only this page").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_role("link", name="To the live values").click()
        page.get_by_role("heading", name="Quality").wait_for()
        page.get_by_role("link", name="Log", exact=True).click()
        page.locator("pre", has_text="wifi").wait_for()
        assert meter.key.hex().upper() not in page.content().upper()


@pytest.fixture
def live(interpreter, tmp_path):
    """A dongle that was set up long ago."""
    with firmware(
        interpreter, tmp_path, portal={"password": kept(PASSWORD), "setup_done": True}
    ) as found:
        yield found


def test_live_and_settings(chromium, live):
    _, url, _ = live
    with window(chromium, url) as page:
        page.goto(url)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.locator(".power:not([data-stale])").wait_for(timeout=20_000)
        page.locator(".graph canvas").wait_for()
        assert page.locator("dl.big dd").count() == 2
        assert findings(page) == []
        page.get_by_role("link", name="Settings").click()
        page.locator("summary", has_text="Device").click()
        page.get_by_label("Name in the network").fill("x" * 40)
        page.get_by_role("button", name="Save").click()
        page.get_by_text("This is too long.").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("heading", name="Log in").wait_for()


def test_the_plain_page(chromium, live):
    _, url, _ = live
    with window(chromium, url, java_script_enabled=False) as page:
        page.goto(url)
        page.wait_for_url("**/plain")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button").click()
        page.locator("table").wait_for()
        assert "1-0:32.7.0" in page.content()
        assert page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == (
            "18px"
        ), "plain.css"
