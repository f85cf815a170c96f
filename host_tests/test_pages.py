"""The dongle's pages in a real browser, against a stand-in for the dongle (portal_mock)."""

import json
import re
import time

import portal_mock
import pytest
from browsing import DESKTOP, PHONE, browser, findings, wider_than_screen, window
from meterling_tools import site
from portal_mock import PortalMock, reading

pytestmark = [pytest.mark.usefixtures("npm"), pytest.mark.timeout(180)]
KEY = "36C66639E48A8CA4D6BC8B282A793BBB"
AUTH_KEY = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
PASTED = "36 c6 66 39 e4 8a 8c a4 d6 bc 8b 28 2a 79 3b bb"
PASSWORD = "correct horse"
KAIFA = {
    "1-0:32.7.0": ("235.3", "V"),
    "1-0:31.7.0": ("1.15", "A"),
    "1-0:1.7.0": ("852", "W"),
    "1-0:2.7.0": ("0", "W"),
    "1-0:1.8.0": ("6762463", "Wh"),
    "1-0:2.8.0": ("12034871", "Wh"),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    site.build(folder)
    return folder


@pytest.fixture(scope="module")
def chromium():
    # Not for the whole session: while it runs, nobody else can start an event loop.
    with browser() as found:
        yield found


@pytest.fixture
def portal(pages):
    with PortalMock(pages) as portal:
        yield portal


@pytest.fixture
def page(chromium, portal):
    with window(chromium, portal.url) as page:
        yield page


def log_in(page, portal, where=""):
    portal.owned(PASSWORD)
    page.goto(portal.url + where)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("navigation").wait_for()


def power(page, text):
    """Wait until the power reads `text` (spaces of any kind are one space)."""
    shown(page, ".now", text)


def shown(page, selector, text):
    page.wait_for_function(
        "([selector, text]) => [...document.querySelectorAll(selector)].some("
        "one => one.checkVisibility() && one.innerText.replace(/\\s+/g, ' ').includes(text))",
        arg=[selector, text],
    )


def to_step(page, portal, step):
    portal.password = PASSWORD
    portal.access_point = True
    page.goto(portal.url + f"#setup/{step}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def held(page, pattern, times=None):
    """A list that fills with the requests for `pattern` (the first `times`), unanswered."""
    routes = []
    page.route(pattern, lambda route: routes.append(route), times=times)
    return routes


def arrive(page, routes, count):
    """Wait until that many requests are held."""
    for _ in range(200):
        if len(routes) >= count:
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"{len(routes)} requests of {count}")


def wifi_tests(portal):
    """What the Wi-Fi's tests were that the dongle was asked for."""
    calls = [body for *call, body in portal.requests if call == ["POST", "/api/wifi/test"]]
    return [json.loads(body) for body in calls]


# The setup


def test_from_power_up_to_live_power(page, portal):
    portal.access_point = True
    page.goto(portal.url)
    page.get_by_label("Password for this page").fill(PASSWORD)
    page.get_by_role("button", name="Next").click()

    page.get_by_text("Zuhause").click()
    page.get_by_label("Wi-Fi password").fill("geheim1234")
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Connected to “Zuhause”.").wait_for()
    # The same port as here: 80 on a dongle.
    address = "http://192.168.1.23:" + portal.url.rstrip("/").rpartition(":")[2] + "/"
    assert page.get_by_role("link", name="192.168.1.23").get_attribute("href") == address
    page.get_by_role("img", name=f"QR code of the address {address}").wait_for()
    assert portal.settings["wifi"] == {"ssid": "Zuhause", "password": "geheim1234"}
    page.get_by_role("button", name="Next").click()

    page.get_by_text("Waiting for the first telegram").wait_for()
    portal.silent()
    page.get_by_text("No signal: is the plug in? (RJ12, pins 3 and 4)").wait_for()
    portal.line["optical"] = True
    portal.silent()
    page.get_by_text("No signal: does the reading head sit right on the meter?").wait_for()
    portal.line["optical"] = False
    portal.trying(2400, "8E1")
    page.get_by_text("Bytes, but no telegrams yet: trying 2400 8E1.").wait_for()
    portal.encrypted(KEY)
    page.get_by_text("The key is still missing.").wait_for()
    shown(page, ".seen", "Kaifa on M-Bus, a telegram every 5 s, encrypted.")
    page.get_by_role("button", name="Next").click()

    page.get_by_label("Key (GUEK)").fill(PASTED)
    page.get_by_role("button", name="Check and save").click()
    page.get_by_text("It fits!").wait_for()
    page.get_by_text("separators left out, lower case does not matter").wait_for()
    assert portal.settings["meter"]["key"] == KEY
    assert page.get_by_label("Key (GUEK)").input_value() == ""
    page.get_by_role("button", name="Next").click()

    page.get_by_label("Only this page").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Done!").wait_for()
    page.get_by_text("Go back to your Wi-Fi at home").wait_for()
    assert portal.setup_done
    page.get_by_role("link", name="To the live values").click()
    portal.read(KAIFA)
    power(page, "852 W")


@pytest.mark.parametrize(
    "ssid, password, sentence",
    [
        ("Zuhause", "falsch1234", "The Wi-Fi password is wrong."),
        ("Zuhause", "kurz", "A Wi-Fi password has 8 to 63 characters"),
        ("Nachbarin 5", "geheim1234", "This network cannot be found here."),
    ],
)
def test_wifi_says_what_failed_and_saves_nothing(page, portal, ssid, password, sentence):
    to_step(page, portal, "wifi")
    page.get_by_text(ssid).click()
    page.get_by_label("Wi-Fi password").fill(password)
    page.get_by_role("button", name="Connect").click()
    page.get_by_text(sentence).wait_for()
    assert portal.settings["wifi"]["ssid"] == ""
    assert page.get_by_label("Wi-Fi password").is_visible(), "to try again"


def test_every_wifi_failure_has_its_own_sentence(page, portal):
    to_step(page, portal, "wifi")
    page.get_by_text("Zuhause").click()
    page.get_by_label("Wi-Fi password").fill("geheim1234")
    seen = set()
    results = ("wifi-no-address", "wifi-too-weak", "wifi-refused", "wifi-timeout", "not-saved")
    for result in results:
        answer = {"state": "done", "result": result, "ssid": "Zuhause"}
        portal.test_wifi = lambda asked, answer=answer: setattr(portal, "wifi_answer", answer) or {}
        page.get_by_role("button", name="Connect").click()
        page.locator(".note[data-tone=bad]").wait_for()
        seen.add(page.locator(".note[data-tone=bad]").inner_text())
        page.get_by_text("Gasthof").click()
        page.get_by_text("Zuhause").click()
        assert page.locator(".note[data-tone=bad]").count() == 0, "of another network"
    assert len(seen) == 5 and not any(text.startswith("That did not work") for text in seen)


def test_a_hidden_wifi_and_a_key_of_64_digits(page, portal):
    to_step(page, portal, "wifi")
    page.get_by_text("Hidden network").click()
    page.get_by_label("Name of the network").fill("Versteckt")
    page.get_by_label("Wi-Fi password").fill("f" * 64)
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Connected to “Versteckt”.").wait_for()
    assert wifi_tests(portal) == [{"ssid": "Versteckt", "password": "f" * 64}]


def test_an_open_wifi_asks_for_no_password(page, portal):
    to_step(page, portal, "wifi")
    page.get_by_text("Gasthof").click()
    assert not page.get_by_label("Wi-Fi password").is_visible()
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Connected to “Gasthof”.").wait_for()


def test_the_phone_loses_the_access_point_during_the_test(page, portal):
    to_step(page, portal, "wifi")
    page.get_by_text("Zuhause").click()
    page.get_by_label("Wi-Fi password").fill("geheim1234")
    lost = []

    def away(route):
        lost.append(route.request.method)
        route.abort()

    page.route("**/api/wifi/test", away, times=4)
    # The POST does not arrive at the mock: the radio has gone. The dongle tests all the same.
    portal.wifi_answer = {"state": "running", "result": None, "ssid": "Zuhause"}
    with page.expect_response("**/api/wifi/test", timeout=15_000):
        page.get_by_role("button", name="Connect").click()
    portal.wifi_answer |= {"state": "done", "result": "ok", "address": "192.168.1.23", "name": None}
    page.get_by_text("Connected to “Zuhause”.").wait_for()
    assert lost == ["POST", "GET", "GET", "GET"]
    assert wifi_tests(portal) == [], "it is under way: nothing to send again"


@pytest.mark.parametrize("result", ["ok", "wifi-password"])
def test_who_comes_back_in_the_midst_of_a_wifi_test_sees_how_it_ends(page, portal, result):
    """A phone that lost the access point has closed the page, too."""
    portal.wifi_answer = {"state": "running", "result": None, "ssid": "Zuhause"}
    to_step(page, portal, "wifi")
    page.get_by_text("Meterling is connecting to “Zuhause”").wait_for()
    assert page.get_by_role("radio").count() == 0, "nothing is scanned meanwhile"
    end = {"state": "done", "result": result, "address": "192.168.1.23", "name": None}
    portal.wifi_answer |= end
    if result == "ok":
        page.get_by_text("Connected to “Zuhause”.").wait_for()
        return
    page.get_by_text("The Wi-Fi password is wrong.").wait_for()
    assert page.get_by_role("radio", name="Zuhause").is_checked()
    page.get_by_label("Wi-Fi password").fill("geheim1234")
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Connected to “Zuhause”.").wait_for()


def test_looking_again_keeps_what_was_chosen_unless_it_is_gone(page, portal):
    to_step(page, portal, "wifi")
    page.get_by_text("Zuhause").click()
    page.get_by_label("Wi-Fi password").fill("geheim1234")
    with page.expect_response("**/api/wifi/scan"):
        page.get_by_role("button", name="Look again").click()
    page.wait_for_timeout(100)
    assert page.get_by_role("radio", name="Zuhause").is_checked()
    assert page.get_by_label("Wi-Fi password").input_value() == "geheim1234"
    portal.networks = [one for one in portal.networks if one["ssid"] != "Zuhause"]
    page.get_by_role("button", name="Look again").click()
    page.get_by_role("button", name="Connect").wait_for(state="hidden")
    assert page.get_by_role("radio", checked=True).count() == 0


@pytest.mark.parametrize(
    "before", [{"ssid": "Gasthof", "result": "ok"}, {"ssid": "Zuhause", "result": "wifi-password"}]
)
def test_the_result_of_an_older_wifi_test_is_not_taken_for_this_one(page, portal, before):
    portal.wifi_answer = {"state": "done", "address": "192.168.1.23", "name": None, **before}
    to_step(page, portal, "wifi")
    page.get_by_text("Zuhause").click()
    page.get_by_label("Wi-Fi password").fill("geheim1234")
    page.route("**/api/wifi/test", lambda route: route.abort(), times=1)  # the POST gets lost
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Connected to “Zuhause”.").wait_for()
    assert portal.settings["wifi"]["ssid"] == "Zuhause"


def test_a_wifi_test_that_never_arrives_is_told(page, portal):
    portal.wifi_answer = {"state": "done", "result": "ok", "ssid": "Gasthof"}
    to_step(page, portal, "wifi")
    page.get_by_text("Zuhause").click()
    page.get_by_label("Wi-Fi password").fill("geheim1234")
    lost = []

    def away(route):
        if route.request.method == "GET":
            return route.continue_()
        lost.append(route)
        return route.abort()

    page.route("**/api/wifi/test", away)
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Meterling does not answer.").wait_for(timeout=15_000)
    assert len(lost) == 3 and wifi_tests(portal) == []


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_late_failure_leaves_the_cursor_where_the_owner_types(page, portal, elsewhere):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Device").click()
    name = page.get_by_label("Name in the network")
    name.wait_for()
    page.locator("summary", has_text="Wi-Fi").click()
    page.get_by_text("Zuhause").click()
    password = page.get_by_label("Wi-Fi password")
    password.fill("falsch1234")
    asked = held(page, "**/api/wifi/test", times=2)
    page.get_by_role("button", name="Connect").click()
    arrive(page, asked, 1)
    asked[0].continue_()
    arrive(page, asked, 2)
    if elsewhere:
        name.fill("kel")
    asked[1].continue_()
    page.get_by_text("The Wi-Fi password is wrong.").wait_for()
    assert (name if elsewhere else password).evaluate("one => one === document.activeElement")


def test_the_operator_explains_the_way_to_the_key(page, portal):
    to_step(page, portal, "meter")
    page.get_by_label("Grid operator").select_option("Stadtwerke Schwaz")
    steps = page.locator("ol.way li")
    steps.first.wait_for()
    assert steps.count() == 6
    page.get_by_text("Paste the key tomorrow").wait_for()
    assert page.locator("ol.way li:nth-child(5)").inner_text().startswith("Copy the key the next")
    # The dongle remembers it, and the next page tells the right pins.
    page.wait_for_timeout(200)
    assert portal.settings["meter"]["operator"] == "at-schwaz"
    portal.silent()
    page.get_by_text("No signal: is the plug in? (RJ12, Pin 3 (+), Pin 4 (−))").wait_for()
    page.reload()
    page.locator("ol.way li").first.wait_for()
    assert page.get_by_label("Grid operator").input_value() == "at-schwaz"


def test_an_operator_who_answers_late_is_not_the_one_chosen_since(page, portal):
    to_step(page, portal, "meter")
    answers = held(page, re.compile(r"/api/operators/"))
    for i, operator in enumerate(("at-schwaz", "lu")):
        page.get_by_label("Grid operator").select_option(operator)
        arrive(page, answers, i + 1)
    answers[1].continue_()
    page.get_by_text("RJ12 socket on the meter (P1)").wait_for()
    with page.expect_response(re.compile("at-schwaz")) as late:
        answers[0].continue_()
    late.value.finished()
    page.wait_for_timeout(200)
    assert page.get_by_text("RJ12 socket on the meter (P1)").is_visible()
    page.get_by_role("button", name="Next").click()
    page.get_by_text("the second key is the same for all").wait_for()  # in Luxembourg only


def test_the_key_comes_tomorrow(page, portal):
    to_step(page, portal, "key")
    portal.silent()
    page.get_by_role("button", name="I do not have a key yet").click()
    page.get_by_label("Only this page").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Still missing: the key.").wait_for()
    assert portal.setup_done
    # The next day
    portal.encrypted(KEY)
    page.get_by_role("link", name="To the live values").click()
    page.get_by_text("The key is still missing.").wait_for()
    page.get_by_role("link", name="Settings").click()
    page.locator("summary", has_text="Key").click()
    page.get_by_label("Key (GUEK)").fill(PASTED)
    page.get_by_role("button", name="Check and save").click()
    page.get_by_text("It fits!").wait_for()
    page.get_by_role("link", name="Live").click()
    portal.read(KAIFA)
    power(page, "852 W")


def test_an_end_of_the_setup_that_gets_lost_is_tried_again(page, portal):
    page.route("**/api/setup/done", lambda route: route.abort(), times=1)
    to_step(page, portal, "done")
    page.get_by_text("Meterling does not answer.").wait_for()
    assert not portal.setup_done
    assert page.get_by_role("link", name="To the live values").is_visible()
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("Still missing: the key.").wait_for()
    assert portal.setup_done
    assert not page.get_by_role("button", name="Try again").is_visible()


def test_the_end_of_the_setup_restarts_if_the_dongle_says_so(page, portal):
    portal.pending = True  # by another phone, or before this page was loaded again
    to_step(page, portal, "done")
    with page.expect_response("**/api/reboot"):
        page.get_by_text("Still missing: the key.").wait_for()
    page.evaluate("location.hash = '#live'")
    page.get_by_role("navigation").wait_for()
    with page.expect_response("**/api/setup/done"):
        page.evaluate("location.hash = '#setup/done'")
    page.get_by_text("Still missing: the key.").wait_for()
    page.wait_for_timeout(200)
    assert portal.restarted == 1


# The key doctor


def test_a_wrong_key_does_not_look_like_a_dead_port(page, portal):
    portal.encrypted(KEY)
    to_step(page, portal, "key")
    page.get_by_label("Key (GUEK)").fill(KEY[::-1])
    page.get_by_role("button", name="Check and save").click()
    page.get_by_text("This key does not fit the meter.").wait_for()
    page.get_by_text("The telegrams arrive flawlessly: cable and interface are fine.").wait_for()
    assert portal.settings["meter"]["key"] == "", "a wrong key is saved only if the owner insists"
    page.get_by_role("button", name="Save anyway").click()
    page.get_by_text("The key does not fit this meter.").wait_for()
    page.get_by_text("Cable and interface are fine. Compare the key").wait_for()
    assert portal.settings["meter"]["key"] == KEY[::-1]


def test_a_key_is_sent_once_though_the_owner_taps_twice(page, portal):
    portal.encrypted(KEY)
    to_step(page, portal, "key")
    page.get_by_label("Key (GUEK)").fill(KEY[::-1])
    page.get_by_role("button", name="Check and save").click()
    saved = held(page, "**/api/settings")
    page.get_by_role("button", name="Save anyway").dblclick()
    arrive(page, saved, 1)
    page.wait_for_timeout(200)
    for route in saved:
        route.continue_()
    page.get_by_text("The key does not fit this meter.").wait_for()
    page.wait_for_timeout(200)
    assert page.locator("form .note").inner_text() == "Saved."
    assert len(saved) == 1
    assert portal.settings["meter"]["key"] == KEY[::-1]


@pytest.mark.parametrize("pasted", ["after the first telegram", "before the first telegram"])
def test_two_keys_the_other_way_round(page, portal, pasted):
    early = pasted.startswith("before")
    portal.silent() if early else portal.encrypted(KEY)
    to_step(page, portal, "key")
    page.get_by_text("I have two keys").click()
    page.get_by_label("Key (GUEK)").fill(AUTH_KEY)
    page.get_by_label("Second key (GAK)").fill(KEY)
    page.get_by_role("button", name="Check and save").click()
    if early:
        page.get_by_text("Whether it fits nobody can tell yet").wait_for()
        assert portal.settings["meter"]["key"] == AUTH_KEY
        portal.encrypted(KEY)
    page.get_by_text("The two were swapped; Meterling has put them right.").wait_for()
    assert portal.settings["meter"]["key"] == KEY
    assert portal.settings["meter"]["auth_key"] == AUTH_KEY


@pytest.mark.parametrize(
    "pasted, sentence",
    [
        ("", "There is nothing here yet."),
        ("4711 0815 2026", "customer, meter or metering-point number (12 digits)"),
        (PASTED[:-2], "only 30 of 32 hex digits"),
        (KEY + "AB", "34 hex digits; a key has 32"),
        ("Sehr geehrte Damen und Herren", "characters that are in no key"),
    ],
)
def test_what_is_no_key_is_called_what_it_is(page, portal, pasted, sentence):
    portal.encrypted(KEY)
    to_step(page, portal, "key")
    page.get_by_label("Key (GUEK)").fill(pasted)
    page.get_by_role("button", name="Check and save").click()
    page.get_by_text(sentence).wait_for()
    assert page.get_by_label("Key (GUEK)").evaluate("one => one === document.activeElement")
    assert portal.settings["meter"]["key"] == ""


@pytest.mark.parametrize(
    "pasted, sentence", [(KEY, "It fits!"), (KEY[::-1], "This key does not fit the meter.")]
)
def test_a_key_before_the_first_telegram_is_checked_when_it_comes(page, portal, pasted, sentence):
    portal.silent()
    to_step(page, portal, "key")
    page.get_by_label("Key (GUEK)").fill(pasted)
    page.get_by_role("button", name="Check and save").click()
    page.get_by_text("Whether it fits nobody can tell yet").wait_for()
    assert portal.settings["meter"]["key"] == pasted
    portal.encrypted(KEY)
    page.get_by_text(sentence).wait_for()


def test_a_meter_that_does_not_cipher_needs_no_key(page, portal):
    portal.read(KAIFA)
    to_step(page, portal, "key")
    page.get_by_text("The meter does not encrypt: you need no key.").wait_for()


def test_the_public_second_key_is_filled_in(page, portal):
    to_step(page, portal, "meter")
    page.get_by_label("Grid operator").select_option("lu")
    page.locator("ol.way li").first.wait_for()
    page.get_by_role("button", name="Next").click()
    second = page.get_by_label("Second key (GAK)")
    second.wait_for()
    assert second.input_value() == "00112233445566778899AABBCCDDEEFF"
    page.get_by_text("the second key is the same for all").wait_for()


def test_the_public_second_key_is_filled_in_in_the_settings_too(page, portal):
    portal.settings["meter"]["operator"] = "lu"
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Key").click()
    page.get_by_text("the second key is the same for all").wait_for()
    second = page.get_by_label("Second key (GAK)")
    assert second.input_value() == "00112233445566778899AABBCCDDEEFF"
    page.get_by_label("Grid operator").select_option("Stadtwerke Schwaz")
    page.get_by_text("the second key is the same for all").wait_for(state="hidden")
    assert second.input_value() == "", "it is not that operator's"
    second.fill(AUTH_KEY)
    page.get_by_label("Grid operator").select_option("lu")
    page.get_by_text("the second key is the same for all").wait_for()
    assert second.input_value() == AUTH_KEY, "the owner's own stays"


def test_secrets_stay_nowhere_in_the_browser(page, portal):
    portal.encrypted(KEY)
    to_step(page, portal, "key")
    page.get_by_label("Key (GUEK)").fill(KEY)
    page.get_by_role("button", name="Check and save").click()
    page.get_by_text("It fits!").wait_for()
    kept = page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href,"
        " document.documentElement.outerHTML, [...document.querySelectorAll('input,textarea')]"
        ".map(one => one.value)])"
    )
    assert KEY not in kept and PASSWORD not in kept


