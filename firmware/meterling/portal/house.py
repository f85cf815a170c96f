"""All that the portal sees of the rest of the firmware, and all that it may do to it.

app.py makes one, and hands in what exists only later by setting the attributes.
"""

from .. import config
from ..publish.loop import ticks_diff, ticks_ms
from ..python import const

_TELEGRAMS = const(2)  # of errors


class House:
    """path: str, of the settings' file; settings: flat dict, as of `config.load`; device:
    str; wifi: board.wifi.Wifi; diagnosis: publish.diagnosis.Diagnosis.

    restart(): starts the chip anew; sample: Sample, to which the decoder gives each ciphered
    telegram (`sample.take`); health: Health, of this start.

    publisher: of MQTT, or None; keys_changed(key, auth_key): makes the decoder use other keys
    from now on, None if only a restart does that; sniffer_state(): dict that is added to "line",
    None if nothing is sniffed.
    """

    version = __import__("meterling").__version__
    mdns = ("224.0.0.251", 5353)  # where the network is asked what there is in it

    def __init__(self, path, settings, device, wifi, diagnosis, restart, sample, health):
        self.path = path
        self.settings = settings
        self.device = device
        self.wifi = wifi
        self.diagnosis = diagnosis
        self.restart = restart
        self.sample = sample
        self.health = health
        self.publisher = None
        self.keys_changed = None
        self.sniffer_state = None
        self.done = False  # the owner has finished the setup, since the start
        self._ticks = ticks_ms()
        self._ms = self._uptime = 0  # ms, and whole s, until then

    def tick(self):
        """To be called at least once a minute: counts the time."""
        ticks = ticks_ms()
        elapsed = self._ms + ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        self._ms = elapsed % 1000
        self._uptime += elapsed // 1000

    def uptime(self):
        """s since the start."""
        self.tick()
        return self._uptime

    def line(self):
        """What is listened to (dict); see API.md."""
        settings = self.settings
        line = {
            "link": settings["meter.link"],
            "baudrate": settings["meter.baudrate"],
            "framing": settings["meter.framing"],
            "inverted": settings["meter.inverted"],
            "optical": settings["meter.optical"],
            "sniffing": False,
        }
        if self.sniffer_state is not None:
            line.update(self.sniffer_state())
        return line

    def telegrams(self):
        """How many telegrams came so far (int), read or not; wraps at 2**30."""
        return self.diagnosis.counters[_TELEGRAMS]

    def mqtt(self):
        """State of the publisher (dict); see API.md."""
        publisher = self.publisher
        if publisher is None:
            return {"on": False, "connected": False, "error": None}
        return {"on": True, "connected": publisher.connected, "error": publisher.error}

    def save(self, settings):
        """Check, write and use `settings` (flat dict). ConfigError; OSError."""
        config.save(self.path, settings)
        keys = ("meter.key", "meter.auth_key")
        changed = [name for name in keys if settings[name] != self.settings[name]]
        # First: where that finds no memory, the next try begins with them again.
        if changed and self.keys_changed is not None:
            self.keys_changed(settings["meter.key"], settings["meter.auth_key"])
        # In place: whoever has them sees the new ones.
        self.settings.update(settings)

    def forget_everything(self):
        """Back to the defaults; OSError. What is printed on the dongle stays."""
        from .factory_reset import forget_everything

        forget_everything(self)
