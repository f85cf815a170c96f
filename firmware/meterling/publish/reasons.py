"""What the codes of a BrokerError say to a person, and which code an answer has. Loaded when
something went wrong, and dropped again."""

import errno

from ..python import const

SENTENCES = {
    "mqtt-refused": "nothing listens at the broker's address and port",
    "mqtt-unreachable": "there is no way to the broker's address",
    "mqtt-timeout": "the broker did not answer in time",
    "mqtt-no-puback": "the broker takes messages and acknowledges none",
    "mqtt-no-pingresp": "the broker went silent",
    "mqtt-closed": "the connection to the broker broke off",
    "mqtt-protocol": "what answers at the broker's address does not speak MQTT 3.1.1",
    "mqtt-version": "the broker does not accept MQTT 3.1.1",
    "mqtt-client-id": "the broker does not accept the client identifier",
    "mqtt-unavailable": "the broker says that it is unavailable",
    "mqtt-login": "the broker does not accept user and password",
    "mqtt-not-authorised": "the broker does not let this client in",
    "mqtt-too-long": "the message is longer than the buffer for it",
    "dns-no-answer": "the name server did not answer",
    "dns-unknown": "the name server does not know the broker's name",
    "dns-no-server": "the network named no name server",
}

# MQTT 3.1.1, table 3.1: the return codes of CONNACK
_CONNACK = ("mqtt-version", "mqtt-client-id", "mqtt-unavailable", "mqtt-login")
_CONNACK_NOT_AUTHORISED = const(5)

_NO_WAY = ("EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "ENETDOWN")


def sentence(code):
    """The sentence (str) for a code."""
    return SENTENCES[code]


def of_connack(code):
    """The code (str) for a return code (int, not 0) of CONNACK."""
    if code == _CONNACK_NOT_AUTHORISED:
        return "mqtt-not-authorised"
    if 0 < code <= len(_CONNACK):
        return _CONNACK[code - 1]
    return "mqtt-protocol"


def of_os(error):
    """The code (str) for what the network (an OSError) says."""
    number = error.args[0] if error.args else None
    if number == errno.ECONNREFUSED:
        return "mqtt-refused"
    if number == errno.ETIMEDOUT:
        return "mqtt-timeout"
    for name in _NO_WAY:  # not every port's errno knows every name
        if number is not None and number == getattr(errno, name, None):
            return "mqtt-unreachable"
    return "mqtt-closed"
