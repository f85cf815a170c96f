"""Pictures of every page, phone and desktop, light and dark, into build/screenshots: for people
to look at, and for the README. Phones are German here, desktops English."""

import math

import pytest
from browsing import DESKTOP, PHONE, browser, window
from meterling_tools import ROOT, site
from portal_mock import PortalMock
from test_pages import KEY, PASSWORD, announced, power

pytestmark = [pytest.mark.usefixtures("npm"), pytest.mark.timeout(180)]
FOLDER = ROOT / "build" / "screenshots"
SIZES = {"phone": PHONE, "desktop": DESKTOP}


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture(params=SIZES)
def size(request):
    return request.param


@pytest.fixture
def portal(tmp_path):
    site.build(tmp_path)
    with PortalMock(tmp_path) as portal:
        yield portal


@pytest.fixture
def page(chromium, portal, scheme, size):
    options = {
        "viewport": SIZES[size],
        "device_scale_factor": 2 if size == "phone" else 1,
        "color_scheme": scheme,
        "locale": "de-AT" if size == "phone" else "en-GB",
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    with window(chromium, portal.url, **options) as page:
        page.shoot = lambda name, **more: page.screenshot(
            path=FOLDER / f"{name}-{size}-{scheme}.png", **{"full_page": True, **more}
        )
        yield page


def test_setup(page, portal):
    portal.access_point = True
    portal.silent()
    page.goto(portal.url)
    page.locator("input[name=password]").wait_for()
    page.shoot("1-password")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".choice").first.click()
    page.shoot("2-wifi")
    page.locator("input[name=wifi-password]").fill("falsch1234")
    page.keyboard.press("Enter")
    page.locator(".problem:not(:empty)").wait_for()
    page.shoot("3-wifi-wrong-password")
    page.locator("input[name=wifi-password]").fill("geheim1234")
    page.keyboard.press("Enter")
    page.locator(".qr").wait_for()
    page.shoot("4-wifi-connected")
    page.goto(portal.url + "#setup/meter")
    page.locator("option[value=at-schwaz]").wait_for(state="attached")
    page.locator("select").select_option("at-schwaz")
    page.locator("ol.way").wait_for()
    page.shoot("5-meter-silent")
    portal.encrypted(KEY)
    page.locator(".seen[data-tone=wait]").wait_for()
    page.shoot("6-meter-key-needed")
    page.goto(portal.url + "#setup/key")
    page.locator("textarea[name=key]").fill(KEY[::-1].lower())
    page.locator("form .row button").last.click()
    page.locator(".note[data-tone=bad]").wait_for()
    page.shoot("7-key-wrong")
    page.locator("textarea[name=key]").fill(KEY.lower())
    page.locator("form > .stack > .row button").click()
    page.locator(".note[data-tone=good]").wait_for()
    page.shoot("8-key-fits")
    page.goto(portal.url + "#setup/where")
    portal.found = [announced("homeassistant", "Zuhause", "192.168.1.20")]
    portal.brokers = {("192.168.1.20", 1883): ("me", "mqtt-pass")}
    page.locator(".choice").nth(1).click()
    page.locator(".note[data-tone=good]").wait_for()
    page.shoot("9-where")
    page.goto(portal.url + "#setup/done")
    page.locator("a.button").wait_for()
    page.shoot("a-done")


def _values(watt):
    values = {
        "1-0:1.7.0": (str(max(watt, 0)), "W"),
        "1-0:2.7.0": (str(max(-watt, 0)), "W"),
        "1-0:1.8.0": ("6762463", "Wh"),
        "1-0:2.8.0": ("12034871", "Wh"),
        "1-0:13.7.0": ("0.91", ""),
    }
    for line, volt, ampere, share in ((1, "235.3", "1.15", 3), (2, "233.9", "0.42", 9)):
        values[f"1-0:{12 + 20 * line}.7.0"] = (volt, "V")
        values[f"1-0:{11 + 20 * line}.7.0"] = (ampere, "A")
        values[f"1-0:{1 + 20 * line}.7.0"] = (str(max(watt, 0) // share), "W")
        values[f"1-0:{2 + 20 * line}.7.0"] = (str(max(-watt, 0) // share), "W")
    return values


def test_live(page, portal):
    portal.owned(PASSWORD)
    portal.errors, portal.lost, portal.maker, portal.ciphered = {"checksum": 2}, 3, "KFM", True
    page.clock.install()
    page.goto(portal.url)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".now").wait_for()
    for i in range(60):
        if not 22 < i < 30:  # telegrams are missing: a gap
            kettle = 1400 if 8 < i < 14 else 0
            sun = 2600 if i > 40 else 0
            watt = round(700 + 350 * math.sin(i / 7)) + kettle - sun
            portal.read(_values(watt))
            page.wait_for_function(
                "number => document.querySelector('.now').innerText.replace(/\\D/g, '') == number",
                arg=abs(watt),
            )
        page.clock.run_for(4950)
    page.locator(".graph canvas").wait_for()
    page.wait_for_timeout(200)
    page.shoot("b-live", full_page=False)
    page.shoot("c-live-whole")
    page.locator("details.card summary").click()
    page.locator("table.all td").first.wait_for()
    page.shoot("d-live-all-values")
    page.locator("details.card summary").click()
    portal.at -= 60
    portal.silent()
    page.clock.run_for(30_000)
    power(page, "–")
    page.evaluate("scrollTo(0, 0)")
    page.shoot("e-live-silent", full_page=False)
    page.goto(portal.url + "#settings")
    page.locator("summary").nth(3).click()
    page.locator("input[name=device]").wait_for()
    page.shoot("f-settings")
    page.goto(portal.url + "#log")
    page.locator("pre", has_text="wifi").wait_for()
    page.shoot("g-log")
