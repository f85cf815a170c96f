"""A capacitor that a meter charges and a dongle empties, in steps of 10 ms, and what becomes
of the dongle. Integers only: it runs on every interpreter.

    supply --> capacitor --> regulator --> chip
               voltage, less ESR x current: what the regulator gets

Currents: Espressif's datasheets, "Current Consumption Characteristics" (ESP32-S2, -C3): 20 mA
awake at 160 MHz without radio; some 120 mA while a network is joined, 350 mA for a millisecond
while a packet is sent; 35 mA joined, with modem sleep.
"""

STEP = 10  # ms
LEAST = 3000  # mV that the regulator wants, to make 2.8 V of it
BOOT = 3100  # mV
TELEGRAM = 5000  # ms between two

IDLE, JOINING, JOINED, SENDING = 20_000, 120_000, 35_000, 120_000  # uA
PEAK = 350  # mA
JOIN_TIME, SEND_TIME, BOOT_TIME = 3000, 300, 1000  # ms
_LOOK = 1000  # ms between two looks of the policy


def p1(ohms=22, limit=100):
    """P1: 5 V less a Schottky diode, through a resistor; `limit`: mA (DSMR 4: 100, 5: 250)."""

    def current(millivolts):
        return max(0, min(limit * 1000, (4750 - millivolts) * 1000 // ohms))

    return current


def mbus(loads=4, volts=28, efficiency=80):
    """M-Bus: so many unit loads of 1.5 mA, by a step-down converter that ends at 5 V."""
    microwatts = loads * 1500 * volts * efficiency // 100

    def current(millivolts):
        return 0 if millivolts >= 5000 else microwatts * 1000 // max(1000, millivolts)

    return current


def nothing(millivolts):
    return 0


class Careless:
    """What a dongle without any policy does."""

    radio = publish = True

    def look(self, elapsed, millivolts=None):
        pass


def simulate(make_policy, source, seconds, millifarads=1000, milliohms=300, measured=True, at=0):
    """What becomes of a dongle: dict of "least" (mV at the regulator, while the radio was on;
    None if it never was), "brown_outs", "by_radio" (how many of them with the radio on),
    "starts" (s when the radio was started), "published" (s when a telegram was).
    make_policy(brown-outs in a row): a power.Policy or the like. source: as above; at: mV at
    the beginning."""
    microvolts = at * 1000
    policy = None  # the chip is dead
    in_a_row = look = telegram = 0
    activity, left = IDLE, 0
    waiting = False
    found = {"least": None, "brown_outs": 0, "by_radio": 0, "starts": [], "published": []}
    for now in range(0, seconds * 1000, STEP):
        millivolts = microvolts // 1000
        drawn = activity if policy else 0
        microvolts += (source(millivolts) - drawn) * STEP // millifarads
        millivolts = microvolts // 1000
        if policy is None:
            if millivolts >= BOOT:
                policy = make_policy(in_a_row)
                activity, left, look = IDLE, 0, -BOOT_TIME
            continue
        peak = drawn // 1000 if activity == IDLE else PEAK
        inside = millivolts - peak * milliohms // 1000
        if activity != IDLE:
            found["least"] = min(found["least"] or inside, inside)
        if inside < LEAST:
            found["brown_outs"] += 1
            found["by_radio"] += activity != IDLE
            in_a_row += 1
            policy = None
            continue
        telegram += STEP
        if telegram >= TELEGRAM:
            telegram = 0
            waiting = True
        look += STEP
        if look < 0:
            continue  # MicroPython starts
        if look >= _LOOK:
            policy.look(look, inside if measured else None)
            look = 0
        left -= STEP
        if not policy.radio:
            activity = IDLE
        elif activity == IDLE:
            activity, left = JOINING, JOIN_TIME
            found["starts"].append(now // 1000)
        elif left <= 0:
            if activity == SENDING:
                found["published"].append(now // 1000)
            activity = JOINED
            if waiting and policy.publish:
                waiting = False
                activity, left = SENDING, SEND_TIME
    return found
