"""The JSON API and the event stream, over HTTP, on every Python; portal/API.md is the contract."""

import gzip
import json
import re
import socket
import struct
import threading
import time
from decimal import Decimal

import mqtt_brokers
import pytest
from meterling_tools import FIRMWARE, interpreters
from mqtt_brokers import Brokers
from portal_runner import GUEST, PASSWORD, Portal, kept, telegrams

WIFI = {
    "networks": [
        {"ssid": "Zuhause", "rssi": -61, "channel": 6, "password": "geheim12"},
        {"ssid": "Zuhause", "rssi": -80, "channel": 11, "password": "geheim12"},
        {"ssid": "Nachbar \u00fc", "rssi": -50, "channel": 1, "password": "x"},
        {"ssid": "Gast", "rssi": -70},
        {"ssid": "Versteckt", "rssi": -60, "hidden": True, "password": "a" * 64},
        {"ssid": "Keller", "rssi": -88, "password": "geheim12", "address": False},
        {"ssid": "Ohne Adresse", "rssi": -60, "password": "geheim12", "address": False},
    ]
}
PAGE = b"<!doctype html><title>x</title>" + b"0123456789" * 1000
SCRIPT = b"console.log(1)"


def site(folder):
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "index.html.gz").write_bytes(gzip.compress(PAGE))
    (folder / "site" / "app.1a2b3c4d.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "site" / "app.3XZK7QPA.css.gz").write_bytes(gzip.compress(b"p{}"))
    (folder / "site" / "secret.txt").write_bytes(b"not gzipped, not served")


@pytest.fixture(scope="module", params=interpreters.NAMES)
def python(request):
    found = interpreters.find(request.param)
    if not found:
        pytest.skip(f"no {request.param}: {found.reason}")
    return found


@pytest.fixture(scope="module")
def portal(python, tmp_path_factory):
    """Logged in; Kaifa every 300 ms; its key is set."""
    folder = tmp_path_factory.mktemp("portal")
    site(folder)
    meter, paths = telegrams(folder, count=800)
    settings = {"portal": {"password": kept()}, "meter": {"key": meter.key.hex()}}
    # Over the access point: joining other networks changes nothing there.
    task = {"telegrams": paths, "interval": 300, "access_point": True, "test_time": 4}
    with Portal(python, folder, settings, air=WIFI, **task) as running:
        running.meter = meter
        running.source = GUEST
        yield running.login()


_RESET = struct.pack("ii", 1, 0)  # linger for 0 s: what is unread makes no difference


def wait_for(condition, seconds=8):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


# The meter


def test_status_and_reading(portal):
    # On a busy machine one may come late, and the next soon after it.
    wait_for(lambda: 200 < (portal.get("/api/status").json["interval"] or 0) < 800)
    status = portal.get("/api/status").json
    assert status["ciphered"] and status["maker"] == "KFM"
    assert status["key"] is True and status["auth_key"] is False
    assert status["counters"]["readings"] > 0 and 0 <= status["age"] < 2000
    answer = portal.get("/api/reading")
    assert answer.json["values"]["1-0:32.7.0"]["unit"] == "V"
    assert int(answer.headers["X-Age"]) < 2000 and answer.headers["Age"] in "012"


def test_api_md_names_every_field_and_route(portal):
    """The contract and the program tell the same."""
    text = (FIRMWARE / "meterling/portal/API.md").read_text()
    status = portal.get("/api/status").json
    for document in (status, status["wifi"], status["mqtt"], status["line"]):
        for name in document:
            assert f'"{name}"' in text, name
    sources = "".join(file.read_text() for file in (FIRMWARE / "meterling/portal").glob("*.py"))
    routes = re.findall(r'^    b"((?:GET|PUT|POST) /api/\S+) ', sources, re.MULTILINE)
    assert len(routes) > 20
    for route in routes:
        assert any(f"`{route}{end}" in text for end in "` ?"), route
    for code in re.findall(r'Refused\(\d+, "([a-z-]+)"', sources):
        assert f"`{code}`" in text, code


def test_the_live_view(portal):
    with portal.live() as viewer:
        assert "text/event-stream" in viewer.head and "no-store" in viewer.head
        event, status = viewer.next()
        assert event == "status" and status["viewers"] >= 1 and status["age"] < 2000
        event, last = viewer.next()
        assert event == "last" and last["meter"] == "1KFM0200000001"
        seen = []
        while len(seen) < 3:
            event, data = viewer.next()
            if event == "reading":
                seen.append(data["invocation_counter"])
        assert seen == [seen[0], seen[0] + 1, seen[0] + 2]


def test_status_comes_every_five_seconds_as_a_sign_of_life(portal):
    with portal.live() as viewer:
        times = []
        while len(times) < 3:
            if viewer.next()[0] == "status":
                times.append(time.monotonic())
    assert 4 < times[2] - times[1] < 6.5


def test_who_leaves_at_once_leaves_the_others_their_readings(portal):
    """On MicroPython, a task that finds its connection reset cannot cancel itself."""
    wait_for(lambda: portal.get("/api/reading").status == 200)
    with portal.live() as tablet:
        for number in range(60):
            with portal.live() as other:
                other.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                if number % 2:
                    other._until(b"event: status")
        names = [tablet.next()[0] for _ in range(15)]
    assert set(names) == {"status", "last", "reading"}
    assert names.count("last") == 1 and names.count("reading") > 5
    wait_for(lambda: portal.get("/api/status").json["viewers"] == 0)
    assert "Traceback" not in portal.output() and "cancel" not in portal.output()


def test_four_viewers_see_the_same_and_a_fifth_is_told(portal):
    wait_for(lambda: portal.get("/api/status").json["viewers"] == 0)
    viewers = [portal.live() for _ in range(4)]
    try:
        answer = portal.get("/api/live")
        assert (answer.status, answer.json) == (503, {"error": "viewers-full"})
        counters = []
        for viewer in viewers:
            seen = []
            while len(seen) < 4:
                event, data = viewer.next()
                if event == "reading":
                    seen.append(data["invocation_counter"])
            counters.append(set(seen))
        assert len(set.intersection(*counters)) >= 2
        assert portal.get("/api/hello").first_byte < 0.5
    finally:
        for viewer in viewers:
            viewer.socket.close()
    wait_for(lambda: portal.get("/api/status").json["viewers"] == 0)
    with portal.live() as viewer:
        assert viewer.next()[0] == "status"


def test_a_viewer_that_takes_nothing_holds_up_nobody_and_is_dropped(python, tmp_path):
    meter, paths = telegrams(tmp_path, count=20_000)
    settings = {"portal": {"password": kept()}, "meter": {"key": meter.key.hex()}}
    with Portal(python, tmp_path, settings, telegrams=paths, interval=2) as portal:
        portal.login()
        asleep = socket.socket()
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        asleep.connect(("127.0.0.1", portal.port))
        asleep.sendall(
            f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{portal.port}\r\n"
            f"Cookie: session={portal.cookie}\r\n\r\n".encode()
        )
        wait_for(lambda: portal.get("/api/status").json["viewers"] == 1)
        with portal.live() as viewer:
            # The network takes megabytes before it is full; then it takes 10 s more.
            began = time.monotonic()
            slowest = 0
            before = time.monotonic()
            while time.monotonic() - began < 60:
                event, data = viewer.next()
                slowest = max(slowest, time.monotonic() - before)
                before = time.monotonic()
                if event == "status" and data["viewers"] == 1:
                    break
            else:
                raise AssertionError("it was never dropped")
            assert slowest < 1
        asleep.close()


def test_the_interval_is_that_of_telegrams_and_forgets_those_of_another_decoder(monkeypatch):
    from meterling.portal import live

    now, came = [0], [7]
    monkeypatch.setattr(live, "ticks_ms", lambda: now[0])
    view = live.Live(dict, dict, lambda: came[0])
    intervals = []
    # ms, telegrams so far: two at once; none; and a decoder of another link, which begins at 0
    for now[0], came[0] in (
        (100, 8),
        (5100, 9),
        (15_100, 11),
        (20_000, 11),
        (21_000, 1),
        (24_000, 2),
    ):
        view._look()
        intervals.append(view.interval)
    assert intervals == [None, 5000, 5000, 5000, 5000, 3000]


# Pages


def test_pages_are_served_gzipped_and_asked_for_again_only_if_they_changed(portal):
    answer = portal.get("/")
    assert answer.status == 200 and answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == PAGE
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    again = portal.get("/index.html", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304 and again.data == b""
    changed = portal.get("/", headers={"If-None-Match": '"0000"'})
    assert changed.status == 200
    head = portal.ask("HEAD", "/")
    assert head.status == 200 and head.data == b""


def test_names_with_a_hash_may_be_kept(portal):
    for name in ("/app.1a2b3c4d.js", "/app.3XZK7QPA.css"):
        assert "immutable" in portal.get(name).headers["Cache-Control"]
    assert portal.get("/app.1a2b3c4d.js").headers["Content-Type"].startswith("text/javascript")


def test_only_what_is_a_page_is_served(portal):
    for path in ("/secret.txt", "/settings.json", "/site/index.html", "/../settings.json", "/x.js"):
        assert portal.get(path).json == {"error": "not-found"}


def test_pages_need_no_login(python, tmp_path):
    site(tmp_path)
    with Portal(python, tmp_path) as portal:
        assert portal.get("/").status == 200
        assert b"JavaScript" in portal.get("/plain").data


def test_the_page_without_javascript(portal):
    wait_for(lambda: portal.get("/api/status").json["diagnosis"] == "ok")
    earlier = portal.get("/api/reading").json["values"]
    german = portal.get("/plain", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"})
    text = german.data.decode()
    assert german.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<html lang="de">' in text and "Zähler" in text and 'content="10"' in text
    values = portal.get("/api/reading").json["values"]
    rows = re.findall(r'<th scope="row">(1-0:[^<]*)</th><td>([^<]*)</td>', text)
    assert [name for name, _ in rows] == [name for name in values if name.startswith("1-0:")]
    for name, row in rows:
        if name in ("1-0:1.8.0", "1-0:2.8.0"):  # a telegram may have come meanwhile
            kwh = Decimal(row.removesuffix("\u00a0kWh").replace(",", "."))
            least, most = (Decimal(v[name]["value"]) / 1000 for v in (earlier, values))
            assert least <= kwh <= most and re.fullmatch(r"\d+,\d{3}\u00a0kWh", row)
        elif "unit" in values[name]:
            assert row.endswith("\u00a0" + values[name]["unit"])
    assert "<script" not in text and "style=" not in text
    english = portal.get("/plain", headers={"Accept-Language": "fr,en"}).data.decode()
    assert '<html lang="en">' in english and "Power now" in english
    cookie, portal.cookie = portal.cookie, None
    try:
        form = portal.get("/plain").data.decode()
        assert '<form method="post" action="/login">' in form and "1-0:" not in form
    finally:
        portal.cookie = cookie


# Settings


def test_settings_are_checked_as_a_whole_and_saved(portal):
    before = portal.get("/api/settings").json
    assert before["mqtt"]["port"] == 1883
    answer = portal.ask("PUT", "/api/settings", {"mqtt": {"port": 1884, "host": "10.0.0.1"}})
    assert answer.json == {"restart": True}
    bad = {"mqtt": {"port": 1885, "topic": ""}}
    answer = portal.ask("PUT", "/api/settings", bad)
    assert (answer.status, answer.json) == (400, {"error": "empty", "setting": "mqtt.topic"})
    answer = portal.ask("PUT", "/api/settings", {"mqtt": {"port": 0}})
    assert answer.json == {"error": "not-in-range", "setting": "mqtt.port"}
    answer = portal.ask("PUT", "/api/settings", {"nonsense": 1})
    assert answer.json == {"error": "unknown-setting", "setting": "nonsense"}
    for wrong in ({"nonsense_key": True}, {"device": {"key": False}}, {"a": {"b.key": 1}}):
        answer = portal.ask("PUT", "/api/settings", wrong)
        assert (answer.status, answer.json["error"]) == (400, "unknown-setting")
    answer = portal.ask("PUT", "/api/settings", {"meter": {"key": "12"}})
    assert answer.json == {"error": "key-length", "setting": "meter.key"}
    after = portal.get("/api/settings").json
    assert after["mqtt"]["port"] == 1884 and after["mqtt"]["host"] == "10.0.0.1"
    assert after["meter"]["key"] is True
    stored = json.loads((portal.folder / "settings.json").read_text())
    assert stored["mqtt"]["port"] == 1884
    portal.ask("PUT", "/api/settings", {"mqtt": {"port": 1883, "host": ""}})


def test_export_and_import_carry_no_secrets_and_leave_them_alone(portal):
    exported = portal.get("/api/settings/export")
    assert "attachment" in exported.headers["Content-Disposition"]
    names = set()

    def walk(document):
        for name, value in document.items():
            names.add(name)
            if isinstance(value, dict):
                walk(value)

    walk(exported.json)
    assert "topic" in names and not names & {"password", "key", "auth_key", "device", "ssid"}
    board = {"rx_pin", "tx_pin", "request_pin", "pin", "kind", "supply", "address", "open"}
    assert not names & board and "brightness" in names
    document = exported.json
    document["mqtt"]["topic"] = "haus"
    document["wifi"] = {"ssid": "Neighbour", "password": True}  # as older versions exported it
    ssid = portal.get("/api/settings").json["wifi"]["ssid"]
    assert portal.post("/api/settings/import", document).status == 200
    after = portal.get("/api/settings").json
    assert after["mqtt"]["topic"] == "haus" and after["meter"]["key"] is True
    assert after["wifi"]["ssid"] == ssid
    portal.ask("PUT", "/api/settings", {"mqtt": {"topic": "meterling"}})


def test_the_key_doctor_over_the_wire(portal):
    wait_for(lambda: portal.get("/api/status").json["diagnosis"] == "ok")
    key = portal.meter.key.hex()
    spaced = " ".join(key[i : i + 2] for i in range(0, 32, 2))
    answer = portal.post("/api/key", {"text": spaced}).json
    assert answer["understood"] == "key" and answer["check"] == "fits" and answer["token"]
    assert "separators" in answer["notes"]
    assert portal.post("/api/key", {"text": "12" * 16}).json["check"] == "does-not-fit"
    assert portal.post("/api/key", {"text": "1234567"}).json == {
        "understood": "customer-number",
        "key": False,
        "auth_key": False,
        "notes": [],
        "digits": 7,
        "check": None,
        "swapped": False,
        "token": None,
    }
    swapped = portal.post("/api/key", {"text": "12" * 16 + "\n" + key}).json
    # Kaifa sends no tag: which of the two opens it is known all the same.
    assert (swapped["check"], swapped["swapped"]) == ("fits", True)
    assert portal.post("/api/key", {}).json["check"] == "fits"
    assert key not in portal.output() and key.upper() not in portal.output()


def test_keys_that_were_saved_the_wrong_way_round_can_be_put_right(python, tmp_path):
    meter, paths = telegrams(tmp_path, count=100)
    settings = {"portal": {"password": kept()}}
    settings["meter"] = {"key": "12" * 16, "auth_key": meter.key.hex()}
    with Portal(python, tmp_path, settings, telegrams=paths, interval=300) as portal:
        portal.login()
        answer = wait_for(
            lambda: (a := portal.post("/api/key", {}).json)["check"] != "no-telegram" and a
        )
        assert (answer["understood"], answer["check"]) == ("set", "fits")
        assert answer["swapped"] and answer["token"]
        saved = portal.ask("PUT", "/api/settings", {"key_token": answer["token"]})
        assert saved.json == {"restart": False}
        answer = portal.post("/api/key", {}).json
        assert (answer["check"], answer["swapped"], answer["token"]) == ("fits", False, None)
        wait_for(lambda: portal.get("/api/reading").status == 200)


def test_another_time_zone_is_used_at_once_and_another_name_from_the_next_start_on(
    python, tmp_path
):
    meter, paths = telegrams(tmp_path, count=100)  # that tells how far from UTC it is
    settings = {"portal": {"password": kept()}, "device": "keller"}
    settings["meter"] = {"key": meter.key.hex()}
    with Portal(python, tmp_path, settings, telegrams=paths, interval=300) as portal:
        portal.login()

        def hour():
            told = re.search(r"<td>\d{4}-\d\d-\d\d (\d\d):", portal.get("/plain").data.decode())
            return told and int(told[1])

        assert portal.get("/api/settings").json["timezone"] == "CET-1CEST,M3.5.0,M10.5.0/3"
        here = wait_for(hour)
        answer = portal.ask("PUT", "/api/settings", {"timezone": "GMT0BST,M3.5.0/1,M10.5.0"})
        assert answer.json == {"restart": False}
        assert hour() == (here - 1) % 24
        answer = portal.ask("PUT", "/api/settings", {"timezone": "Europe/London"})
        assert answer.json == {"error": "not-a-time-zone", "setting": "timezone"}
        answer = portal.ask("PUT", "/api/settings", {"device": "dachboden"})
        assert answer.json == {"restart": True}
        # Until then, whatever is saved: who did not hear the first answer asks again.
        answer = portal.ask("PUT", "/api/settings", {"device": "dachboden"})
        assert answer.json == {"restart": True}
        assert portal.post("/api/setup/done").json == {"restart": True}


def test_what_was_understood_is_saved_by_its_token(python, tmp_path):
    meter, paths = telegrams(tmp_path, count=100)
    settings = {"portal": {"password": kept()}}
    with Portal(python, tmp_path, settings, telegrams=paths, interval=300) as portal:
        portal.login()
        # no-key is a diagnosis of its own: a missing key never looks like a dead port
        wait_for(lambda: portal.get("/api/status").json["diagnosis"] == "no-key")
        assert portal.get("/api/status").json["ciphered"] is True
        assert portal.get("/api/status").json["maker"] == "KFM"
        old = portal.post("/api/key", {"text": "12" * 16}).json["token"]
        found = portal.post("/api/key", {"text": meter.key.hex()}).json
        assert found["check"] == "fits"
        for token in (old, "", 5, None):
            answer = portal.ask("PUT", "/api/settings", {"key_token": token})
            assert token is None or answer.json == {"error": "key-token"}
        # How often they come is known before the first of them can be read.
        wait_for(lambda: 200 < (portal.get("/api/status").json["interval"] or 0) < 800)
        assert portal.get("/api/status").json["counters"]["readings"] == 0
        answer = portal.ask("PUT", "/api/settings", {"key_token": found["token"]})
        assert answer.json == {"restart": False}
        wait_for(lambda: portal.get("/api/status").json["diagnosis"] == "ok")
        again = portal.ask("PUT", "/api/settings", {"key_token": found["token"]})
        assert again.json == {"error": "key-token"}
        stored = json.loads((tmp_path / "settings.json").read_text())
        assert stored["meter"]["key"] == meter.key.hex().upper()


def test_the_second_key_of_another_meter_goes_with_the_first(python, tmp_path):
    """Else no telegram is ever read, and the page cannot take it away."""
    meter, paths = telegrams(tmp_path, "burgenland-e450", count=100)
    settings = {"portal": {"password": kept()}}
    settings["meter"] = {"key": "12" * 16, "auth_key": "34" * 16}
    with Portal(
        python, tmp_path, settings, telegrams=paths, interval=300, link=meter.link
    ) as portal:
        portal.login()
        wait_for(lambda: portal.get("/api/status").json["ciphered"])
        answer = portal.post("/api/key", {"text": meter.key.hex()}).json
        assert (answer["check"], answer["swapped"]) == ("auth-key-wrong", False)
        portal.ask("PUT", "/api/settings", {"key_token": answer["token"]})
        assert portal.get("/api/settings").json["meter"]["auth_key"] is False
        wait_for(lambda: portal.get("/api/reading").status == 200)


def test_without_telegrams_a_key_cannot_be_judged(python, tmp_path):
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        portal.login()
        answer = portal.post("/api/key", {"text": "12" * 15 + "34"}).json
        assert answer["check"] == "no-telegram" and answer["token"]
        assert portal.get("/api/reading").json == {"error": "no-reading"}


def test_operators(portal):
    found = portal.get("/api/operators").json["operators"]
    assert any("Schwaz" in operator["name"] for operator in found)
    first = portal.get("/api/operators/" + found[0]["id"] + "?lang=de").json
    english = portal.get("/api/operators/" + found[0]["id"] + "?lang=en").json
    assert first["name"] == found[0]["name"] and first["steps"] != english["steps"]
    by_browser = portal.get(
        "/api/operators/" + found[0]["id"], headers={"Accept-Language": "de-AT"}
    ).json
    assert by_browser == first
    assert portal.get("/api/operators/nobody").json == {"error": "not-found"}


# Wi-Fi and MQTT


def test_the_networks_in_the_air(portal):
    networks = portal.post("/api/wifi/scan").json["networks"]
    assert [net["ssid"] for net in networks] == [
        "Nachbar ü", "Ohne Adresse", "Zuhause", "Gast", "Keller",
    ]  # fmt: skip
    zuhause = networks[2]
    assert zuhause == {"ssid": "Zuhause", "rssi": -61, "bars": 3, "secure": True, "channel": 6}
    assert networks[3]["secure"] is False and networks[4]["bars"] == 0


def result_of(portal, ssid, password, seconds=30):
    assert portal.post("/api/wifi/test", {"ssid": ssid, "password": password}).status == 202
    answer = wait_for(
        lambda: (a := portal.get("/api/wifi/test").json)["state"] == "done" and a, seconds
    )
    assert answer["saved"] is (answer["result"] == "ok")
    return answer


def test_wifi_is_tested_before_it_is_saved(portal):
    assert result_of(portal, "Zuhause", "falsch123")["result"] == "wifi-password"
    assert result_of(portal, "Niemand", "geheim12")["result"] == "wifi-not-found"
    assert portal.get("/api/settings").json["wifi"]["ssid"] == ""
    answer = result_of(portal, "Zuhause", "geheim12")
    assert (answer["result"], answer["address"]) == ("ok", "127.0.0.1")
    assert answer["name"].endswith(".local") and answer["rssi"] == -61
    settings = portal.get("/api/settings").json
    assert settings["wifi"]["ssid"] == "Zuhause" and settings["wifi"]["password"] is True
    assert result_of(portal, "Versteckt", "a" * 64)["result"] == "ok"
    assert result_of(portal, "Gast", "")["result"] == "ok"
    for ssid, password, code in (
        ("", "geheim12", "ssid"),
        ("x" * 33, "geheim12", "ssid"),
        ("Zuhause", "kurz", "wifi-password-length"),
        ("Zuhause", "g" * 64, "wifi-password-length"),
    ):
        answer = portal.post("/api/wifi/test", {"ssid": ssid, "password": password})
        assert (answer.status, answer.json) == (400, {"error": code})


@pytest.mark.parametrize(
    ("ssid", "code"), [("Ohne Adresse", "wifi-no-address"), ("Keller", "wifi-too-weak")]
)
def test_a_network_that_gives_no_address_or_is_too_weak(portal, ssid, code):
    assert result_of(portal, ssid, "geheim12")["result"] == code


def test_one_test_at_a_time(portal):
    assert (
        portal.post("/api/wifi/test", {"ssid": "Ohne Adresse", "password": "geheim12"}).status
        == 202
    )
    answer = portal.post("/api/wifi/test", {"ssid": "Gast"})
    assert (answer.status, answer.json) == (503, {"error": "busy"})
    assert portal.post("/api/wifi/scan").json == {"error": "busy"}
    wait_for(lambda: portal.get("/api/wifi/test").json["state"] == "done", 30)


def test_the_broker_is_tried_and_left(portal):
    connects = []

    async def takes_us(reader, writer):
        packet = await mqtt_brokers.read_packet(reader)
        connects.append(packet)
        writer.write(mqtt_brokers.CONNACK)
        await reader.read()
        connects.append("closed")

    async def refuses_us(reader, writer):
        await mqtt_brokers.read_packet(reader)
        writer.write(b"\x20\x02\x00\x04")
        await reader.read()

    with Brokers() as brokers:
        broker = {"host": "127.0.0.1", "port": brokers.start(takes_us), "user": "me"}
        assert portal.post("/api/mqtt/test", broker).json == {"result": "ok"}
        wait_for(lambda: "closed" in connects)
        broker["port"] = brokers.start(refuses_us)
        assert portal.post("/api/mqtt/test", broker).json == {"result": "mqtt-login"}
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        broker["port"] = nobody.getsockname()[1]
        assert portal.post("/api/mqtt/test", broker).json == {"result": "mqtt-refused"}
    assert portal.post("/api/mqtt/test", {"host": ""}).json["error"] == "empty"
    assert portal.post("/api/mqtt/test", {"host": "a b"}).json["setting"] == "mqtt.host"
    assert portal.get("/api/settings").json["mqtt"]["host"] == ""


# The dongle


def test_restart_and_factory_reset(python, tmp_path):
    settings = {"portal": {"password": kept()}, "ap": {"password": "printed-on-it"}}
    with Portal(python, tmp_path, settings) as portal:
        portal.login()
        assert portal.post("/api/factory-reset").json == {"error": "confirm"}
        assert portal.post("/api/factory-reset", {"confirm": "meterling-a1b2c3"}).status == 202
        wait_for(lambda: "restart" in portal.lines)
        assert portal.get("/api/status").status == 401 or portal.get("/api/status").status == 403
        stored = json.loads((tmp_path / "settings.json").read_text())
        assert stored["portal"]["password"] == ""
        assert stored["ap"]["password"] == "printed-on-it"


def test_reboot_answers_first(python, tmp_path):
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        portal.login()
        assert portal.post("/api/reboot").status == 202
        assert "restart" not in portal.lines
        wait_for(lambda: "restart" in portal.lines)


def test_the_log_is_what_was_printed_and_bounded(portal):
    log = portal.get("/api/log")
    assert log.headers["Content-Type"].startswith("text/plain")
    assert "wifi: " in log.data.decode() and len(log.data) <= 2048


def test_the_log_keeps_the_end():
    from meterling.portal.api_dongle import pieces
    from meterling.portal.log import Log

    log = Log(600)
    written = ""
    for number in range(300):
        log.write(f"line {number}\n")
        written += f"line {number}\n"
        text = b"".join(pieces(log)).decode()
        assert written.endswith(text) and text.startswith("line ")
        assert 588 < len(text) <= 600 or text == written
    assert PASSWORD not in text


def test_many_ask_at_once(portal):
    answers = []

    def ask():
        answers.extend(portal.get("/api/status").status for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 50
