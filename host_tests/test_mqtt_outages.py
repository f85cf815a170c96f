"""Whatever the broker does: the event loop is never held, and the reader loses nothing.

The real publisher and reader run under MicroPython against brokers of every bad kind,
while a meter sends without a pause.
"""

import mqtt_brokers
import pytest
from meterling_tools import interpreters
from mqtt_brokers import Brokers
from mqtt_probes import Probe

_LONGEST_HOLD = 100  # ms

# Kind of broker -> the code that names it, None if it is good enough
KINDS = {
    "refused": "mqtt-refused",
    "hanging": "mqtt-timeout",
    "silent": "mqtt-timeout",
    "closes_at_once": "mqtt-closed",
    "closes_after_connect": "mqtt-closed",
    "refuses_password": "mqtt-login",
    "refuses_client": "mqtt-not-authorised",
    "speaks_http": "mqtt-protocol",
    "garbage_after_connack": "mqtt-protocol",
    "never_puback": "mqtt-no-puback",
    "wrong_puback": "mqtt-no-puback",
    "resets_midway": "mqtt-closed",
    "drips": None,
}


@pytest.fixture(scope="module", params=["micropython", "micropython32"])
def outages(request):
    """All probes at once: kind -> (result, probe)."""
    interpreter = interpreters.find(request.param)
    if not interpreter:
        pytest.skip(interpreter.reason)
    with Brokers() as brokers:
        probes = {}
        for kind in KINDS:
            if kind in ("refused", "hanging"):
                port = getattr(brokers, kind)()
            else:
                port = brokers.start(getattr(mqtt_brokers, kind))
            probes[kind] = Probe(
                interpreter,
                mqtt={"host": "127.0.0.1", "port": port, "user": "u", "password": "S3cret"},
                milliseconds=4000,
                connect_timeout=1000,
                answer_timeout=1000,
            )
        return {kind: (probe.result(), probe) for kind, probe in probes.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_loop_is_never_held_and_nothing_is_lost(outages, kind):
    result, probe = outages[kind]
    assert result["held"] < _LONGEST_HOLD
    assert (result["lost"], probe.overruns) == (0, 0)
    assert result["received"] > 1000
    assert result["error"] == KINDS[kind]
    assert "S3cret" not in "\n".join(probe.lines)


def test_what_is_refused_stays_in_the_outbox(outages):
    result, _ = outages["refused"]
    assert result["waiting"] == 6
    assert result["dropped"] > 5


def test_a_slow_broker_gets_everything(outages):
    result, _ = outages["drips"]
    assert (result["connects"], result["dropped"]) == (1, 0)


def test_after_a_reset_there_is_another_connection(outages):
    result, _ = outages["resets_midway"]
    assert result["connects"] >= 2
