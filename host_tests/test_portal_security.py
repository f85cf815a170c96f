"""Who may ask the portal what: each rule of portal/API.md, asked over HTTP, on every Python."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import portal_runner
import pytest
from meterling.portal import rules
from meterling_tools import interpreters
from portal_runner import GUEST, PASSWORD, Portal, kept


@pytest.fixture(scope="module", params=interpreters.NAMES)
def python(request):
    found = interpreters.find(request.param)
    if not found:
        pytest.skip(f"no {request.param}: {found.reason}")
    return found


@pytest.fixture(scope="module")
def portal(python, tmp_path_factory):
    """One that is set up; with the access point open."""
    settings = {
        "portal": {"password": kept()},
        "wifi": {"ssid": "Zuhause", "password": "S3cret-wifi"},
        "mqtt": {"host": "", "user": "me", "password": "S3cret-mqtt"},
        "meter": {"key": "00112233445566778899AABBCCDDEEFF"},
    }
    folder = tmp_path_factory.mktemp("portal")
    with Portal(python, folder, settings, access_point=True) as running:
        yield running


@pytest.fixture
def user(portal):
    """`portal`, logged in."""
    portal.login()
    yield portal
    portal.cookie = None


@pytest.fixture
def new(python, tmp_path):
    """One that nobody has set up."""
    with Portal(python, tmp_path) as running:
        yield running


# Hosts


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("192.168.1.23", True),
        ("192.168.1.23:80", True),
        ("192.168.1.24", False),
        ("meterling.local", True),
        ("METERLING.LOCAL", True),
        ("meterling.local.", True),
        ("meterling-2.local", True),
        ("meterling-a1b2c3", True),
        ("meterling-a1b2c3.local", True),
        ("meterling", True),
        ("", False),
        (None, False),
        ("evil.example", False),
        ("meterling.local.evil.example", False),
        ("meterling.evil.example", False),
        ("192.168.1.23.evil.example", False),
        ("meterling-evil.local", False),
        ("meterling.fritz.box", True),
        ("meterling-a1b2c3.lan", True),
        ("meterling-2.home.arpa", True),
        ("evil.fritz.box", False),
        ("meterling.evil.lan", False),
        ("meterling.fritz.box.evil.example", False),
        ("meterling.box", False),
        (".local", False),
        ("meterling-", False),
    ],
)
def test_which_hosts_are_us(host, ours):
    addresses = ["192.168.1.23"]
    assert rules.is_ours(rules.host_of(host), "meterling-a1b2c3", addresses) is ours


def test_a_name_of_the_owner_s_is_us_as_the_network_spells_it():
    for host, ours in (("mein-keller.local", True), ("mein-keller-2", True), ("keller", False)):
        assert rules.is_ours(host, "Mein Keller", [], "mein-keller") is ours


def test_its_name_in_the_network_is_the_owner_s(python, tmp_path):
    settings = {"portal": {"password": kept()}, "device": "Mein Käller 2"}
    with Portal(python, tmp_path, settings) as portal:
        for host, status in (("mein-k-ller-2.local", 200), ("mein-keller-2.local", 421)):
            assert portal.get("/api/hello", host=host).status == status


def test_a_foreign_name_that_points_to_us_gets_nothing(user):
    """DNS rebinding: the page of evil.example, which now has our address, asks us."""
    for host in ("evil.example", "evil.example:80", f"meterling.local.evil.example:{user.port}"):
        answer = user.get("/api/settings", host=host)
        assert (answer.status, answer.json) == (421, {"error": "host-unknown"})
    assert user.get("/api/settings", host="meterling.local").status == 200


def test_on_the_access_point_a_foreign_name_is_sent_to_our_page_and_gets_nothing_else(user):
    answer = user.get("/api/settings", host="evil.example", source=GUEST)
    assert answer.status == 302 and answer.headers["Location"] == "http://127.0.0.2/"
    assert answer.data == b""
    assert user.get("/api/settings", host="127.0.0.2", source=GUEST).status == 200


# Before setup


def test_before_setup_only_the_setup_is_there(new):
    assert new.get("/api/hello").json["state"] == "new"
    for method, path in (
        ("GET", "/api/status"),
        ("GET", "/api/reading"),
        ("GET", "/api/live"),
        ("GET", "/api/settings"),
        ("GET", "/api/settings/export"),
        ("GET", "/api/log"),
        ("PUT", "/api/settings"),
        ("POST", "/api/key"),
        ("POST", "/api/wifi/scan"),
        ("POST", "/api/wifi/test"),
        ("POST", "/api/mqtt/test"),
        ("POST", "/api/mqtt/find"),
        ("POST", "/api/reboot"),
        ("POST", "/api/factory-reset"),
        ("POST", "/api/login"),
        ("POST", "/login"),
    ):
        answer = new.ask(method, path, {}, headers={"Origin": f"http://127.0.0.1:{new.port}"})
        assert (answer.status, answer.json) == (403, {"error": "setup-first"}), path


def test_step_one_sets_the_password_once_and_logs_in(new):
    assert new.post("/api/setup", {"password": "short"}).json == {"error": "password-short"}
    assert new.post("/api/setup", {"password": 12345678}).json == {"error": "password-short"}
    assert new.post("/api/setup", {"password": "x" * 129}).json == {"error": "password-long"}
    answer = new.post("/api/setup", {"password": PASSWORD})
    assert answer.status == 200
    assert new.get("/api/status").json == {"error": "login-first"}
    new.take_cookie(answer)
    assert new.get("/api/status").status == 200
    assert new.get("/api/hello").json["state"] == "in"
    new.cookie = None
    again = new.post("/api/setup", {"password": "Somebody else's"})
    assert again.json == {"error": "login-first"}
    new.login()
    assert new.post("/api/setup", {"password": "Somebody else's"}).json == {"error": "already-set"}
    stored = (new.folder / "settings.json").read_text()
    assert "pbkdf2-sha256$" in stored and PASSWORD not in stored
    assert PASSWORD not in new.output()


def test_a_restart_remembers_that_the_setup_is_done(python, tmp_path):
    settings = {"portal": {"password": kept()}}
    for done in (False, True, True):
        with Portal(python, tmp_path, settings) as portal:
            assert portal.get("/api/hello").json["setup_done"] is done
            portal.login()
            assert portal.post("/api/setup/done").status == 200
            assert portal.get("/api/hello").json["setup_done"] is True
            assert "setup_done" not in portal.get("/api/settings").data.decode()
            change = {"portal": {"setup_done": False}}
            answer = portal.ask("PUT", "/api/settings", change)
            assert answer.json == {"error": "unknown-setting", "setting": "portal.setup_done"}
        settings = json.loads((tmp_path / "settings.json").read_text())


def test_it_listens_where_the_settings_say(python, tmp_path):
    with Portal(python, tmp_path, {"portal": {"address": "127.0.0.4"}}) as portal:
        socket.create_connection(("127.0.0.4", portal.port), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            portal.connect()


def test_where_a_port_is_taken_the_tests_take_another(python, tmp_path, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = [portal_runner.free_port(), other.getsockname()[1]]
        monkeypatch.setattr(portal_runner, "free_port", ports.pop)
        with Portal(python, tmp_path) as portal:
            assert not ports and portal.get("/api/hello").status == 200


# Login


def test_without_a_session_nothing_is_told(portal):
    for path in ("/api/status", "/api/reading", "/api/live", "/api/settings", "/api/log"):
        assert portal.get(path).json == {"error": "login-first"}
    for path in ("/api/key", "/api/reboot", "/api/logout", "/api/password", "/api/setup/done"):
        assert portal.post(path).json == {"error": "login-first"}
    assert portal.get("/api/nothing").json == {"error": "login-first"}


def test_made_up_sessions_are_none(portal):
    for token in ("", "0" * 32, "x", "None", "=", "ü"):
        answer = portal.get("/api/status", headers={"Cookie": ("session=" + token).encode()})
        assert answer.status == 401, token


def test_a_session_is_a_random_cookie_that_no_script_reads(portal):
    tokens = set()
    for _ in range(3):
        answer = portal.post("/api/login", {"password": PASSWORD})
        cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        token = cookie.split(";")[0].removeprefix("session=")
        assert len(token) == 32
        tokens.add(token)
    assert len(tokens) == 3


def test_logout_ends_the_session(portal):
    portal.login()
    assert portal.get("/api/status").status == 200
    assert "Max-Age=0" in portal.post("/api/logout").headers["Set-Cookie"]
    assert portal.get("/api/status").status == 401
    portal.cookie = None


def again(python, folder):
    """The portal after a restart."""
    return Portal(python, folder, json.loads((folder / "settings.json").read_text()))


def is_in(portal, token):
    return portal.get("/api/status", headers={"Cookie": "session=" + token}).status == 200


def test_a_session_outlasts_a_restart_until_it_is_ended(python, tmp_path):
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        stays, ends = portal.login().cookie, portal.login().cookie
        file = (tmp_path / "sessions.json").read_text()
        assert stays not in file and PASSWORD not in file
    with again(python, tmp_path) as portal:
        assert is_in(portal, stays) and is_in(portal, ends) and not is_in(portal, "0" * 32)
        portal.cookie = ends
        portal.post("/api/logout")
    with again(python, tmp_path) as portal:
        assert is_in(portal, stays) and not is_in(portal, ends)
        portal.cookie = stays
        change = {"old": PASSWORD, "new": "Sonnenblume 8"}
        portal.take_cookie(portal.post("/api/password", change))
    with again(python, tmp_path) as portal:
        assert not is_in(portal, stays) and is_in(portal, portal.login("Sonnenblume 8").cookie)


def test_another_password_ends_every_session_whoever_set_it(python, tmp_path):
    """In the file, say, on a PC; or when the file with the sessions is an old one."""
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        session = portal.login().cookie
    with Portal(python, tmp_path, {"portal": {"password": kept("Sonnenblume 8")}}) as portal:
        assert not is_in(portal, session)
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        assert is_in(portal, session)
        assert portal.login().post("/api/factory-reset", {"confirm": "meterling-a1b2c3"})
    assert (
        not (tmp_path / "sessions.json").exists()
        or session not in (tmp_path / "sessions.json").read_text()
    )
    with again(python, tmp_path) as portal:
        assert portal.get("/api/hello").json["state"] == "new" and not is_in(portal, session)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"sessions": 5}', '{"sessions": {"a": 1}}', '{"sessions": [[]]}',
     '{"sessions": [["zz", 0]]}', '{"sessions": [["00", 0]]}', '{"sessions": [[5, 0], "xy"]}',
     '{"sessions": [["' + "0" * 64 + '", "x"]]}', '{"sessions": [["' + "0" * 64 + '", -1]]}'],
)  # fmt: skip
def test_a_damaged_file_is_nobody_s_session(python, tmp_path, text):
    (tmp_path / "sessions.json").write_text(text)
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        assert portal.get("/api/status").status == 401
        assert portal.login().get("/api/status").status == 200


def test_a_seventh_session_ends_the_one_that_was_unused_longest(portal):
    first = portal.post("/api/login", {"password": PASSWORD}).headers["Set-Cookie"][8:40]
    second = portal.post("/api/login", {"password": PASSWORD}).headers["Set-Cookie"][8:40]
    for _ in range(4):
        portal.post("/api/login", {"password": PASSWORD})
    used = {"Cookie": "session=" + first}
    assert portal.get("/api/status", headers=used).status == 200
    portal.post("/api/login", {"password": PASSWORD})
    assert portal.get("/api/status", headers=used).status == 200
    assert portal.get("/api/status", headers={"Cookie": "session=" + second}).status == 401


def test_wrong_passwords_are_slowed_down_and_the_right_one_then_waits_too(python, tmp_path):
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        logged_in = portal.login().cookie
        for _ in range(3):
            answer = portal.post("/api/login", {"password": "guessing"})
            assert (answer.status, answer.json) == (401, {"error": "wrong-password"})
        answer = portal.post("/api/login", {"password": PASSWORD})
        assert answer.status == 429
        assert answer.json == {"error": "slow-down", "retry_after": 1}
        assert portal.cookie == logged_in and portal.get("/api/status").status == 200
        time.sleep(1.1)
        assert portal.post("/api/login", {"password": "guessing"}).status == 401
        answer = portal.post("/api/login", {"password": PASSWORD})
        assert answer.json == {"error": "slow-down", "retry_after": 2}
        time.sleep(2.1)
        portal.login()
        assert portal.post("/api/login", {"password": "guessing"}).status == 401


def test_one_password_at_a_time_and_nothing_waits_for_it(python, tmp_path):
    """The page stays quick while a password is worked on."""
    settings = {"portal": {"password": kept(rounds=99_000)}}
    with Portal(python, tmp_path, settings) as portal:
        with portal.connect() as slow:
            body = b'{"password": "guessing"}'
            slow.sendall(
                b"POST /api/login HTTP/1.1\r\nHost: meterling.local\r\nX-Meterling: 1\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            time.sleep(0.05)
            answer = portal.post("/api/login", {"password": PASSWORD})
            assert (answer.status, answer.json["error"]) == (429, "slow-down")
            assert portal.get("/api/hello").first_byte < 0.1
            assert b"401" in slow.recv(100)


def test_changing_the_password_wants_the_old_one_and_ends_other_sessions(python, tmp_path):
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        other = portal.login().cookie
        portal.login()
        change = {"old": "guessing", "new": "Sonnenblume 8"}
        assert portal.post("/api/password", change).json == {"error": "wrong-password"}
        change["old"] = PASSWORD
        answer = portal.post("/api/password", {**change, "new": "kurz"})
        assert answer.json == {"error": "password-short"}
        answer = portal.post("/api/password", change)
        assert answer.status == 200
        portal.take_cookie(answer)
        assert portal.get("/api/status").status == 200
        assert portal.get("/api/status", headers={"Cookie": "session=" + other}).status == 401
        portal.cookie = None
        portal.login("Sonnenblume 8")


def seventh_login(portal):
    for _ in range(6):
        portal.login()


@pytest.mark.parametrize(
    "end",
    [
        lambda portal: portal.post("/api/logout"),
        lambda portal: portal.post("/api/password", {"old": PASSWORD, "new": "Sonnenblume 8"}),
        lambda portal: portal.post("/api/factory-reset", {"confirm": "meterling-a1b2c3"}),
        seventh_login,
    ],
    ids=["logout", "password", "factory-reset", "seventh"],
)
def test_whose_session_ends_sees_nothing_any_more(python, tmp_path, end):
    with Portal(python, tmp_path, {"portal": {"password": kept()}}) as portal:
        portal.login()
        with portal.live() as viewer:
            viewer.socket.settimeout(15)
            assert viewer.next()[0] == "status"
            end(portal)
            with pytest.raises(EOFError):
                while True:
                    viewer.next()


# Other sites' pages (CSRF)


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"X-Meterling": "1"}, True),
        ({"X-Meterling": "1", "Origin": "http://OURS"}, True),
        ({"X-Meterling": "1", "Origin": "http://OURS", "Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": "http://OURS"}, False),
        ({"X-Meterling": "0"}, False),
        ({"X-Meterling": "1", "Origin": "http://evil.example"}, False),
        ({"X-Meterling": "1", "Origin": "https://OURS"}, False),
        ({"X-Meterling": "1", "Origin": "null"}, False),
        ({"X-Meterling": "1", "Sec-Fetch-Site": "cross-site"}, False),
        ({"X-Meterling": "1", "Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_what_changes_something_comes_from_our_own_page(user, headers, allowed):
    headers = {k: v.replace("OURS", f"127.0.0.1:{user.port}") for k, v in headers.items()}
    for method, path in (("POST", "/api/setup/done"), ("PUT", "/api/settings")):
        answer = user.ask(method, path, {}, headers=headers, own=False)
        assert answer.status == (200 if allowed else 403), answer
        assert allowed or answer.json == {"error": "csrf"}


def test_the_form_to_log_in_wants_its_own_page_as_origin(portal):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = ("password=" + PASSWORD.replace(" ", "+")).encode()
    for origin in (None, "http://evil.example", "null"):
        answer = portal.ask("POST", "/login", body, headers={**form, "Origin": origin}, own=False)
        assert answer.json == {"error": "csrf"}
    ours = {**form, "Origin": f"http://127.0.0.1:{portal.port}"}
    answer = portal.ask("POST", "/login", body, headers=ours, own=False)
    assert answer.status == 303 and answer.headers["Location"] == "/plain"
    portal.take_cookie(answer)
    assert b"<h1>" in portal.get("/plain").data and b"<form" not in portal.get("/plain").data
    portal.cookie = None
    wrong = portal.ask("POST", "/login", b"password=x", headers=ours, own=False)
    assert wrong.status == 401 and b'role="alert"' in wrong.data


def test_a_form_of_a_foreign_page_is_no_json(user):
    answer = user.ask("PUT", "/api/settings", b"{}", headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.json) == (400, {"error": "not-json"})


def test_no_page_of_another_site_may_frame_or_feed_ours(portal):
    for path in ("/plain", "/api/hello", "/api/status", "/nothing"):
        headers = portal.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy and "http:" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"  # or no browser tells the Origin
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


# Secrets


def test_secrets_go_in_and_never_come_out(user):
    secrets = ("S3cret-wifi", "S3cret-mqtt", "00112233445566778899AABBCCDDEEFF", "pbkdf2", "S3-2")
    change = {"mqtt": {"password": "S3-2"}, "wifi": {"password": True}}
    assert user.ask("PUT", "/api/settings", change).status == 200
    everything = b""
    for path in (
        "/api/settings",
        "/api/settings/export",
        "/api/status",
        "/api/log",
        "/plain",
        "/api/hello",
        "/api/wifi/test",
    ):
        everything += user.get(path).data
    everything += user.post("/api/key", {}).data
    for secret in secrets:
        assert secret.encode() not in everything
        assert secret.lower().encode() not in everything
        assert secret not in user.output()
    shown = user.get("/api/settings").json
    assert shown["mqtt"]["password"] is True and shown["meter"]["key"] is True
    assert shown["meter"]["auth_key"] is False
    assert "password" not in shown.get("portal", {})
    stored = (user.folder / "settings.json").read_text()
    assert "S3-2" in stored and "S3cret-wifi" in stored


def test_the_password_cannot_be_set_as_a_setting(user):
    for document in ({"portal": {"password": "x"}}, {"portal.password": "x"}):
        for method, path in (("PUT", "/api/settings"), ("POST", "/api/settings/import")):
            answer = user.ask(method, path, document)
            assert answer.json == {"error": "unknown-setting", "setting": "portal.password"}


# Sizes and times


def raw(portal, data, patience=15):
    """What comes back for `data` (bytes), up to the end of the connection; and after how long."""
    started = time.monotonic()
    received = b""
    with portal.connect() as connection:
        connection.settimeout(patience)
        try:
            connection.sendall(data)
            while True:
                more = connection.recv(4096)
                if not more:
                    break
                received += more
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError:
            return received, None
    return received, time.monotonic() - started


def test_a_long_head_is_refused_before_it_is_stored(portal):
    for head in (
        b"GET /" + b"x" * 5000,
        b"GET / HTTP/1.1\r\nX: " + b"y" * 5000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000,
    ):
        received, _ = raw(portal, head + b"\r\n\r\n")
        assert received.startswith(b"HTTP/1.0 431") and b"head-too-long" in received
    assert portal.get("/api/hello").status == 200


def test_a_long_body_is_refused_before_it_is_stored(portal):
    answer = portal.post("/api/login", {"password": "x" * 5000})
    assert (answer.status, answer.json) == (413, {"error": "too-long"})
    received, _ = raw(
        portal,
        b"POST /api/login HTTP/1.1\r\nHost: meterling.local\r\nX-Meterling: 1\r\n"
        b"Content-Length: 2000000000\r\n\r\n",
    )
    assert received.startswith(b"HTTP/1.0 413")


def test_who_sends_nothing_or_stops_halfway_is_sent_away(portal):
    starts = (b"", b"GET /api/hel", b"POST /api/login HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
    with ThreadPoolExecutor() as pool:
        for _, seconds in pool.map(partial(raw, portal), starts):
            assert seconds is not None and 5 < seconds < 12


def test_six_who_send_nothing_hold_up_nobody_for_long(portal):
    idle = [portal.connect() for _ in range(6)]
    try:
        started = time.monotonic()
        assert portal.get("/api/hello").status == 200
        assert time.monotonic() - started < 12
    finally:
        for connection in idle:
            connection.close()


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP\r\n\r\n",
        b"\xff\xfe / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /?%zz HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"GET /api/hello?a=%zz HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: meterling.local\r\nCookie: ;;=;\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"GET /../settings.json HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"GET /..%2fsettings.json HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"GET //settings.json HTTP/1.1\r\nHost: meterling.local\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    ],
)
def test_nonsense_is_refused_and_hurts_nobody(portal, data):
    received, seconds = raw(portal, data)
    assert seconds is not None
    assert not received or received.split(b" ", 2)[1] in (b"400", b"401", b"403", b"404", b"302")
    assert b"S3cret" not in received
    assert portal.get("/api/hello").status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 4000, b"1" * 4000])
def test_a_body_that_is_no_object_is_refused(user, body):
    for method, path in (("POST", "/api/login"), ("PUT", "/api/settings"), ("POST", "/api/key")):
        answer = user.ask(method, path, body, headers={"Content-Type": "application/json"})
        assert answer.status == 400, answer
    assert user.post("/api/wifi/test", {"ssid": 5}).json == {"error": "ssid"}


def test_what_fails_inside_says_nothing_about_it(user):
    for document in ({"text": 5}, {"text": [], "auth": {}}):
        assert user.post("/api/key", document).status == 400
    assert "Traceback" not in user.output()


def test_sockets_are_given_back(portal):
    for _ in range(30):
        with portal.connect() as connection:
            connection.sendall(b"GET /api/hello HTTP/1.1\r\nHost: meterling.local\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert portal.get("/api/hello").status == 200
