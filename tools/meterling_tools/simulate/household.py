"""A believable household behind the meter: three phases, appliances, sun on the roof.

Everything is integer arithmetic on a seeded schedule, so the same seed gives the same
telegrams on every machine. Power is a function of local time alone; the registers integrate
it, so energies rise exactly as much as the power shown says.
"""

import random
from datetime import timedelta
from math import isqrt

from .clock import local_time

# Scaler and unit of each measured value, by C.D.E of its OBIS code: as fine as any meter shows.
SCALE = {
    **{f"{c}.7.0": (0, "W") for c in (1, 2, 21, 22, 41, 42, 61, 62)},
    **{f"{c}.7.0": (0, "var") for c in (3, 4)},
    **{f"{c}.8.0": (0, "Wh") for c in (1, 2, 21, 22, 41, 42, 61, 62)},
    **{f"{c}.8.0": (0, "varh") for c in (3, 4)},
    **{f"{c}.7.0": (-1, "V") for c in (32, 52, 72)},
    **{f"{c}.7.0": (-3, "A") for c in (31, 51, 71)},
    **{f"{c}.7.0": (-3, "") for c in (13, 33, 53, 73)},
    "0.0.1": (0, ""),  # a serial number sent as a number
}

# phase, W, var, uses a day, from hour, to hour, shortest and longest use in minutes
_APPLIANCES = (
    (0, 2050, 30, 3, 6, 21, 2, 4),  # kettle
    (0, 1900, 0, 2, 11, 20, 15, 45),  # oven
    (1, 1450, 0, 2, 7, 20, 10, 35),  # hob
    (1, 2100, 110, 1, 8, 17, 12, 20),  # washing machine, heating
    (1, 350, 220, 1, 9, 19, 40, 70),  # washing machine, drum
    (2, 2200, 20, 1, 18, 23, 15, 30),  # dishwasher
    (2, 130, -25, 2, 17, 23, 40, 150),  # television, game console
    (0, 220, -35, 2, 7, 22, 60, 240),  # computer, lights
    (2, 760, 480, 3, 5, 22, 20, 50),  # heat pump
)
_STANDBY = ((95, -40), (60, 25), (75, -30))  # W and var of each phase, always
_FRIDGE_W, _FRIDGE_VAR, _FRIDGE_CYCLE_S, _FRIDGE_ON_S = 85, 45, 2700, 900
_PV_PEAK_W = 1500  # each phase, at noon under a clear sky
_PV_FROM_S, _PV_TO_S = 6 * 3600, 20 * 3600 + 1800
_DAY_S = 86400
_MILLIJOULES_PER_WH = 3_600_000


def _spread(seed, number):
    """A repeatable number below 65536 for this seed and count: a small integer hash."""
    mixed = (seed * 0x9E3779B1 + number * 0x85EBCA6B) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 12)) * 0x297A2D39) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 15)) & 0xFFFF


class Household:
    """Three phases at a local time: ``power(local)`` -> ([W] x 3, [var] x 3), import positive."""

    def __init__(self, seed):
        self._seed = seed
        self._date = None
        self._uses = []

    def _plan(self, date):
        """The uses of the appliances on one day: (from, to, phase, W, var), seconds of the day."""
        if date != self._date:
            draw = random.Random(f"{self._seed} {date.isoformat()}")
            self._uses = []
            for phase, watt, var, uses, begin, end, short, long in _APPLIANCES:
                for _ in range(uses):
                    start = draw.randrange(begin * 3600, end * 3600)
                    duration = draw.randrange(short * 60, long * 60)
                    self._uses.append((start, start + duration, phase, watt, var))
            self._date = date
        return self._uses

    def _sun(self, second, date):
        """PV production of one phase, W: a parabola over the day under drifting clouds."""
        if not _PV_FROM_S < second < _PV_TO_S:
            return 0
        half = (_PV_TO_S - _PV_FROM_S) // 2
        away = second - _PV_FROM_S - half
        clear = _PV_PEAK_W * (half * half - away * away) // (half * half)
        # Clouds: a level of 40..100 % each 10 minutes, straight lines between.
        slot, within = divmod(second, 600)
        before, after = (40 + _spread(self._seed ^ date.toordinal(), slot + i) % 61 for i in (0, 1))
        return clear * (before * (600 - within) + after * within) // 60000

    def power(self, local):
        second = local.hour * 3600 + local.minute * 60 + local.second
        watts = [watt for watt, _ in _STANDBY]
        vars_ = [var for _, var in _STANDBY]
        if (second + self._seed * 97) % _FRIDGE_CYCLE_S < _FRIDGE_ON_S:
            watts[1] += _FRIDGE_W
            vars_[1] += _FRIDGE_VAR
        for start, end, phase, watt, var in self._plan(local.date()):
            if start <= second < end:
                watts[phase] += watt
                vars_[phase] += var
        sun = self._sun(second, local.date())
        for phase in range(3):
            # One per cent of restlessness, as every real reading has.
            watts[phase] += watts[phase] * (_spread(self._seed + phase, second) % 21 - 10) // 1000
            watts[phase] -= sun
        return watts, vars_

    def voltage(self, local, phase, watt):
        """Phase voltage in 0.1 V: 0.3 ohm of supply line, and the grid's own drift."""
        second = local.hour * 3600 + local.minute * 60 + local.second
        drift = abs(second % 5400 - 2700) // 90  # 0..30 over 90 minutes
        return 2315 + drift + _spread(self._seed + 7 + phase, second) % 9 - watt * 3 // 230


