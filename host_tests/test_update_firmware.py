"""An update as its owner sees it: the whole firmware from its slots, asked through its page,
restarted, judged, and back; and the rescue where nothing starts."""

import datetime
import http.client
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dongle
import pytest
import updating
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dongle import Dongle
from meterling import __version__
from meterling_tools import interpreters, release
from running import wait_for

NEW = "9.0.0"
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module", params=["micropython", "micropython32"])
def firmware(request, tmp_path_factory):
    """(interpreter, its tree, which takes our releases, a folder)"""
    interpreter = interpreters.find(request.param)
    if not interpreter:
        pytest.skip(f"no {request.param}: {interpreter.reason}")
    folder = tmp_path_factory.mktemp("firmware")
    return interpreter, dongle.tree(interpreter, folder / "tree", [updating.PUBLIC]), folder


@pytest.fixture(scope="module")
def new(firmware):
    """A release of the same firmware, as version 9.0.0."""
    _, tree, folder = firmware
    return release.make(dongle.files_of(tree, folder, NEW), updating.KEY, NEW)


@pytest.fixture
def start(firmware, tmp_path):
    """A running dongle, as it was flashed."""
    interpreter, tree, _ = firmware

    def start(**options):
        return Dongle(interpreter, tmp_path / "flash", tree, **options)

    return start


def outcome(dongle):
    return dongle.get("/api/update").json["outcome"]


def test_a_release_comes_through_the_page_is_tried_and_stays(start, new):
    with start() as dongle:
        dongle.enter()
        assert dongle.get("/api/update").json == {
            "version": __version__,
            "other": None,
            "tried": False,
            "outcome": None,
            "obstacle": None,
            "url": "",
            "state": "none",
            "done": 0,
            "of": 0,
            "error": None,
        }
        wait_for(lambda: dongle.readings() > 2)
        before = dongle.readings()
        answer = dongle.upload(new)
        assert (answer.status, answer.json) == (200, {"restart": True}), dongle.lines
        # It was read meanwhile, and went on until the restart.
        assert dongle.readings() > before
        assert dongle.get("/api/status").json["counters"]["errors"] == {}
        said = dongle.get("/api/update").json
        assert (said["state"], said["other"], said["tried"]) == ("done", NEW, True)
        wait_for(lambda: dongle.state()[:4] == ["1", "a", "b", "1"])
        dongle.enter()
        said = dongle.get("/api/update").json
        assert (said["version"], said["other"]) == (NEW, __version__)
        wait_for(lambda: outcome(dongle) == "ok")
        assert dongle.state() == ["1", "b", "-", "0", "-", "ok"]
        assert dongle.readings() > 0
        dongle.post("/api/reboot")
        wait_for(lambda: dongle.resets == 2)
        assert dongle.up() == NEW
        assert dongle.meter.key.hex().upper() not in "".join(dongle.lines).upper()


def test_a_version_that_never_reads_goes(start, new):
    with start() as dongle:
        dongle.enter()
        wait_for(lambda: dongle.readings())
        assert dongle.upload(new).status == 200
        dongle.speaks = False
        wait_for(lambda: dongle.resets)
        assert dongle.up() == NEW
        wait_for(lambda: dongle.resets == 2, 20)
        dongle.speaks = True
        assert dongle.enter() and dongle.up() == __version__
        assert outcome(dongle) == "failed-readings"
        assert "update: failed-readings" in dongle.lines
        wait_for(lambda: dongle.readings())


def test_where_nothing_was_read_before_nothing_is_asked(start, new):
    with start() as dongle:
        dongle.speaks = False
        dongle.enter()
        assert dongle.upload(new).status == 200
        wait_for(lambda: dongle.resets)
        dongle.enter()
        assert dongle.state()[4] == "n"
        wait_for(lambda: outcome(dongle) == "ok")