# Where to


def test_a_broker_is_tested_before_it_is_saved(page, portal):
    to_step(page, portal, "where")
    page.get_by_label("Another MQTT broker").check()
    page.get_by_role("button", name="Test and save").click()
    page.get_by_text("Please enter the address of the broker.").wait_for()
    page.get_by_label("Address of the broker").fill("brocker.local")
    page.get_by_role("button", name="Test and save").click()
    page.get_by_text("The network does not know this name.").wait_for()
    page.get_by_label("Address of the broker").fill("broker.local")
    page.get_by_label("User", exact=True).fill("me")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Test and save").click()
    page.get_by_text("User or password is wrong.").wait_for()
    assert portal.settings["mqtt"]["host"] == ""
    page.get_by_label("Password", exact=True).fill("mqtt-pass")
    page.get_by_role("button", name="Test and save").click()
    page.get_by_role("heading", name="Done!").wait_for()
    assert portal.settings["mqtt"]["host"] == "broker.local"
    # What was saved takes effect only after a restart, which the end of the setup asks for.
    page.get_by_role("link", name="To the live values").wait_for()
    page.wait_for_timeout(200)
    assert portal.restarted == 1


def test_a_broker_whose_test_was_left_does_not_end_the_setup(page, portal):
    to_step(page, portal, "where")
    page.get_by_label("Another MQTT broker").check()
    page.get_by_label("Address of the broker").fill("broker.local")
    page.get_by_label("User", exact=True).fill("me")
    page.get_by_label("Password", exact=True).fill("mqtt-pass")
    tests = held(page, "**/api/mqtt/test")
    page.get_by_role("button", name="Test and save").click()
    arrive(page, tests, 1)
    page.get_by_role("button", name="Back").click()
    key = page.get_by_label("Key (GUEK)")
    key.fill("36 c6")
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        tests[0].continue_()
    page.wait_for_timeout(300)
    assert page.url.endswith("#setup/key") and key.input_value() == "36 c6"
    assert portal.settings["mqtt"]["host"] == "broker.local", "as was asked for"
    assert not portal.setup_done and not portal.restarted


