"""Why the chip started. Loaded for a moment, at the start."""

import machine

_CAUSES = (
    ("PWRON_RESET", "power-on"),
    ("HARD_RESET", "hard"),
    ("WDT_RESET", "watchdog"),
    ("DEEPSLEEP_RESET", "deep-sleep"),
    ("SOFT_RESET", "soft"),
    ("BROWNOUT_RESET", "brown-out"),  # of some ports and forks
)
_MARK = b"meterling"


def find():
    """The cause (str, one of starts.CAUSES). To be asked once a start.

    MicroPython for ESP32 (1.26, ports/esp32/modmachine.c) calls a brown-out a power-on. But
    ESP-IDF answers the detector by restarting, with the power still there, and so the RTC's
    memory keeps what is written into it here; a real power-on finds it without its magic word
    (machine_rtc.c). A power cut that is too short to forget is a brown-out just as well.
    """
    cause = machine.reset_cause()
    found = "unknown"
    for name, text in _CAUSES:
        if cause == getattr(machine, name, None):
            found = text
            break
    kept = _kept()
    return "brown-out" if kept and found == "power-on" else found


def _kept():
    # Whether the power was never away since the last start.
    try:
        rtc = machine.RTC()
        kept = rtc.memory() == _MARK
        if not kept:
            rtc.memory(_MARK)
        return kept
    except (AttributeError, OSError, ValueError):
        return False
