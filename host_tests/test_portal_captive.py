"""What each system asks to find out about a network, by its real URLs and headers."""

import pytest
from meterling.portal.captive import answer
from meterling_tools import interpreters
from portal_runner import GUEST, Portal, kept

APPLE = "CaptiveNetworkSupport-481.60.2 wispr"
ANDROID = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/60.0.3112.32 Safari/537.36"
)
PROBES = [
    # system, URL, User-Agent, what satisfies it: status and text
    ("iOS, macOS", "captive.apple.com/hotspot-detect.html", APPLE, 200,
     "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    ("iOS", "www.apple.com/library/test/success.html", APPLE, 200,
     "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    ("iOS 6", "www.airport.us/", APPLE, 200,
     "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    ("Android", "connectivitycheck.gstatic.com/generate_204", ANDROID, 204, ""),
    ("Android", "www.google.com/gen_204", ANDROID, 204, ""),
    ("Android", "play.googleapis.com/generate_204", ANDROID, 204, ""),
    ("Android 5", "clients3.google.com/generate_204", ANDROID, 204, ""),
    ("Samsung", "connectivity.samsung.com.cn/generate_204", ANDROID, 204, ""),
    ("Xiaomi", "connect.rom.miui.com/generate_204", ANDROID, 204, ""),
    ("Windows 11", "www.msftconnecttest.com/connecttest.txt", "Microsoft NCSI", 200,
     "Microsoft Connect Test"),
    ("Windows 11, IPv6", "ipv6.msftconnecttest.com/connecttest.txt", "Microsoft NCSI", 200,
     "Microsoft Connect Test"),
    ("Windows 7", "www.msftncsi.com/ncsi.txt", "Microsoft NCSI", 200, "Microsoft NCSI"),
    ("Firefox", "detectportal.firefox.com/canonical.html",
     "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 200,
     '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'),
    ("Firefox", "detectportal.firefox.com/success.txt?ipv4",
     "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 200, "success\n"),
    ("GNOME", "nmcheck.gnome.org/check_network_status.txt", None, 200,
     "NetworkManager is online\n"),
    ("Debian", "network-test.debian.org/nm", None, 200, "NetworkManager is online\n"),
    ("Arch", "ping.archlinux.org/nm-check.txt", None, 200, "NetworkManager is online\n"),
    ("Ubuntu", "connectivity-check.ubuntu.com/", None, 204, ""),
    ("Fedora", "fedoraproject.org/static/hotspot.txt", None, 200, "OK\n"),
    ("KDE", "networkcheck.kde.org/", None, 200, "OK\n"),
]  # fmt: skip


@pytest.fixture(scope="module", params=interpreters.NAMES)
def portal(request, tmp_path_factory):
    python = interpreters.find(request.param)
    if not python:
        pytest.skip(f"no {request.param}: {python.reason}")
    folder = tmp_path_factory.mktemp("portal")
    with Portal(python, folder, {"portal": {"password": kept()}}, access_point=True) as running:
        yield running


def probe(portal, url, agent):
    host, _, path = url.partition("/")
    headers = {"User-Agent": agent, "Connection": "close", "Accept": "*/*"}
    return portal.get("/" + path, host=host, headers=headers, source=GUEST)


def test_each_system_is_made_to_open_the_page_and_then_satisfied(portal):
    for system, url, agent, _, _ in PROBES:
        asked = probe(portal, url, agent)
        assert asked.status == 302, system
        assert asked.headers["Location"] == "http://127.0.0.2/", system
        assert asked.headers["Cache-Control"] == "no-store"
    portal.login()
    assert portal.post("/api/setup/done").status == 200
    for system, url, agent, status, text in PROBES:
        asked = probe(portal, url, agent)
        assert (asked.status, asked.data.decode()) == (status, text), system
    # Who types any other name still finds the page.
    assert probe(portal, "orf.at/", ANDROID).status == 302
    # And from the home's network nobody is told that we are apple.com.
    assert portal.get("/hotspot-detect.html", host="captive.apple.com").status == 421


def test_names_that_only_look_like_theirs_are_not_satisfied():
    for host, path in (
        ("notapple.com", "/hotspot-detect.html"),
        ("captive.apple.com.evil.example", "/hotspot-detect.html"),
        ("captive.apple.com", "/other"),
    ):
        assert answer(host, path, "http://192.168.4.1/", True)[0] == 302
