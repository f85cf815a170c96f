"""A home's network that announces what there is in it: python-zeroconf, which is also what Home
Assistant itself announces with, on the loopback interface and a port of its own.

It is asked by unicast, as multicast would leave this machine; its answers to a port other than
5353 are those of RFC 6762, 6.7, by unicast too.
"""

import socket
from contextlib import contextmanager

import zeroconf
import zeroconf._utils.net


@contextmanager
def announced(*services):
    """(address, port) to ask. services: (type, name, host, [dotted addresses], port)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    usual = zeroconf._utils.net._MDNS_PORT
    zeroconf._utils.net._MDNS_PORT = port
    try:
        responder = zeroconf.Zeroconf(["127.0.0.1"], ip_version=zeroconf.IPVersion.V4Only)
    finally:
        zeroconf._utils.net._MDNS_PORT = usual
    try:
        for kind, name, host, addresses, number in services:
            kind += "._tcp.local."
            responder.register_service(
                zeroconf.ServiceInfo(
                    kind,
                    f"{name}.{kind}",
                    number,
                    addresses=[socket.inet_aton(address) for address in addresses],
                    server=host + ".local.",
                    properties={"version": "2026.11.2", "base_url": "http://192.168.1.20:8123"},
                ),
                cooperating_responders=True,  # no probing: there is nobody else
            )
        yield "127.0.0.1", port
    finally:
        responder.close()