def test_home_assistant_knows_its_usual_address(page, portal):
    to_step(page, portal, "where")
    page.get_by_label("Home Assistant").check()
    assert page.get_by_label("Address of the broker").input_value() == "homeassistant.local"
    page.get_by_text("Home Assistant did not answer the search.").wait_for()
    page.get_by_label("Another MQTT broker").check()
    assert page.get_by_label("Address of the broker").input_value() == ""
    page.get_by_text("No broker announces itself in this network.").wait_for()
    page.get_by_label("Address of the broker").fill("broker.local")
    portal.test_mqtt = lambda asked: {"result": "dns-no-answer"}
    page.get_by_role("button", name="Test and save").click()
    page.get_by_text("Nobody in this network is called broker.local.").wait_for()
    page.get_by_label("Address of the broker").fill("broker.example")
    page.get_by_role("button", name="Test and save").click()
    page.get_by_text("The name server did not answer.").wait_for()


def announced(kind, name, address, port=1883):
    return {"kind": kind, "name": name, "host": address, "address": address, "port": port}


def test_home_assistant_is_found_by_itself(page, portal):
    portal.found = [
        announced("homeassistant", "Zuhause", "192.168.1.20"),
        announced("mqtt", "nas", "192.168.1.9", 1884),
    ]
    portal.brokers = {("192.168.1.20", 1883): ("me", "mqtt-pass")}
    to_step(page, portal, "where")
    page.get_by_label("Home Assistant").check()
    page.get_by_role("button", name="Home Assistant “Zuhause” at 192.168.1.20").wait_for()
    page.get_by_text("A broker answers at 192.168.1.20. Enter the user and").wait_for()
    assert page.get_by_label("Address of the broker").input_value() == "192.168.1.20"
    assert not page.get_by_role("button", name="nas").is_visible()
    page.get_by_label("Another MQTT broker").check()
    assert page.get_by_label("Address of the broker").input_value() == ""
    page.get_by_label("Home Assistant").check()
    page.get_by_text("A broker answers at 192.168.1.20. Enter the user and").wait_for()
    page.get_by_label("User", exact=True).fill("me")
    page.get_by_label("Password", exact=True).fill("mqtt-pass")
    page.get_by_role("button", name="Test and save").click()
    page.get_by_role("heading", name="Done!").wait_for()
    assert portal.settings["mqtt"]["host"] == "192.168.1.20"


