"""Why the broker does not take our readings: a stable code and one sentence each."""

from ..python import unload


class BrokerError(Exception):
    """The connection to the broker failed; `code` is stable (see reasons), the text is for a
    person."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code

    def __str__(self):
        return _ask("sentence", self.code, self.code)


def from_connack(code):
    """The BrokerError for a return code (int, not 0) of CONNACK."""
    return BrokerError(_ask("of_connack", code, "mqtt-protocol"))


def from_os(error):
    """The BrokerError for what the network (an OSError) says."""
    return BrokerError(_ask("of_os", error, "mqtt-closed"))


def _ask(what, subject, otherwise):
    # `otherwise`: where memory does not even do for the question.
    try:
        from . import reasons

        return getattr(reasons, what)(subject)
    except (MemoryError, ImportError):
        return otherwise
    finally:
        unload("meterling.publish", "reasons")
