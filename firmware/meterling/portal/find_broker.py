"""/api/mqtt/find: Home Assistant, and brokers, that announce themselves in the network.

    _home-assistant._tcp.local  PTR -> Zuhause._home-assistant._tcp.local
                                SRV -> its port 8123 (its page's), 0c51f9.local
                                A   -> 192.168.1.20
    _mqtt._tcp.local            the same, and the port is the broker's

Home Assistant does not announce its broker: the add-on's listens at 1883 of the same address.
"""

from ..python import const
from . import mdns
from .answer import Refused

_MOST = const(8)  # of each that is remembered, and of what is answered
_BROKER_PORT = const(1883)
_KINDS = {"homeassistant": "_home-assistant._tcp.local", "mqtt": "_mqtt._tcp.local"}
_HOST = "homeassistant.local"  # as Home Assistant calls itself, unless its owner did otherwise


class Found:
    """What was heard so far; `questions` says what is still to be asked."""

    def __init__(self):
        self._services = {mdns.name_of(name): kind for kind, name in _KINDS.items()}
        self._names = {}  # of a service, in lower case: (its kind, as it is written)
        self._places = {}  # of a service: (port, host)
        self._addresses = {mdns.name_of(_HOST): []}  # of a host: [dotted]

    def questions(self):
        """[(name, kind)]"""
        asked = [(name, mdns.PTR) for name in self._services]
        asked += [(name, mdns.SRV) for name in self._names if name not in self._places]
        asked += [(name, mdns.A) for name, found in self._addresses.items() if not found]
        return asked

    def take(self, name, kind, value, sender):
        """A record; see mdns.ask."""
        if kind == mdns.PTR:
            service = self._services.get(name)
            if service and len(self._names) < _MOST:
                self._names.setdefault(value.lower(), (service, value))
        elif kind == mdns.SRV:
            if name in self._names:
                self._places[name] = value
                self._addresses.setdefault(value[1], [])
        elif name in self._addresses:
            known = self._addresses[name]
            if value not in known and len(known) < _MOST:
                # One that is also on networks of its own (containers) has told those as well:
                # the one from which it answers can be reached.
                known.insert(0 if value == sender else len(known), value)

    def candidates(self):
        """[{"kind", "name", "host", "address", "port"}], at most 8, Home Assistant first."""
        usual = self._addresses[mdns.name_of(_HOST)]
        found = []
        for name, (kind, written) in self._names.items():
            port, host = self._places.get(name, (0, None))
            addresses = self._addresses.get(host)
            if addresses:
                port = port if kind == "mqtt" else _BROKER_PORT
                found.append(_candidate(kind, mdns.first_label(written), addresses, port, usual))
        if usual and not any(one["host"] == _HOST for one in found):
            found.append(_candidate("homeassistant", "", usual, _BROKER_PORT, usual))
        found.sort(key=lambda one: (one["kind"] != "homeassistant", one["address"]))
        return found[:_MOST]


def _candidate(kind, name, addresses, port, usual):
    # The name, where it leads there as well: an address may be another one tomorrow.
    return {
        "kind": kind,
        "name": name,
        "host": _HOST if addresses[0] in usual else addresses[0],
        "address": addresses[0],
        "port": port,
    }


async def find(portal, request):
    """POST /api/mqtt/find"""
    if not portal.house.wifi.is_up():
        raise Refused(503, "no-wifi")
    found = Found()
    try:
        await mdns.ask(found.questions, found.take, portal.house.mdns)
    except OSError:
        pass  # a network without multicast: nobody was found
    return {"found": found.candidates()}
