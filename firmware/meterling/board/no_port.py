"""In place of the meter's serial line where the chip refuses the pins that are set for it: one
that is silent. Else there would be no page on which they could be put right."""

import io


class NoPort(io.IOBase):
    """As board.uart.Port; uart: itself, a stream that is never ready."""

    def __init__(self):
        self.uart = self

    def ioctl(self, request, argument):
        return 0

    def readinto(self, buffer):
        return None

    def tune(self, baudrate, framing, inverted):
        pass

    def drain(self, buffer):
        pass

    def waiting(self):
        return 0

    def write(self, data):
        pass

    def idle_level(self):
        return None
