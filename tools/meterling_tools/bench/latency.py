"""From the last byte on the UART to an MQTT client, in the demo's own set-up."""

import asyncio
import statistics

from .. import demo, interpreters
from .figure import Figure

_COUNT = 200  # telegrams
_MOST = 100  # ms
_MS = 1_000_000  # ns
# 2400 baud need 2 s a telegram; this meter's line is fast, so that 200 take less than a minute.
_FAST, _INTERVAL = "kaernten-im350", 0.25  # s
_OWN = "tinetz-kaifa"


def figures(args):
    meter, interval = (_OWN, None) if args.full else (_FAST, _INTERVAL)
    every = f"every {interval} s" if interval else "at its own interval"
    where = f"last byte to client, {meter} {every}"
    interpreter = interpreters.find("micropython")
    if not interpreter:
        missing = f"no micropython: {interpreter.reason}"
        yield Figure(f"{where}: maximum", unit="ms", target=_MOST, missing=missing)
        return
    times = asyncio.run(demo.latencies(_COUNT, meter, interval))
    yield Figure(f"{where}: median", statistics.median(times) / _MS, "ms")
    yield Figure(
        f"{where}: maximum", max(times) / _MS, "ms", _MOST, note=f"of {len(times)} telegrams"
    )