class Registers:
    """Walks a household telegram by telegram: ``at(n)`` -> (UTC, {"C.D.E": integer}).

    Only the newest step is kept. Going back starts over: the values never depend on the order
    in which they are asked for.
    """

    def __init__(self, seed, start, interval_ms):
        self._household = Household(seed)
        self._seed = seed
        self._start = start
        self._interval_ms = interval_ms
        self._restart()

    def _restart(self):
        draw = random.Random(f"registers {self._seed}")
        self._n = -1
        self._energy = {
            "1.8.0": draw.randrange(3_000_000, 9_000_000),
            "2.8.0": draw.randrange(1_000_000, 8_000_000),
            "3.8.0": draw.randrange(10_000, 900_000),
            "4.8.0": draw.randrange(100_000, 2_000_000),
            **{f"{c}.8.0": draw.randrange(500_000, 3_000_000) for c in (21, 22, 41, 42, 61, 62)},
        }
        self._millijoules = dict.fromkeys(self._energy, 0)
        self._values = {}

    def utc(self, n):
        """The meter's clock when it sends telegram ``n``: whole seconds, UTC."""
        return self._start + timedelta(seconds=n * self._interval_ms // 1000)

    def at(self, n):
        if n < self._n:
            self._restart()
        while self._n < n:
            self._n += 1
            self._step(local_time(self.utc(self._n)))
        return self.utc(n), dict(self._values)

    def _step(self, local):
        watts, vars_ = self._household.power(local)
        total, reactive = sum(watts), sum(vars_)
        values = {
            "1.7.0": max(total, 0),
            "2.7.0": max(-total, 0),
            "3.7.0": max(reactive, 0),
            "4.7.0": max(-reactive, 0),
        }
        apparent = 0
        for phase, c in enumerate((21, 41, 61)):
            watt = watts[phase]
            volt = self._household.voltage(local, phase, watt)
            volt_ampere = isqrt(watt * watt + vars_[phase] * vars_[phase])
            apparent += volt_ampere
            values[f"{c}.7.0"] = max(watt, 0)
            values[f"{c + 1}.7.0"] = max(-watt, 0)
            values[f"{c + 10}.7.0"] = volt_ampere * 10_000 // volt
            values[f"{c + 11}.7.0"] = volt
            values[f"{c + 12}.7.0"] = abs(watt) * 1000 // max(volt_ampere, 1)
        values["13.7.0"] = min(abs(total) * 1000 // max(apparent, 1), 1000)
        # Telegram 0 shows the registers as they stood; each later one adds its interval.
        if self._n:
            for code in self._energy:
                power = values[code.replace(".8.", ".7.")]
                self._millijoules[code] += power * self._interval_ms
                whole, self._millijoules[code] = divmod(
                    self._millijoules[code], _MILLIJOULES_PER_WH
                )
                self._energy[code] += whole
        values.update(self._energy)
        self._values = values
