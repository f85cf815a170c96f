"""`meterling demo --scenario schwaz`, with a browser in the owner's place: from the box to live
values, by nothing but what the pages and the terminal say."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from browsing import browser, findings, wider_than_screen, window
from meterling_tools.rig import HOME, HOME_PASSWORD
from meterling_tools.scenario_portal import HOURS_LATER, NEXT_DAY, ScenarioPortal
from running import wait_for

pytestmark = pytest.mark.timeout(300)
PASSWORD = "Sonnenblume 7"
# What the page says of a line from which nothing comes, or nothing that could be read.
DEAD_PORT = ("Kein Signal", "Steckt das Kabel", "schweigt", "sendet nichts", "aber kein Telegramm")

on_micropython = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)


class Demo:
    """A running scenario: what it has told so far (`text`), and the two addresses in that."""

    def __init__(self, *arguments):
        command = [sys.executable, "-m", "meterling_tools.cli", "demo", "--scenario", "schwaz"]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.told("1. The dongle")
        self.dongle = re.search(r"dongle's page: +(\S+)", self.text)[1]
        self.portal = re.search(r"operator's portal: +(\S+)", self.text)[1]

    def _read(self):
        for line in self.process.stdout:
            self.text += line

    def told(self, text, seconds=40):
        """Wait until it has told `text`."""
        wait_for(lambda: text in self.text or self.process.poll() is not None, seconds)
        assert text in self.text, self.process.stderr.read()

    def end(self):
        """Its exit code, when it has come to its end."""
        self.process.wait(60)
        self._reader.join(5)
        return self.process.returncode


@contextmanager
def demo(*arguments):
    running = Demo(*arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
            running.process.wait(20)
        running.process.stdout.close()
        running.process.stderr.close()


def copy(portal, what):
    """What one copies from the portal, by its button."""
    portal.bring_to_front()
    portal.get_by_role("button", name=f"{what} kopieren").click()
    return portal.evaluate("navigator.clipboard.readText()")


def paste(page, text):
    """Into the key's field, and check."""
    page.bring_to_front()
    page.get_by_label("Schlüssel (GUEK)").fill(text)
    page.get_by_role("button", name="Prüfen und speichern").click()


@pytest.mark.usefixtures("npm")
@on_micropython
def test_an_owner_in_schwaz(interpreter):
    german = {"locale": "de-AT", "permissions": ["clipboard-read", "clipboard-write"]}
    with (
        browser() as chromium,
        demo("--seconds", "10") as story,
        window(chromium, story.dongle, **german) as page,
        window(chromium, story.portal, **german) as portal,
    ):
        # Fresh from the box
        page.goto(story.dongle)
        page.get_by_label("Passwort für diese Seite").fill(PASSWORD)
        page.get_by_role("button", name="Weiter").click()
        page.get_by_text(HOME).click(timeout=20_000)
        page.get_by_label("WLAN-Passwort").fill(HOME_PASSWORD)
        page.get_by_role("button", name="Verbinden").click()
        page.get_by_text(f"Verbunden mit „{HOME}“.").wait_for(timeout=20_000)
        page.get_by_role("button", name="Weiter").click()

        # The interface is not active yet: no byte comes, and the page says why that may be.
        page.get_by_label("Netzbetreiber").select_option("Stadtwerke Schwaz")
        way = page.get_by_role("list", name="So kommen Sie zum Schlüssel")
        way.get_by_text("Kopieren Sie am nächsten Tag den Schlüssel").wait_for()
        steps = way.get_by_role("listitem").all_inner_texts()
        page.get_by_text("Kein Signal: Steckt das Kabel?").wait_for(timeout=45_000)
        page.get_by_text("noch nicht freigeschaltet").wait_for()
        page.get_by_role("button", name="Weiter").click()
        page.get_by_role("button", name="Ich habe noch keinen Schlüssel").click()
        page.get_by_label("Nur diese Seite").check()
        page.get_by_role("button", name="Speichern").click()
        page.get_by_text("Fehlt noch: der Schlüssel.").wait_for()
        page.get_by_role("link", name="Zu den Live-Werten").click()
        page.get_by_text("Noch kein Telegramm").first.wait_for()
        story.told("2. The portal")

        # What the operator wants is what the page has said.
        portal.goto(story.portal)
        portal.get_by_role("button", name="Registrieren").click()
        assert steps[0].startswith("Registrieren Sie sich")
        portal.get_by_role("button", name="Link in der E-Mail öffnen").click()
        assert steps[1] == "Bestätigen Sie Ihre E-Mail-Adresse."
        portal.get_by_role("button", name="Anmelden").click()
        portal.get_by_role("button", name="Smart Meter").click()
        assert steps[2] == "Melden Sie sich an und öffnen Sie „Smart Meter“."
        portal.get_by_role("button", name="Kundenschnittstelle aktivieren").click()
        assert steps[3] == "Aktivieren Sie die Kundenschnittstelle."
        story.told("3. Some hours")
        portal.get_by_role("button", name="einige Stunden später").click()

        # Telegrams: a key is needed. Those who were at the live page see it there.
        page.get_by_text("Der Schlüssel fehlt noch.").wait_for(timeout=60_000)
        page.get_by_text("Kaifa an M-Bus").wait_for()
        assert not [text for text in DEAD_PORT if text in page.inner_text("main")]
        story.told("5. The night")
        portal.get_by_role("button", name="am nächsten Tag").click()

        # The wrong number, and then the key
        page.get_by_role("link", name="Einstellungen", exact=True).click()
        page.get_by_role("heading", name="Schlüssel").click()
        paste(page, copy(portal, "Kundennummer"))
        page.get_by_text("Das ist kein Schlüssel, sondern wohl eine Kunden-").wait_for()
        assert not [text for text in DEAD_PORT if text in page.inner_text("main")]
        page.get_by_text("Der Schlüssel fehlt noch.").wait_for()
        assert findings(page) == []
        assert not wider_than_screen(page)
        paste(page, copy(portal, "Schlüssel"))
        page.get_by_text("Passt! Damit lassen sich die Telegramme lesen.").wait_for()

        page.get_by_role("link", name="Live", exact=True).click()
        page.locator(".power:not([data-stale])").wait_for(timeout=20_000)
        assert re.search(r"\d+\sW", page.locator(".power .now").inner_text())
        assert page.locator("dl.big dd").count() == 2
        story.told("7. Live values")
        assert not story.process.poll()
        assert story.end() == 0
        assert story.process.stderr.read() == ""


