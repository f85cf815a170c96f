"""When the radio may run and readings may leave, where the meter feeds the dongle through a
capacitor; pure.

    mV at the capacitor
    4500 | - - - - - - - ........ - - - - - -  FULL: the radio starts
         |            .''        ''.
    3700 | - - - - ..' - - - - - - -'.- - - -  ENOUGH, if it does not rise any more
    3450 | - - - .' - - - - - - - - - '. - - - PUBLISH: below it readings wait
    3350 | - - .' - - - - - - - - - - - '. - - STOP: the radio goes off, until it is charged again
    3000 | - .' - - - - - - - - - - - - - -    what the regulator wants, to make 2.8 V of it
           rest                 radio

A start of the radio takes some 100 mA for three seconds (0.3 V of 1 F), a listening one with
modem sleep 15 to 30 mA, and each packet sent up to 350 mA for a millisecond (Espressif's
datasheets, "Current Consumption"). P1 gives 100 mA (DSMR 4) or 250 mA (DSMR 5) at 5 V. M-Bus
gives four unit loads, 6 mA at 32 V (TINETZ): enough for a chip that is awake, by a step-down
converter of its own. The 3.3 V pin of a transceiver gives some 2 mA (TSS721A, TI SLAS222: 3 mA
from the bus at the most, 0.65 of them for itself), and feeds no chip that listens.
"""

from .python import const

_FULL = const(4500)  # mV
_ENOUGH = const(3700)
_PUBLISH = const(3450)
_STOP = const(3350)
_RISE = const(20)  # mV: less is none
_FLAT = const(60_000)  # ms without a rise: the supply gives no more

_PAUSE = const(10_000)  # ms before the radio starts, measured or not; doubled by each brown-out
_LONGEST = const(3_600_000)
# Where nothing measures the voltage: supply -> ms of rest, ms of radio (0: for good)
_UNMEASURED = {"p1": (60_000, 0), "mbus": (300_000, 15_000)}
# dBm. 20 are usual, and take twice the current.
TRANSMIT_POWER = {"p1": 13, "mbus": 8}


class Policy:
    """supply: "p1" or "mbus"; brown_outs: int, how many of the latest starts in a row, up to
    this one, a brown-out began.

    radio: bool, it may run now; publish: bool, readings may leave.
    """

    def __init__(self, supply, brown_outs=0):
        self._rest, self._burst = _UNMEASURED[supply]
        self._brown_outs = brown_outs
        self._elapsed = 0  # ms, in this rest, or in this time of radio
        self._highest = 0  # mV, in this rest
        self._flat = 0  # ms since it rose
        self.radio = False
        self.publish = False

    def look(self, elapsed, millivolts=None):
        """To be called about once a second. elapsed: ms (int) since the last call; millivolts:
        at the capacitor (int), None where nothing measures it."""
        self._elapsed += elapsed
        if self.radio:
            stop = self._is_over() if millivolts is None else millivolts < _STOP
            if stop:
                self.radio = False
                self._elapsed = self._highest = self._flat = 0
        else:
            self._watch_rise(elapsed, millivolts or 0)
            if self._is_charged(millivolts):
                self.radio = True
                self._elapsed = 0
        self.publish = self.radio and (millivolts is None or millivolts >= _PUBLISH)

    def _is_over(self):
        return 0 < self._burst <= self._elapsed

    def _watch_rise(self, elapsed, millivolts):
        if millivolts > self._highest + _RISE:
            self._highest = millivolts
            self._flat = 0
        else:
            self._flat += elapsed

    def _is_charged(self, millivolts):
        pause = self._rest if millivolts is None else _PAUSE
        if self._elapsed < min(pause << min(self._brown_outs, 9), _LONGEST):
            return False
        if millivolts is None or millivolts >= _FULL:
            return True
        return millivolts >= _ENOUGH and self._flat >= _FLAT
