"""The button: it pulls its pin down."""

from machine import Pin


def open_button(settings):
    """The button; None if "button.pin" is -1, or that is no pin."""
    pin = settings["button.pin"]
    if pin < 0:
        return None
    try:
        return _Button(pin)
    except (OSError, ValueError):
        print("button: pin {} cannot be read".format(pin))
        return None


class _Button:
    def __init__(self, pin):
        # ESP32's 34 to 39 have nothing to pull them up: such boards bring a resistor.
        self._pin = Pin(pin, Pin.IN, Pin.PULL_UP)

    def is_down(self):
        """True while it is pressed, bounces and all."""
        return self._pin.value() == 0