def test_home_assistant_without_a_broker_is_told_from_a_wrong_address(page, portal):
    portal.found = [announced("homeassistant", "", "192.168.1.20")]
    portal.test_mqtt = lambda asked: {"result": "mqtt-refused"}
    to_step(page, portal, "where")
    page.get_by_label("Home Assistant").check()
    page.get_by_role("button", name="Home Assistant at 192.168.1.20").wait_for()
    page.get_by_text("but no MQTT broker: install the add-on “Mosquitto broker”").wait_for()


def test_of_several_the_owner_chooses(page, portal):
    portal.found = [
        announced("homeassistant", "Zuhause", "192.168.1.20"),
        announced("homeassistant", "Werkstatt", "192.168.1.21"),
        announced("mqtt", "nas", "192.168.1.9", 1884),
    ]
    portal.brokers = {("192.168.1.9", 1884): ("", "")}
    to_step(page, portal, "where")
    page.get_by_label("Home Assistant").check()
    page.get_by_role("button", name="“Werkstatt”").wait_for()
    assert page.get_by_label("Address of the broker").input_value() == "homeassistant.local"
    page.get_by_label("Another MQTT broker").check()
    page.get_by_role("button", name="nas at 192.168.1.9").click()
    page.get_by_text("A broker answers at 192.168.1.9, and asks for no user.").wait_for()
    assert page.get_by_label("Port").input_value() == "1884"
    assert findings(page) == []
    searches = [path for _, path, _ in portal.requests if path == "/api/mqtt/find"]
    assert len(searches) == 1


