"""Who may ask what: the rules at the top of API.md, each a function that tests can call."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer, Chromium says "Origin: null" for the form of the page without JavaScript.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HEADER = "X-Meterling"
_NAME = "meterling"


def host_of(header):
    """The name or address in a Host header (str or None): lower case, without the port."""
    return (header or "").lower().split(":")[0].rstrip(".")


def is_ours(host, device, addresses):
    """True if `host` (as of `host_of`) is one of our `addresses` (dotted) or names.

    A page elsewhere may make its own name point to us (DNS rebinding): the browser then
    sends us that name. No name that ends with .local can come from the Internet's DNS.
    """
    if not host:
        return False
    if host in addresses:
        return True
    if host.endswith(".local"):
        host = host[:-6]
    if host == _NAME or host == device.lower():
        return True
    # mDNS appends a number where there are two.
    name, dash, number = host.rpartition("-")
    return bool(
        dash
        and name in (_NAME, device.lower())
        and 0 < len(number) < 4
        and all("0" <= c <= "9" for c in number)
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
        headers.get(HEADER) == "1"
        and (origin is None or same_origin(origin, headers.get("Host")))
        and site in (None, "same-origin", "none")
    )
