"""The rig's meter, a process of its own so that nothing else disturbs its timing.

    python -m meterling_tools.rig_meter METER STAMPS [SECONDS]

Writes telegrams to standard output, the meter's end of the line, at line speed and with the
real time on the meter's clock; STAMPS (a file) gets the time of each one's last byte.
"""

import sys
from datetime import UTC, datetime

from .simulate import make_meter
from .simulate.line import FileSink, send


def main(name, stamps, seconds=None):
    interval = round(float(seconds) * 1000) if seconds else None
    meter = make_meter(name, start=datetime.now(UTC), interval_ms=interval)
    with open(stamps, "a") as file:
        if hasattr(meter, "converse"):
            meter.converse(sys.stdout.fileno(), stamps=file)
        else:
            send(meter, FileSink(sys.stdout.fileno()), stamps=file)


if __name__ == "__main__":
    main(*sys.argv[1:])
