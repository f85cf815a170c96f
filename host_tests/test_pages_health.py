"""The log's page says why the dongle started, in the owner's language; in a real browser."""

import pytest
from browsing import browser, findings, window
from meterling_tools import site
from portal_mock import PortalMock

pytestmark = [pytest.mark.usefixtures("npm"), pytest.mark.timeout(180)]
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    site.build(folder)
    return folder


@pytest.mark.parametrize(
    ("cause", "english", "german"),
    [
        ("watchdog", "Start 17, 2 min ago: Meterling hung", "17. Start, vor 2 min: Meterling hing"),
        ("brown-out", "The voltage had broken down.", "Die Spannung war eingebrochen."),
        ("newer-than-the-page", "Nobody knows why.", "Der Grund ist nicht bekannt."),
    ],
)
def test_the_log_s_page_says_why_it_started(pages, cause, english, german):
    with PortalMock(pages) as portal, browser() as chromium:
        portal.owned(PASSWORD)
        portal.cause = cause
        portal.log_text = "start 17: watchdog\nlast crash: <b>mqtt</b>: OSError\n\nwifi: up\n"
        with window(chromium, portal.url) as page:
            page.goto(portal.url + "#log")
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.get_by_text("last crash: <b>mqtt</b>: OSError").wait_for()
            text = page.locator("main").inner_text().replace("\xa0", " ")
            assert english in text
            assert findings(page) == []
            page.get_by_role("button", name="Deutsch").click()
            page.get_by_text("Protokoll").first.wait_for()
            page.get_by_text("last crash").wait_for()
            assert german in page.locator("main").inner_text().replace("\xa0", " ")