@pytest.mark.parametrize(
    "label, entered, cursor_stays",
    [
        ("Address of the broker", "homeassistant.local", True),
        ("Address of the broker", "10.0.0.7", False),
        ("Port", "8883", False),
        ("User", "", True),
        ("User", "me", False),
        ("Password", "mqtt-pass", False),
    ],
)
def test_what_the_owner_enters_meanwhile_stays(page, portal, label, entered, cursor_stays):
    portal.found = [announced("homeassistant", "Zuhause", "192.168.1.20")]
    to_step(page, portal, "where")
    searches = held(page, "**/api/mqtt/find")
    page.get_by_label("Home Assistant").check()
    arrive(page, searches, 1)
    # Found while the cursor is in a field, before or after the owner typed something; or later.
    page.get_by_label(label, exact=True).fill(entered)
    if not cursor_stays:
        page.get_by_label("Home Assistant").focus()
    expected = {"Address of the broker": "homeassistant.local", "Port": "1883"} | {label: entered}
    searches[0].continue_()
    page.get_by_role("button", name="“Zuhause”").wait_for()
    for name, text in expected.items():
        assert page.get_by_label(name, exact=True).input_value() == text


def test_home_assistant_is_taken_though_another_broker_was_tried_before(page, portal):
    portal.found = [
        announced("homeassistant", "Zuhause", "192.168.1.20"),
        announced("mqtt", "nas", "192.168.1.9", 1884),
    ]
    to_step(page, portal, "where")
    page.get_by_label("Another MQTT broker").check()
    page.get_by_role("button", name="nas at 192.168.1.9").click()
    page.get_by_label("Home Assistant").check()
    page.get_by_role("button", name="“Zuhause”").wait_for()
    assert page.get_by_label("Address of the broker").input_value() == "192.168.1.20"
    assert page.get_by_label("Port").input_value() == "1883"


def test_a_late_answer_of_a_broker_that_was_left_is_not_told(page, portal):
    portal.found = [
        announced("homeassistant", "Zuhause", "192.168.1.20"),
        announced("homeassistant", "Werkstatt", "192.168.1.21"),
    ]
    to_step(page, portal, "where")
    tests = held(page, "**/api/mqtt/test")
    page.get_by_label("Home Assistant").check()
    for i, name in enumerate(("Zuhause", "Werkstatt")):
        page.get_by_role("button", name=f"“{name}”").click()
        arrive(page, tests, i + 1)
    tests[1].fulfill(json={"result": "ok"})
    page.get_by_text("A broker answers at 192.168.1.21").wait_for()
    with page.expect_response("**/api/mqtt/test"):
        tests[0].fulfill(json={"result": "mqtt-timeout"})
    page.wait_for_timeout(200)
    assert page.get_by_text("A broker answers at 192.168.1.21").is_visible()
    # And if the owner enters another one, it is not being tested any more.
    page.get_by_role("button", name="“Zuhause”").click()
    arrive(page, tests, 3)
    page.get_by_label("Address of the broker").fill("10.0.0.7")
    tests[2].fulfill(json={"result": "ok"})
    page.get_by_text("Testing the connection").wait_for(state="hidden")
    assert not page.get_by_text("A broker answers").is_visible()


# Live


@pytest.mark.parametrize(
    "values, text",
    [
        ({"1-0:1.7.0": ("0", "W"), "1-0:2.7.0": ("1190", "W")}, "−1,190 W"),
        ({"1-0:1.7.0": ("1.193", "kW"), "1-0:2.7.0": ("0.000", "kW")}, "1,193 W"),
        ({"1-0:16.7.0": ("-404.47", "W")}, "−404 W"),
        ({"1-0:1.7.0": ("77", "W")}, "77 W"),
        ({"1-1:1.7.0": ("0.210", "kW"), "1-1:2.7.0": ("0.000", "kW")}, "210 W"),
        ({"1-0:1.7.0": [("500", "W"), ("400", "W")], "1-0:2.7.0": ("0", "W")}, "500 W"),
        ({"1-0:1.7.0": ("0", "W"), "1-0:2.7.0": ("0", "W")}, "0 W"),
        ({"1-0:1.7.0": (None, "W")}, "–"),
        ({"1-0:1.8.0": ("6762463", "Wh")}, "–"),
        ({"1-0:1.7.0": ("852", "")}, "–"),
    ],
    ids=["W", "kW", "sum", "import", "Norway", "list", "zero", "null", "missing", "no-unit"],
)
def test_power_is_import_minus_export(page, portal, values, text):
    log_in(page, portal)
    portal.read(values)
    page.locator(".age[data-tone=good]").wait_for()
    power(page, text)
    if text == "–":
        page.get_by_text("No current value").wait_for()


def test_meter_readings_are_exactly_those_of_the_display(page, portal):
    log_in(page, portal)
    portal.read(
        {
            "1-0:1.8.0": ("12345678901", "Wh"),
            "1-0:1.8.1": ("001234.500".lstrip("0"), "kWh"),
            "1-0:1.8.2": ("98765432.101", "kWh"),
            "1-0:2.8.0": ("0", "Wh"),
        }
    )
    page.get_by_text("12,345,678.901").wait_for()
    texts = [text.replace("\xa0", " ") for text in page.locator("dl.big dd").all_inner_texts()]
    assert texts == ["12,345,678.901 kWh", "1,234.500 kWh", "98,765,432.101 kWh", "0.000 kWh"]
    assert page.locator("dl.big dt").all_inner_texts() == [
        "Import",
        "Import, tariff 1",
        "Import, tariff 2",
        "Export",
    ]


def test_phases(page, portal):
    log_in(page, portal)
    portal.read(
        KAIFA
        | {
            "1-0:52.7.0": ("233.9", "V"),
            "1-0:41.7.0": ("0.000", "kW"),
            "1-0:42.7.0": ("0.095", "kW"),
            "1-0:72.7.0": (None, "V"),
        }
    )
    shown(page, "tbody tr:first-child", "235.3 V 1.15 A –")
    shown(page, "tbody tr:last-child", "L2 233.9 V –")
    shown(page, "tbody tr:last-child", "−95 W")
    assert page.locator("table.numbers tbody tr").count() == 2, "a phase without any value is none"


def test_a_value_keeps_until_it_is_old_though_a_short_list_came_between(page, portal):
    log_in(page, portal)
    portal.read(KAIFA)
    power(page, "852 W")
    portal.read({"1-0:1.7.0": ("900", "W"), "1-0:2.7.0": ("0", "W")})
    power(page, "900 W")
    shown(page, "tbody tr:first-child", "235.3 V")
    page.get_by_text("6,762.463").wait_for()


