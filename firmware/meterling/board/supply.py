"""The supply of a dongle that lives on the meter's interface: its capacitor's voltage, and a
radio that takes as little as it can. Loaded only where the setting "power.supply" is not "usb".
"""

from machine import ADC, Pin

from ..power import TRANSMIT_POWER, Policy
from ..publish.loop import sleep_ms, ticks_diff, ticks_ms
from ..python import const

_TICK = const(1000)  # ms
_SAMPLES = const(8)
_DIVIDER = const(2)  # two equal resistors: half of the voltage is at the pin


class Supply:
    """`settings`: "power.supply" ("p1", "mbus") and "power.sense_pin", -1 if nothing measures.
    brown_outs: as power.Policy."""

    def __init__(self, settings, brown_outs):
        self._supply = settings["power.supply"]
        self._policy = Policy(self._supply, brown_outs)
        self._adc = _open(settings["power.sense_pin"])

    @property
    def publish(self):
        """True if there is energy to publish."""
        return self._policy.publish

    def millivolts(self):
        """The capacitor's voltage (int, mV), None where nothing measures it."""
        if self._adc is None:
            return None
        total = 0
        for _ in range(_SAMPLES):
            total += self._adc.read_uv()
        return total * _DIVIDER // (_SAMPLES * 1000)

    def allows(self, wlan):
        """True if the radio may run now; `wlan` (network.WLAN) is switched on or off with it.
        Off is off for good: whatever was joined has to be joined again."""
        on = self._policy.radio
        if bool(wlan.active()) != on:
            wlan.active(on)
            if on:
                self._save(wlan)
        return on

    def _save(self, wlan):
        try:
            wlan.config(txpower=TRANSMIT_POWER[self._supply], pm=wlan.PM_POWERSAVE)
        except (AttributeError, OSError, ValueError):
            print("power: this radio cannot be told to save")

    async def run(self):
        """Measure and decide, for ever."""
        policy = self._policy
        before = ticks_ms()
        while True:
            now = ticks_ms()
            radio = policy.radio
            millivolts = self.millivolts()
            policy.look(ticks_diff(now, before), millivolts)
            before = now
            if policy.radio != radio:
                found = "" if millivolts is None else ", {} mV".format(millivolts)
                print("power: radio {}{}".format("on" if policy.radio else "off", found))
            await sleep_ms(_TICK)


def _open(pin):
    if pin < 0:
        return None
    try:
        return ADC(Pin(pin), atten=ADC.ATTN_11DB)
    except (OSError, ValueError):
        print("power: pin {} measures nothing".format(pin))
        return None
