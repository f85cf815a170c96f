"""The meter's serial line."""

from machine import UART

from ..python import const

_UART = const(1)  # UART 0 is the console
_RXBUF = const(4096)  # bytes: 350 ms at 115200 baud, 17 s at 2400
_PARITY = {"N": None, "E": 0, "O": 1}


def open_uart(settings):
    """machine.UART, as the settings "meter.baudrate", "meter.framing", "meter.rx_pin",
    "meter.tx_pin" and "meter.inverted" say. Reads never wait."""
    bits, parity, stop = settings["meter.framing"]
    return UART(
        _UART,
        baudrate=settings["meter.baudrate"],
        bits=int(bits),
        parity=_PARITY[parity],
        stop=int(stop),
        rx=settings["meter.rx_pin"],
        tx=settings["meter.tx_pin"],
        rxbuf=_RXBUF,
        timeout=0,
        timeout_char=0,
        invert=UART.INV_RX if settings["meter.inverted"] else 0,
    )
