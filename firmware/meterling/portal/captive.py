"""What each system asks to find out whether a network leads anywhere.

Before setup is done, everything is redirected to our page: that is what makes phones
and PCs show it. Afterwards each gets what satisfies it, so that the phone shows "Done"
instead of leaving the network. (Android also asks over HTTPS, which nobody can answer for
others: it then says that there is no internet, which is true.)

    iOS, macOS              captive.apple.com/hotspot-detect.html: a page that says Success
    Android, ChromeOS       connectivitycheck.gstatic.com/generate_204, ../gen_204: 204
    Windows                 www.msftconnecttest.com/connecttest.txt, www.msftncsi.com/ncsi.txt
    Firefox                 detectportal.firefox.com/canonical.html, /success.txt
    GNOME, NetworkManager   nmcheck.gnome.org and a name of each distribution
    Ubuntu                  connectivity-check.ubuntu.com: 204
    Fedora, KDE             fedoraproject.org/static/hotspot.txt, networkcheck.kde.org: OK
"""

from .answer import Answer
from .rules import host_of

_APPLE = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
_FIREFOX = (
    '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
)
_ONLINE = "NetworkManager is online\n"

# What the host ends with, or "" for any; the path; status, type, text
_PROBES = (
    ("apple.com", "/hotspot-detect.html", 200, "html", _APPLE),
    ("", "/library/test/success.html", 200, "html", _APPLE),
    ("", "/generate_204", 204, "", ""),
    ("", "/gen_204", 204, "", ""),
    ("msftconnecttest.com", "/connecttest.txt", 200, "plain", "Microsoft Connect Test"),
    ("msftncsi.com", "/ncsi.txt", 200, "plain", "Microsoft NCSI"),
    ("firefox.com", "/canonical.html", 200, "html", _FIREFOX),
    ("firefox.com", "/success.txt", 200, "plain", "success\n"),
    ("gnome.org", "/check_network_status.txt", 200, "plain", _ONLINE),
    ("connectivity-check.ubuntu.com", "", 204, "", ""),
    ("fedoraproject.org", "/static/hotspot.txt", 200, "plain", "OK\n"),
    ("networkcheck.kde.org", "", 200, "plain", "OK\n"),
    ("debian.org", "/nm", 200, "plain", _ONLINE),
    ("archlinux.org", "/nm-check.txt", 200, "plain", _ONLINE),
    ("conncheck.opensuse.org", "", 200, "plain", _ONLINE),
)

# Apple's own names beside captive.apple.com
_APPLES = ("www.appleiphonecell.com", "www.itools.info", "www.ibook.info", "www.airport.us",
           "www.thinkdifferent.us")  # fmt: skip


async def probe(portal, request):
    """Somebody on the access point asks a host that is not us."""
    page = "http://" + portal.house.wifi.access_point_address() + "/"
    host = host_of(request.headers.get("Host"))
    code, headers, text = answer(host, request.path, page, portal.house.done)
    return Answer(text, code, headers)


def answer(host, path, page, done):
    """(status, headers, body) for a request over the access point to a host (str, lower
    case, without port) that is not us. page: our page's address; done: setup is."""
    if done:
        found = _satisfy(host, path)
        if found:
            return found
    return 302, {"Location": page, "Cache-Control": "no-store"}, ""


def _satisfy(host, path):
    if host in _APPLES:
        host = "apple.com"
        path = "/hotspot-detect.html"
    for end, probe, status, kind, text in _PROBES:
        if (host == end or not end or host.endswith("." + end)) and path in (probe, probe or "/"):
            headers = {"Cache-Control": "no-store", "X-NetworkManager-Status": "online"}
            if kind:
                headers["Content-Type"] = "text/" + kind
            return status, headers, text
    return None
