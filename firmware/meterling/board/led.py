"""The LED, of one of three kinds (setting "led.kind"):

"plain"       lights while its pin is high
"active-low"  lights while its pin is low
"ws2812"      has colours, and is told them by the one wire of its pin
"""

from machine import PWM, Pin

from ..python import const

_FREQUENCY = const(1000)  # Hz: no eye sees it
_FULL = const(65_535)
_WHOLE = const(10_000)  # the square of 100 %


def open_led(settings):
    """The LED, dark; None if "led.pin" is -1, or nothing can be lit there."""
    pin = settings["led.pin"]
    if pin < 0:
        return None
    try:
        if settings["led.kind"] == "ws2812":
            return _Coloured(pin, settings)
        return _Plain(pin, settings)
    except (ImportError, OSError, RuntimeError, ValueError):
        # Meters are read without it, too.
        print("led: pin {} lights nothing".format(pin))
        return None


def _power(settings):
    # The eye takes the square root of the power for the brightness.
    return settings["led.brightness"] * settings["led.brightness"]


class _Plain:
    def __init__(self, pin, settings):
        self._settings = settings
        self._dark = _FULL if settings["led.kind"] == "active-low" else 0
        self._pwm = PWM(Pin(pin, Pin.OUT), freq=_FREQUENCY, duty_u16=self._dark)

    def light(self, colour):
        """Show `colour` (int, 0xRRGGBB; 0: dark) as bright as the setting is now."""
        duty = _FULL * _power(self._settings) // _WHOLE if colour else 0
        self._pwm.duty_u16(self._dark - duty if self._dark else duty)


class _Coloured:
    def __init__(self, pin, settings):
        from neopixel import NeoPixel

        self._settings = settings
        self._rgb = bytearray(3)
        self._pixels = NeoPixel(Pin(pin, Pin.OUT), 1)
        self._pixels.write()

    def light(self, colour):
        """Show `colour` (int, 0xRRGGBB; 0: dark) as bright as the setting is now."""
        power = _power(self._settings)
        for i in range(3):
            # Rounded up: what is not dark stays so.
            self._rgb[i] = ((colour >> 16 - 8 * i & 255) * power + _WHOLE - 1) // _WHOLE
        self._pixels[0] = self._rgb
        self._pixels.write()