def test_what_is_old_is_never_shown_as_now(chromium, portal):
    with window(chromium, portal.url) as page:
        page.clock.install()
        log_in(page, portal)
        portal.read(KAIFA, interval=5000)
        power(page, "852 W")
        page.clock.fast_forward(10_000)
        power(page, "852 W")
        page.clock.fast_forward(8_000)
        power(page, "–")
        shown(page, ".power", "No current value. Last 852 W, ")
        assert "W" not in page.locator(".now").inner_text()
        shown(page, "tbody tr:first-child", "L1 –")
        # A meter reading stays true, and says of when it is.
        shown(page, "dl.big dd", "6,762.463 kWh")
        shown(page, "dl.big dd", "18 s ago")


def test_the_last_reading_has_its_true_age(page, portal):
    portal.read(KAIFA)
    portal.at -= 6
    log_in(page, portal)
    power(page, "852 W")
    shown(page, ".age", "10 s ago")
    portal.at -= 3600
    page.reload()
    shown(page, ".power", "No current value. Last 852 W, 60 min ago")


def test_a_long_pause_of_the_meter_does_not_keep_a_value_fresh(page, portal):
    portal.read(KAIFA, interval=3 * 3600 * 1000)
    portal.at -= 600
    log_in(page, portal)
    shown(page, ".power", "No current value. Last 852 W, 10 min ago")


def test_what_waited_while_the_phone_slept_is_not_of_now(chromium, portal, monkeypatch):
    monkeypatch.setattr(portal_mock, "_KEEP_ALIVE", 60)
    with window(chromium, portal.url) as page:
        page.clock.install()
        log_in(page, portal)
        portal.read(KAIFA)
        power(page, "852 W")
        # Frozen for 20 min: no timer runs. Then comes at once what the old connection kept.
        (connection,) = portal.viewers
        page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
        page.clock.set_system_time(page.evaluate("Date.now()") / 1000 + 1200)
        portal.last = reading(KAIFA | {"1-0:1.7.0": ("900", "W")})
        portal.at -= 1200
        connection.put(("reading", portal.last))
        shown(page, ".power", "No current value. Last 900 W, 20 min ago")
        # One new connection is enough.
        portal.read(KAIFA | {"1-0:1.7.0": ("950", "W")})
        power(page, "950 W")
        assert [path for _, path, _ in portal.requests].count("/api/live") == 2


def test_quality_says_which_layer_refused(page, portal):
    portal.lost = 3
    portal.errors = {"checksum": 2, "noise": 1, "tag": 4, "implausible": 1}
    log_in(page, portal)
    portal.read(KAIFA)
    shown(page, "dl.facts", "Lost (by the meter’s count) 3")
    shown(page, "dl.facts", "Refused line 3, encryption 4, data 1")


def test_all_values_of_the_meter(page, portal):
    log_in(page, portal)
    portal.read(
        KAIFA
        | {
            "?10": ("7", ""),
            "0-1:24.2.1": [("88.100", "m3"), ("12.5", "m3")],
            "0-0:96.1.0": ('"<b>181220000009</b>"', ""),
        }
    )
    power(page, "852 W")
    page.get_by_text("All values of the meter").click()
    shown(page, "table.all tr", "Active energy, import 1-0:1.8.0 6,762,463 Wh")
    shown(page, "table.all tr", "Gas, water or heat (channel 1) 0-1:24.2.1 88.100 m3")
    shown(page, "table.all tr", "12.5 m3")
    shown(page, "table.all tr", "?10 7")
    shown(page, "table.all tr", "<b>181220000009</b>")


# How many of the columns of the picture that stand for from .. to (s ago) have ink in colour.
_INKED = """([from, to]) => {
  const canvas = document.querySelector('.graph canvas');
  const over = document.querySelector('.u-over').getBoundingClientRect();
  const at = canvas.getBoundingClientRect();
  const scale = canvas.width / at.width;
  const x = (ago) => Math.round((over.left - at.left + over.width * (1 - ago / 300)) * scale);
  const width = x(to) - x(from);
  const { data } = canvas.getContext('2d').getImageData(x(from), 0, width, canvas.height);
  let columns = 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < canvas.height; j++) {
      const [r, g, b, a] = data.slice(4 * (j * width + i), 4 * (j * width + i) + 4);
      if (a && Math.max(r, g, b) - Math.min(r, g, b) > 40) { columns++; break; }
    }
  }
  return columns / width;
}"""


def test_a_gap_in_the_graph_is_a_gap(chromium, portal):
    with window(chromium, portal.url) as page:
        page.clock.install()
        log_in(page, portal)
        page.get_by_text("The picture grows while you watch.").wait_for()
        for i in range(40):  # 5 s each; nothing from 100 s to 50 s ago
            if not 20 <= i < 30:
                count = 500 + 10 * i
                portal.read(KAIFA | {"1-0:1.7.0": (str(count), "W")})
                power(page, f"{count} W")
            page.clock.run_for(5000)
        page.wait_for_selector(".graph canvas")
        page.wait_for_timeout(100)
        # The page's clock also runs by itself: some seconds of doubt at every edge.
        assert page.evaluate(_INKED, [190, 120]) > 0.95
        assert page.evaluate(_INKED, [40, 15]) > 0.95
        assert page.evaluate(_INKED, [90, 65]) == 0
        assert page.evaluate(_INKED, [290, 220]) == 0
        label = page.get_by_role("img", name="Power in the last 5 minutes").get_attribute(
            "aria-label"
        )
        assert "between 500 W and 890 W, last 890 W" in label.replace("\xa0", " ")


def test_a_broken_connection_is_told_and_mended(page, portal):
    log_in(page, portal)
    portal.read(KAIFA)
    power(page, "852 W")
    for viewer in list(portal.viewers):
        viewer.put(("close", ""))
    page.get_by_text("Meterling does not answer at the moment.").wait_for()
    page.get_by_text("Meterling does not answer at the moment.").wait_for(state="hidden")
    portal.read(KAIFA | {"1-0:1.7.0": ("900", "W")})
    power(page, "900 W")


def test_a_fifth_viewer_is_told_so_and_let_in_later(page, portal):
    portal.viewers += [object()] * 4
    portal.tell = lambda event: None
    log_in(page, portal)
    page.get_by_text("Four others are watching").wait_for()
    del portal.tell
    portal.viewers.clear()
    page.get_by_text("Four others are watching").wait_for(state="hidden")


def test_why_mqtt_or_wifi_is_away_stands_there(page, portal):
    log_in(page, portal)
    status = portal.status

    def away():
        found = status()
        found["mqtt"] = {"on": True, "connected": False, "error": "mqtt-refused"}
        found["wifi"] |= {"up": False, "rssi": None, "problem": "wifi-not-found"}
        return found

    portal.status = away
    portal.tell("status")
    shown(page, "dd", "Not connected Nobody listens at this address and port.")
    shown(page, "dd", "This network cannot be found here.")
    assert findings(page) == []


