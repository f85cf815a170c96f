"""The meter's serial line."""

from machine import UART, Pin

from ..python import const

_UART = const(1)  # UART 0 is the console
_RXBUF = const(4096)  # bytes: 350 ms at 115200 baud, 17 s at 2400
_PARITY = {"N": None, "E": 0, "O": 1}


class Port:
    """The UART on the pins that the settings "meter.rx_pin" and "meter.tx_pin" name, and
    P1's data request line, if "meter.request_pin" names one: high from now on.

    uart: machine.UART, the same one at all settings, for asyncio. Reads never wait.
    """

    def __init__(self, settings):
        self._rx = settings["meter.rx_pin"]
        if settings["meter.request_pin"] >= 0:
            Pin(settings["meter.request_pin"], Pin.OUT, value=1)
        self.uart = UART(
            _UART,
            baudrate=9600,
            rx=self._rx,
            tx=settings["meter.tx_pin"],
            rxbuf=_RXBUF,
            timeout=0,
            timeout_char=0,
        )

    def tune(self, baudrate, framing, inverted):
        """Set the line to `baudrate` (int), `framing` ("8E1": data bits, parity, stop bits)
        and polarity (inverted, bool: it idles low). May be called at any time."""
        bits, parity, stop = framing
        self.uart.init(
            baudrate=baudrate,
            bits=int(bits),
            parity=_PARITY[parity],
            stop=int(stop),
            timeout=0,
            timeout_char=0,
            invert=UART.INV_RX if inverted else 0,
        )

    def drain(self, buffer):
        """Throw away what has come, at most `_RXBUF` bytes; buffer: bytearray, to read into."""
        for _ in range(_RXBUF // len(buffer) + 1):
            if not self.uart.readinto(buffer):
                return

    def waiting(self):
        """How many bytes (int) have come and were not read yet."""
        return self.uart.any()

    def write(self, data):
        """Send `data` (bytes) to the meter, at once."""
        self.uart.write(data)

    def idle_level(self):
        """The level of the line, 0 or 1, as it is outside, before any inversion: to be asked
        while it is silent. None where the board cannot tell."""
        return Pin(self._rx).value()