@pytest.mark.usefixtures("npm")
@on_micropython
def test_ctrl_c_and_a_dongle_that_restarts_on_the_way(interpreter):
    with demo() as story:
        cookie = ask(story.dongle, "POST", "/api/setup", {"password": PASSWORD}).cookie
        assert ask(story.dongle, "POST", "/api/reboot", cookie=cookie).status == 202
        wait_for(lambda: ask(story.dongle, "GET", "/api/hello") is None)
        hello = wait_for(lambda: ask(story.dongle, "GET", "/api/hello"))
        assert hello.json["state"] == "login", "the password was kept, and no session"
        story.process.send_signal(signal.SIGINT)
        assert story.end() == 130
        assert story.process.stderr.read() == ""


@pytest.mark.usefixtures("npm")
@on_micropython
def test_after_a_factory_reset_the_page_is_where_it_was(interpreter):
    with demo() as story:
        cookie = ask(story.dongle, "POST", "/api/setup", {"password": PASSWORD}).cookie
        name = ask(story.dongle, "GET", "/api/hello").json["device"]
        ask(story.dongle, "POST", "/api/factory-reset", {"confirm": name}, cookie=cookie)
        wait_for(lambda: ask(story.dongle, "GET", "/api/hello") is None)
        hello = wait_for(lambda: ask(story.dongle, "GET", "/api/hello"))
        assert hello.json["state"] == "new"


def test_the_key_is_shown_on_the_next_day_and_not_before():
    key = bytes(range(16))
    with ScenarioPortal(key) as portal:
        for step in range(NEXT_DAY):
            assert portal.step == step
            assert key.hex().upper() not in portal.page("de")
            portal.leave(step)
            portal.leave(step)  # the button, and the time that has passed
        assert key.hex().upper() in portal.page("en")


def test_no_form_can_jump_to_another_day():
    with ScenarioPortal(bytes(16)) as portal:
        for body in (f"from={HOURS_LATER}", "from=", "from=99", "other=0", ""):
            connection = http.client.HTTPConnection(urlsplit(portal.url).netloc, timeout=5)
            connection.request("POST", "/", body)
            assert connection.getresponse().status == 303
            connection.close()
        assert portal.step == 0


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.json = json.loads(response.read())
        self.cookie = (response.headers["Set-Cookie"] or "").split(";")[0]


def ask(url, method, path, document=None, cookie=None):
    """One request to the dongle; None if it does not answer now."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    headers = {"X-Meterling": "1", "Content-Type": "application/json", "Cookie": cookie or ""}
    try:
        connection.request(method, path, json.dumps(document or {}), headers)
        return Answer(connection.getresponse())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