def test_without_the_graph_the_numbers_are_there(page, portal):
    page.route("**/graph-*.js", lambda route: route.abort())
    log_in(page, portal)
    portal.read(KAIFA)
    power(page, "852 W")


def test_without_javascript_the_page_leads_to_the_plain_one(chromium, portal):
    with window(chromium, portal.url, java_script_enabled=False) as page:
        page.goto(portal.url)
        page.wait_for_url("**/plain")


# Login


def test_login(page, portal):
    portal.owned(PASSWORD)
    portal.read(KAIFA)
    page.goto(portal.url)
    for _ in range(3):
        page.get_by_label("Password", exact=True).fill("wrong one")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("The password is wrong.").wait_for()
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("Too many tries. Go on in 4 s.").wait_for()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    power(page, "852 W")


def test_a_session_that_ended_leads_to_the_login(page, portal):
    log_in(page, portal)
    portal.sessions.clear()
    page.evaluate("location.hash = '#log'")  # the link may be gone already: the feed notices, too
    page.get_by_role("heading", name="Log in").wait_for()


def test_log_out(page, portal):
    log_in(page, portal, "#settings")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Log in").wait_for()


def test_a_short_password_is_refused_before_it_is_sent(page, portal):
    page.goto(portal.url)
    page.get_by_label("Password for this page").fill("kurz")
    page.get_by_role("button", name="Next").click()
    page.get_by_text("The password is too short.").wait_for()
    assert portal.password is None


def test_an_unfinished_setup_goes_on(page, portal):
    portal.password = PASSWORD
    page.goto(portal.url)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Wi-Fi").wait_for()


# Settings


def test_settings_are_saved_and_errors_stand_at_their_field(page, portal):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Device").click()
    name = page.get_by_label("Name in the network")
    name.fill("x" * 40)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("This is too long.").wait_for()
    assert name.get_attribute("aria-invalid") == "true"
    name.fill("keller")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert portal.settings["device"] == "keller"


def test_the_time_zone_is_chosen_by_a_city_or_written(page, portal):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Device").click()
    zone = page.get_by_label("Time zone", exact=True)
    text = page.get_by_label("Time zone as POSIX writes it")
    assert "Wien" in zone.locator("option:checked").inner_text() and not text.is_visible()
    zone.select_option("London")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert portal.settings["timezone"] == "GMT0BST,M3.5.0/1,M10.5.0"
    zone.select_option("Another one …")
    text.fill("Vienna")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("This is no time zone.").wait_for()
    text.fill("MSK-3")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert portal.settings["timezone"] == "MSK-3"
    page.reload()
    page.locator("summary", has_text="Device").click()
    page.get_by_label("Time zone as POSIX writes it").wait_for()
    assert page.get_by_label("Time zone as POSIX writes it").input_value() == "MSK-3"
    assert findings(page) == []


def test_line_settings_keep_their_types_and_ask_for_a_restart(page, portal):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Meter and line").click()
    page.get_by_label("Baud rate").select_option("9600")
    page.get_by_label("Signal inverted").select_option("Yes")
    page.get_by_label("Pin RX").fill("21")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("This takes effect after a restart.").wait_for()
    meter = portal.settings["meter"]
    assert (meter["baudrate"], meter["inverted"], meter["rx_pin"]) == (9600, True, 21)
    assert (meter["link"], meter["framing"]) == ("auto", "auto")
    page.locator("main .note").get_by_role("button", name="Restart").click()
    page.get_by_text("Restarting").wait_for()
    page.get_by_text("This takes effect after a restart.").wait_for(state="hidden")
    assert portal.restarted == 1


def test_only_what_the_owner_changed_is_saved(page, portal):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Meter and line").click()
    page.get_by_label("Baud rate").select_option("9600")
    portal.settings["meter"].update(framing="8N1", rx_pin=5)  # by another phone

    def save():
        with page.expect_response(lambda answer: answer.request.method == "PUT") as answer:
            page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Saved.").wait_for()
        page.locator("form[aria-busy]").wait_for(state="detached")
        return answer.value.request.post_data_json

    assert save() == {"meter": {"baudrate": 9600}}
    meter = portal.settings["meter"]
    assert (meter["baudrate"], meter["framing"], meter["rx_pin"]) == (9600, "8N1", 5)
    assert save() == {}
    page.get_by_label("Baud rate").select_option("Automatic")
    page.get_by_label("Pin TX").fill("4")
    assert save() == {"meter": {"baudrate": "auto", "tx_pin": 4}}, "as it was at first, too"


def test_a_restart_that_is_needed_is_not_forgotten(page, portal):
    log_in(page, portal, "#settings")
    bar = page.get_by_text("This takes effect after a restart.")
    page.locator("summary", has_text="Meter and line").click()
    page.get_by_label("Baud rate").select_option("9600")
    assert not bar.is_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    bar.wait_for()
    page.get_by_role("link", name="Live").click()
    page.get_by_role("heading", name="Quality").wait_for()
    page.get_by_role("link", name="Settings").click()
    bar.wait_for()
    portal.pending = False  # restarted by another phone
    page.locator("summary", has_text="Device").click()
    page.get_by_label("Name in the network").fill("keller")
    page.get_by_role("button", name="Save", exact=True).click()
    bar.wait_for(state="hidden")


def test_backup(page, portal, tmp_path):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Save and restore").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the settings").click()
    assert download.value.suggested_filename == "meterling-settings.json"
    file = tmp_path / "settings.json"
    for text, sentence in (
        ("no json", "This is no file with settings."),
        ('{"colour": "red"}', "This file has settings that this Meterling does not know."),
        ('{"mqtt": {"host": "10.0.0.2"}}', "Taken over."),
    ):
        file.write_text(text)
        page.get_by_label("File with settings").set_input_files(file)
        page.get_by_text(sentence).wait_for()
    assert portal.settings["mqtt"]["host"] == "10.0.0.2"


def test_a_factory_reset_wants_the_name(page, portal):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Reset to factory settings").click()
    page.get_by_label("Name of the device").fill("meterling")
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_text("The name is wrong.").wait_for()
    page.get_by_label("Name of the device").fill("meterling-a1b2c3")
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_text("All deleted.").wait_for()
    asked = [json.loads(b) for _, path, b in portal.requests if path == "/api/factory-reset"]
    assert asked == [{"confirm": "meterling-a1b2c3"}]


def test_change_the_password(page, portal):
    log_in(page, portal, "#settings")
    page.locator("summary", has_text="Change password").click()
    page.get_by_label("Current password").fill("not it")
    page.get_by_label("Password for this page").fill("another horse")
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("The password is wrong.").wait_for()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("The password is changed.").wait_for()
    assert portal.password == "another horse"


def test_the_log_is_text(page, portal):
    portal.log_text = "<b>boot</b>\n"
    log_in(page, portal, "#log")
    shown(page, "pre", "<b>boot</b>")


# Languages


