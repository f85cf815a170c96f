"""How the tests feed the decoder and write down what it read."""

import json
from dataclasses import replace
from pathlib import Path

from meterling.decoder import Decoder
from meterling_tools import ROOT, interpreters
from meterling_tools.simulate import axdr
from meterling_tools.simulate.meters import DLMS
from meterling_tools.simulate.settings import P1_LINE

PROBE = Path(__file__).with_name("decode_probe.py")
DATA = Path(__file__).with_name("data")
CAPTURES = ROOT.parent / "shared" / "captures"  # optional: published and private telegrams


class Seen:
    """What one reading said while it was valid."""

    def __init__(self, reading):
        self.layout = reading.layout
        self.meter = reading.meter
        self.system_title = reading.system_title
        self.time = reading.time
        self.time_as_sent = reading.time_as_sent
        self.invocation_counter = reading.invocation_counter
        self.authenticated = reading.authenticated
        count = range(len(reading))
        self.names = [reading.name(i) for i in count]
        self.values = {reading.name(i): reading.value(i) for i in count}
        self.units = {reading.name(i): reading.unit(i) for i in count}
        self.raw = {reading.name(i): (reading.raw(i), reading.scaler(i)) for i in count}
        self.numbers = {reading.name(i): reading.is_number(i) for i in count}
        out = bytearray(16384)
        end = reading.put_json(out, 0)
        self.json = None if end < 0 else out[:end].decode()

    def __repr__(self):
        return f"<{self.meter} {self.time} {self.invocation_counter} {self.values}>"


class Listener:
    """A Decoder whose readings are kept: `readings` (list of Seen), `watts` of each."""

    def __init__(self, link, key=None, auth_key=None, **options):
        self.readings = []
        self.decoder = Decoder(
            link, key, auth_key, lambda reading: self.readings.append(Seen(reading)), **options
        )

    def hear(self, data, chunk=None):
        """Feed `data` in chunks of `chunk` bytes (None: all at once); returns self."""
        step = chunk or len(data) or 1
        for begin in range(0, len(data), step):
            part = bytes(data[begin : begin + step])
            self.decoder.feed(part, len(part))
        return self

    def quiet(self):
        self.decoder.quiet()
        return self

    @property
    def counters(self):
        return self.decoder.counters.as_dict()

    @property
    def errors(self):
        return self.counters["errors"]

    @property
    def watts(self):
        """1-0:1.7.0 of each reading, int: how the tests number their telegrams."""
        return [int(reading.values["1-0:1.7.0"]) for reading in self.readings]


def of_meter(meter, **options):
    """A Listener with the link and the keys of a simulated meter."""
    return Listener(meter.link, meter.key, meter.auth_key, **options)


def bare_meter(**options):
    """A simulated meter that sends DLMS without any link layer: no operator's that we know."""
    spec = replace(DLMS["steiermark-e450"], line=P1_LINE, link="apdu", frame=bytes)
    return spec.meter("bare", **options)


def notification(watts, size=0):
    """A plain data-notification that says `watts`, and of at least `size` bytes: an OBIS
    code and its value, and where it is to be longer, another pair with a text.

        0F | invoke id (4) | 00 | 02 n | 09 06 0100010700FF | 06 watts (4) | ..
    """
    elements = [axdr.obis("1-0:1.7.0"), axdr.u32(watts)]
    short = axdr.data_notification(1, None, axdr.structure(*elements))
    if size <= len(short):
        return short
    for filling in range(max(0, size - len(short) - 20), size):
        text = bytes(32 + (watts * 7 + i * 13) % 90 for i in range(filling))
        body = axdr.structure(*elements, axdr.obis("0-0:96.13.0"), axdr.octets(text))
        apdu = axdr.data_notification(1, None, body)
        if len(apdu) >= size:
            return apdu
    raise ValueError(size)


def probe(interpreter, jobs):
    """Decode each job under that interpreter; its output (str). A job is a dict: link, raw
    (bytes), chunk (int, 0 = all at once), key, auth_key (bytes or None), quiet (bool).
    """
    lines = []
    for job in jobs:
        line = dict(job)
        for name in ("raw", "key", "auth_key"):
            line[name] = line[name].hex() if line.get(name) else ""
        lines.append(json.dumps(line))
    run = interpreters.run(interpreter, PROBE, stdin="\n".join(lines).encode() + b"\n")
    assert run.returncode == 0, run.stderr.decode() + run.stdout.decode()[-2000:]
    return run.stdout.decode()
