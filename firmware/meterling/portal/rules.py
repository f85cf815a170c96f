"""Who may ask what: the rules at the top of API.md, each a function that tests can call."""

from ..python import const

_HEADER = const("X-Meterling")
_NAME = const("meterling")
# Endings that routers give to the names they hand out. Nobody can make the Internet's DNS lead
# one of them to us: they are reserved, or nobody's; fritz.box is its maker's.
_AT_HOME = const(".local .lan .home .internal .localdomain .home.arpa .fritz.box")


def host_of(header):
    """The name or address in a Host header (str or None): lower case, without the port."""
    return (header or "").lower().split(":")[0].rstrip(".")


def is_ours(host, device, addresses, name=_NAME):
    """True if `host` (as of `host_of`) is one of our `addresses` (dotted) or names: device, and
    `name`, under which the network finds us.

    A page elsewhere may make its own name point to us (DNS rebinding): the browser then
    sends us that name.
    """
    if not host:
        return False
    if host in addresses:
        return True
    for end in _AT_HOME.split():
        if host.endswith(end):
            host = host[: -len(end)]
            break
    names = (_NAME, device.lower(), name)
    if host in names:
        return True
    # mDNS appends a number where there are two.
    first, dash, number = host.rpartition("-")
    return bool(
        dash and first in names and 0 < len(number) < 4 and all("0" <= c <= "9" for c in number)
    )


def same_origin(origin, host):
    """True if `origin` (header, str) is a page of ours, as of the Host header `host`."""
    return origin.lower() == "http://" + (host or "").lower()


def may_change(headers):
    """True if a request that changes something came from our own page, or from a
    program: a foreign page cannot add the header without asking us first (CORS), and a
    browser always tells the origin."""
    origin = headers.get("Origin")
    site = headers.get("Sec-Fetch-Site")
    return (
        headers.get(_HEADER) == "1"
        and (origin is None or same_origin(origin, headers.get("Host")))
        and site in (None, "same-origin", "none")
    )