BROKEN = {
    "raises": ("def run():\n    raise ValueError('no')\n", "failed-start"),
    "does not import": ("import nothing_like_it\n", "failed-start"),
    "resets at once": ("def run():\n    import machine\n    machine.reset()\n", "failed-starts"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_version_that_does_not_start_goes(start, firmware, tmp_path, how):
    app, why = BROKEN[how]
    files = dongle.files_of(firmware[1], tmp_path, NEW, app=app)
    with start() as owner:
        owner.enter()
        assert owner.upload(release.make(files, updating.KEY, NEW)).status == 200
        wait_for(lambda: owner.resets >= (4 if why == "failed-starts" else 2), 20)
        owner.enter()
        said = owner.get("/api/update").json
        assert (said["version"], said["outcome"], said["other"]) == (__version__, why, None)


def test_power_that_fails_while_it_is_tried(start, new):
    """Three times, before it could prove itself: the old one is back."""
    with start() as dongle:
        dongle.enter()
        wait_for(lambda: dongle.readings())
        assert dongle.upload(new).status == 200
        dongle.speaks = False
        wait_for(lambda: dongle.resets)
        for number in range(1, 4):
            wait_for(lambda: dongle.state()[2:4] == ["b", str(number)])  # noqa: B023
            assert dongle.up() == NEW
            dongle.process.kill()
            dongle.process.wait()
            dongle.again()
        dongle.speaks = True
        dongle.enter()
        assert dongle.up() == __version__ and outcome(dongle) == "failed-starts"


def altered(data, place):
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def wrong(new):
    """{what: (release, code)}: one of each kind; all of them: test_update_release."""
    other = 11  # rv32imc, which no PC is
    small = updating.make("0.0.1")
    return {
        "text": (b"<html>" * 2000, "no-release"),
        "short": (b"x", "truncated"),
        "truncated": (new[:-1], "truncated"),
        "truncated early": (new[:90], "truncated"),
        "with more behind": (new + bytes(9000), "too-long"),
        "altered": (altered(new, len(new) - 5000), "altered"),
        "altered header": (altered(new, 300), "signature"),
        "a stranger's": (updating.make(NEW, key=updating.STRANGER), "unknown-key"),
        "for another board": (
            updating.signed(new, updating.packed(3, ">H", 6 | 3 << 8 | other << 10)),
            "wrong-board",
        ),
        "for another MicroPython": (
            updating.signed(new, updating.packed(3, ">H", 5)),
            "wrong-micropython",
        ),
        "an older one": (small, "downgrade"),
        "for a later one": (updating.make(NEW, least=(8, 0, 0)), "too-old"),
    }


def test_what_is_refused_says_why_and_changes_nothing(start, new, tmp_path):
    with start() as dongle:
        dongle.enter()
        before = updating.contents(dongle.flash / "a")
        for what, (data, code) in wrong(new).items():
            answer = dongle.upload(data)
            assert (answer.status, answer.json) == (400, {"error": code}), what
            said = dongle.get("/api/update").json
            assert (said["state"], said["error"]) == ("refused", code), what
        assert updating.contents(dongle.flash / "a") == before
        assert not (dongle.flash / "b").exists() and not (dongle.flash / "update.part").exists()
        assert not dongle.resets
        # Nor does it prevent the next one.
        assert dongle.upload(new).status == 200


def test_a_downgrade_is_taken_if_it_is_forced(start, firmware, tmp_path):
    files = dongle.files_of(firmware[1], tmp_path, "0.0.1")
    older = release.make(files, updating.KEY, "0.0.1")
    with start() as owner:
        owner.enter()
        assert owner.upload(older).json == {"error": "downgrade"}
        assert owner.upload(older, force=True).status == 200
        wait_for(lambda: owner.resets)
        assert owner.up() == "0.0.1"


def test_too_large(start, new, tmp_path):
    room = dongle.standin_of_flash(tmp_path / "os", 40)
    with start(standins=room) as owner:
        owner.enter()
        answer = owner.upload(new)
        assert (answer.status, answer.json) == (400, {"error": "too-large"})
        answer = owner.upload(bytes(1 << 20) + b"more")
        assert (answer.status, answer.json) == (413, {"error": "too-long"})


def test_who_may_not_does_not(start, new):
    with start() as dongle:
        dongle.up()
        assert dongle.upload(new[:6000]).json == {"error": "login-first"}
        dongle.enter()
        headers = {"Content-Type": "application/octet-stream"}
        assert dongle.ask("POST", "/api/update", new[:6000], headers, own=False).status == 403
        assert dongle.post("/api/password", {"x": "y" * 5000}).json == {"error": "too-long"}
        assert dongle.get("/api/update").json["state"] == "none"


def test_one_at_a_time_and_one_that_goes_away(start, new):
    with start() as dongle:
        dongle.enter()
        first = http.client.HTTPConnection("127.0.0.1", dongle.port, timeout=20)
        first.putrequest("POST", "/api/update")
        first.putheader("Cookie", "session=" + dongle.cookie)
        first.putheader("X-Meterling", "1")
        first.putheader("Content-Length", str(len(new)))
        first.endheaders(new[:20_000])
        said = wait_for(lambda: (s := dongle.get("/api/update").json)["done"] and s)
        assert (said["state"], said["of"]) == ("receiving", len(new))
        second = dongle.upload(new)
        assert (second.status, second.json) == (409, {"error": "busy"})
        first.close()
        wait_for(lambda: dongle.get("/api/update").json["state"] == "abandoned")
        assert not (dongle.flash / "update.part").exists()
        assert dongle.upload(new).status == 200


def test_without_a_key_it_says_so(firmware, tmp_path, new):
    interpreter, _, _ = firmware
    bare = dongle.tree(interpreter, tmp_path / "bare", [])
    with Dongle(interpreter, tmp_path / "flash", bare) as owner:
        owner.enter()
        assert owner.get("/api/update").json["obstacle"] == "no-key"
        answer = owner.upload(new)
        assert (answer.status, answer.json) == (409, {"error": "no-key"})


# Fetched from a URL


def certificate(folder):
    """A file (Path) with a certificate that nobody knows, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime(2026, 11, 22)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / "server.pem"
    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, *private))
    return file


def web_server(answers, certificate=None):
    """A server on loopback, with TLS if there is a `certificate`; `answers`: {path: (status,
    headers, body)}. Its port (int)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            status, headers, body = answers.get(path, (404, {}, b"no"))
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server.server_port


def test_a_release_is_fetched_from_where_its_owner_says(start, firmware, new, tmp_path):
    """By HTTPS; Debian's 32-bit MicroPython has no ssl, and takes the same by HTTP."""
    secure = firmware[0].name == "micropython"
    length = {"Content-Length": str(len(new))}
    answers = {
        "/m.release": (200, length, new),
        "/page": (200, {}, b"<html>" * 3000),
        "/cut": (200, length, new[:-9]),
    }
    port = web_server(answers, certificate(tmp_path) if secure else None)
    base = f"http{'s' * secure}://127.0.0.1:{port}"
    wrong = f"http{'s' * (not secure)}://127.0.0.1:{port}"
    # As GitHub's: its Content-Security-Policy has 4 kB.
    policy = {"Content-Security-Policy": "default-src 'none'; " + "a.example " * 400}
    answers["/latest"] = (302, {**policy, "Location": f"//127.0.0.1:{port}/here"}, b"")
    answers["/here"] = (302, {"Location": "/there", **policy}, b"")
    answers["/there"] = (302, {"Location": base + "/m.release"}, b"")
    answers["/round"] = (302, {"Location": base + "/round"}, b"")
    answers["/far"] = (302, {"Location": base + "/m.release?" + "x" * 4000}, b"")
    answers["/endless"] = (200, {f"X-{number}": "x" * 2000 for number in range(9)}, new)
    with start() as dongle:
        dongle.enter()
        answer = dongle.post("/api/update/pull")
        assert (answer.status, answer.json) == (409, {"error": "no-url"})

        def pull(url):
            saved = dongle.ask("PUT", "/api/settings", {"update": {"url": url}})
            assert saved.json == {"restart": False}
            return dongle.post("/api/update/pull")

        for url, status, code in (
            (base + "/nothing", 502, "not-fetched"),
            (base + "/round", 502, "not-fetched"),
            (base + "/far", 502, "not-fetched"),
            (base + "/endless", 502, "not-fetched"),
            ("ftp://127.0.0.1/x", 502, "not-fetched"),
            ("https://127.0.0.1:1/x", 502, "not-fetched"),
            (wrong + "/m.release", 502, "not-fetched"),
            (base + "/page", 400, "no-release"),
            (base + "/cut", 400, "truncated"),
        ):
            answer = pull(url)
            assert (answer.status, answer.json) == (status, {"error": code}), url
            assert dongle.get("/api/update").json["error"] == code
        assert pull(base + "/latest").status == 200, dongle.lines
        wait_for(lambda: dongle.resets)
        assert dongle.up() == NEW


# Where nothing starts


def form(data, boundary=b"----x1"):
    """(body, headers) as a browser sends a form with a file."""
    head = b'Content-Disposition: form-data; name="f"; filename="m.release"\r\n'
    head += b"Content-Type: application/octet-stream\r\n\r\n"
    body = b"--" + boundary + b"\r\n" + head + data + b"\r\n--" + boundary + b"--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=" + boundary.decode()}


def rescued(dongle, data, **headers):
    """What the page says (str) to an upload."""
    body, own = form(data)
    answer = dongle.ask("POST", "/", body, {**own, **headers}, own=False)
    assert answer.status == 200
    return answer.data.decode()


def rescue_is_up(dongle):
    def page():
        try:
            return b'<input type="file"' in dongle.get("/").data
        except OSError:
            return False

    wait_for(page, 20)


def test_with_both_slots_broken_a_page_takes_a_release(start, firmware, new, tmp_path):
    with start() as first:
        first.enter()
    (tmp_path / "flash" / "a" / "release").unlink()
    with start() as dongle:
        rescue_is_up(dongle)
        assert "rescue: no version starts" in dongle.lines
        assert "unknown-key" in rescued(dongle, updating.make(NEW, key=updating.STRANGER))
        assert "no-release" in rescued(dongle, b"<html>" * 2000)
        assert "altered" in rescued(dongle, altered(new, len(new) - 5000))
        assert "csrf" in rescued(dongle, new, Origin="http://elsewhere.example")
        with dongle.connect() as stranger:
            stranger.sendall(bytes(range(256)) * 40)
        print(dongle.lines)
        assert "OK." in rescued(dongle, new, Origin=f"http://127.0.0.1:{dongle.port}")
        wait_for(lambda: dongle.resets)
        dongle.enter()
        wait_for(lambda: outcome(dongle) == "ok")
        assert dongle.up() == NEW


def test_a_crash_loop_of_all_there_is_ends_in_the_rescue(start, firmware, new, tmp_path):
    """One slot, which crashes for ever; a release older than it is taken, too."""
    interpreter, tree, _ = firmware
    crash = "def run():\n    import machine\n    machine.reset()\n"
    dongle.files_of(tree, tmp_path, "9.9.9", app=crash)
    with Dongle(interpreter, tmp_path / "flash", tmp_path / "tree-9.9.9") as owner:
        rescue_is_up(owner)
        assert owner.resets == 7  # the first start was by power
        assert "OK." in rescued(owner, new)
        wait_for(lambda: owner.resets == 8)
        assert owner.up() == NEW


def test_with_no_update_module_left_the_rescue_says_so(start, new, tmp_path):
    with start() as first:
        first.enter()
    (tmp_path / "flash" / "a" / "release").unlink()
    (tmp_path / "flash" / "a" / "meterling" / "update" / "updater.mpy").unlink()
    with start() as dongle:
        rescue_is_up(dongle)
        assert "by cable only" in rescued(dongle, new)


def test_the_rescue_s_own_wifi(start, new, tmp_path):
    with start() as first:
        first.enter()
    (tmp_path / "flash" / "a" / "release").unlink()
    for settings in ({"wifi": {"ssid": ""}, "ap": {"password": "kommherein"}}, {"wifi": 5}):
        with start(settings=settings) as dongle:
            rescue_is_up(dongle)
            assert "rescue: Meterling-0001, http://127.0.0.2/" in dongle.lines


def test_nobody_waits_for_ever_in_the_rescue(start, new, tmp_path):
    """A request at a time; one that stalls is dropped."""
    with start() as first:
        first.enter()
    (tmp_path / "flash" / "a" / "release").unlink()
    with start() as dongle:
        rescue_is_up(dongle)
        with dongle.connect() as slow:
            slow.sendall(b"POST / HTTP/1.1\r\n")
            started = time.monotonic()
            slow.settimeout(30)
            assert slow.recv(10) == b""
            assert 10 < time.monotonic() - started < 25
        assert "OK." in rescued(dongle, new)