@pytest.mark.parametrize(
    "locale, language, heading",
    [
        ("de-AT", "de", "Willkommen bei Meterling"),
        ("en-GB", "en", "Welcome to Meterling"),
        ("fr-FR", "en", "Welcome to Meterling"),
    ],
)
def test_the_browser_chooses_the_language(chromium, portal, locale, language, heading):
    with window(chromium, portal.url, locale=locale) as page:
        page.goto(portal.url)
        page.get_by_role("heading", name=heading).wait_for()
        assert page.evaluate("document.documentElement.lang") == language


def test_the_owner_chooses_another_and_it_is_remembered(page, portal):
    log_in(page, portal)
    portal.read(KAIFA)
    power(page, "852 W")
    page.get_by_role("button", name="Deutsch").click()
    page.get_by_text("Bezug aus dem Netz").wait_for()
    shown(page, "dl.big dd", "6 762,463 kWh")
    page.reload()
    page.get_by_text("Bezug aus dem Netz").wait_for()
    assert page.title() == "Live – Meterling"


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("locale", ["de-AT", "en-GB"])
def test_axe_finds_nothing(chromium, portal, scheme, size, locale):
    options = {"color_scheme": scheme, "viewport": size, "locale": locale}
    with window(chromium, portal.url, **options) as page:
        page.goto(portal.url)
        page.locator("input[name=password]").wait_for()
        assert findings(page) == [], "password"
        page.locator("input[name=password]").fill("kurz")
        page.keyboard.press("Enter")
        assert findings(page) == [], "password, refused"
        page.locator("input[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.locator(".choice").first.click()
        assert findings(page) == [], "Wi-Fi"
        page.locator("input[name=wifi-password]").fill("geheim1234")
        page.keyboard.press("Enter")
        page.locator(".qr").wait_for()
        assert findings(page) == [], "Wi-Fi, done"
        page.goto(portal.url + "#setup/meter")
        page.locator("select option[value=at-schwaz]").wait_for(state="attached")
        page.locator("select").select_option("at-schwaz")
        page.locator("ol.way").wait_for()
        portal.encrypted(KEY)
        page.locator(".seen[data-tone=wait]").wait_for()
        assert findings(page) == [], "meter"
        page.goto(portal.url + "#setup/key")
        page.locator("summary").click()
        page.locator("textarea[name=key]").fill(KEY[::-1])
        page.locator("form .row button").last.click()
        page.locator(".note[data-tone=bad]").wait_for()
        assert findings(page) == [], "key"
        page.goto(portal.url + "#setup/where")
        page.locator(".choice").nth(1).click()
        assert findings(page) == [], "where"
        page.goto(portal.url + "#setup/done")
        page.locator("a.button").wait_for()
        assert findings(page) == [], "done"
        page.goto(portal.url + "#live")
        portal.read(KAIFA)
        page.locator(".graph canvas").wait_for()
        page.locator("details summary").click()
        page.locator("table.all td").first.wait_for()
        assert findings(page) == [], "live"
        portal.silent()
        page.locator(".note[data-tone=bad]").wait_for()
        assert findings(page) == [], "live, silent"
        page.goto(portal.url + "#settings")
        for summary in page.locator("details.card > summary").all():
            summary.click()
        page.locator("input[name=confirm]").wait_for()
        page.wait_for_timeout(300)
        assert findings(page) == [], "settings"
        page.goto(portal.url + "#log")
        page.locator("pre").wait_for()
        assert findings(page) == [], "log"
        portal.sessions.clear()
        page.goto(portal.url)
        page.reload()
        page.locator("input[name=password]").wait_for()
        assert findings(page) == [], "login"


@pytest.mark.parametrize("locale", ["de-AT", "en-GB"])
def test_nobody_scrolls_sideways_on_a_small_phone(chromium, portal, locale):
    portal.read(
        KAIFA
        | {
            "1-0:1.7.0": ("12345", "W"),
            "1-0:1.8.0": ("123456789012", "Wh"),
            "1-0:21.7.0": ("12345", "W"),
            "1-0:31.7.0": ("52.15", "A"),
        }
    )
    portal.networks.insert(0, portal.networks[0] | {"ssid": "W" * 32})
    options = {"viewport": {"width": 320, "height": 568}, "locale": locale}
    with window(chromium, portal.url, **options) as page:
        portal.password = PASSWORD
        page.goto(portal.url)
        page.locator("input[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        for where in ("setup/wifi", "setup/meter", "setup/key", "setup/where", "live", "settings"):
            page.goto(f"{portal.url}#{where}")
            page.wait_for_timeout(300)
            for summary in page.locator("details > summary").all():
                if summary.is_visible():
                    summary.click()
            page.wait_for_timeout(100)
            assert not wider_than_screen(page), where


def test_the_whole_setup_by_keyboard(page, portal):
    portal.encrypted(KEY)
    page.goto(portal.url)

    def go_to(name):
        """Tab until the element called `name` has the focus, which must be seen."""
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(() => { const one = document.activeElement; const place = one.closest('.choice');"
                " return [one.labels?.[0]?.innerText || one.innerText || '',"
                " getComputedStyle(place ?? one).outlineStyle]; })()"
            )
            if focused[0].strip().startswith(name):
                assert focused[1] == "solid", f"the focus on {name} is not to be seen"
                return
        raise AssertionError(f"no way to {name} by Tab")

    page.get_by_label("Password for this page").wait_for()
    go_to("Password for this page")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("Zuhause").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1", "the new page begins here"
    go_to("Zuhause")
    page.keyboard.press("Space")
    go_to("Wi-Fi password")
    page.keyboard.type("geheim1234")
    page.keyboard.press("Enter")
    page.get_by_text("Connected to “Zuhause”.").wait_for()
    go_to("Next")
    page.keyboard.press("Enter")
    page.get_by_text("The key is still missing.").wait_for()
    go_to("Next")
    page.keyboard.press("Enter")
    page.get_by_label("Key (GUEK)").wait_for()
    go_to("Key (GUEK)")
    page.keyboard.insert_text(PASTED)
    go_to("Check and save")
    page.keyboard.press("Enter")
    page.get_by_text("It fits!").wait_for()
    go_to("Next")
    page.keyboard.press("Enter")
    page.get_by_label("Only this page").wait_for()
    go_to("Only this page")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    go_to("Save")
    page.keyboard.press("Space")
    page.get_by_role("link", name="To the live values").wait_for()
    go_to("To the live values")
    page.keyboard.press("Enter")
    portal.read(KAIFA)
    power(page, "852 W")


def test_the_first_view_asks_for_little(page, portal):
    portal.read(KAIFA)
    log_in(page, portal)
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(portal.url)))
    started = time.monotonic()
    page.reload()
    power(page, "852 W")
    assert time.monotonic() - started < 5
    page.wait_for_timeout(500)
    # The icon stands in the page and in the tab, and is one file.
    names = {re.sub("-[0-9a-f]{8}", "", name) for name in asked}
    assert sorted(names) == [
        "",
        "api/hello",
        "api/live",
        "app.js",
        "graph.js",
        "icon.svg",
        "style.css",
    ]
