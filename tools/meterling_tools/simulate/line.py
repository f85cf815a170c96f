"""The line between meter and reader: where the bytes go, and how fast.

Nothing here runs in the background: ``send`` is a plain loop, to be run in a process of its
own (the demo does) or with ``count`` in any program.
"""

import fcntl
import json
import os
import termios
import time
import tty

# A chunk covers at most this much line time: a reader sees bytes as steadily as from a UART.
_CHUNK_NS = 10_000_000


class FileSink:
    """Any file descriptor; writes block until everything is taken."""

    paces_itself = False

    def __init__(self, fd):
        self._fd = fd

    def write(self, data):
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self):
        """After the last telegram. Standard output and files are closed by who opened them."""


class PtySink:
    """A pseudo-terminal in raw mode; ``path`` is the end to open as a serial port.

    ``lossy``: with nobody reading, its buffer fills up and further bytes are lost, as on a
    real line. Otherwise writing waits for the reader.
    """

    paces_itself = False

    def __init__(self, lossy=True):
        self._fd, self._other_end = os.openpty()
        tty.setraw(self._other_end)
        # The other end stays open here: a reader may come, go and come back.
        self.path = os.ttyname(self._other_end)
        os.set_blocking(self._fd, not lossy)

    @property
    def fd(self):
        """The meter's end: for a meter that listens, too."""
        return self._fd

    def write(self, data):
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except BlockingIOError:
            pass

    def close(self):
        """Gives a reader up to two seconds to take what waits; closing would throw it away."""
        waiting = bytearray(4)
        for _ in range(40):
            # First of all: the kernel hands bytes to the other end a moment after the write.
            time.sleep(0.05)
            fcntl.ioctl(self._other_end, termios.FIONREAD, waiting)
            if not any(waiting):
                break
        os.close(self._fd)
        os.close(self._other_end)


class SerialSink(FileSink):
    """A serial port set to the meter's line settings. Raises OSError or termios.error if it is
    none, ValueError if it cannot do the speed."""

    paces_itself = True

    def __init__(self, path, line):
        speed = getattr(termios, f"B{line.baud}", None)
        if speed is None:
            raise ValueError(f"this system has no line speed of {line.baud} baud")
        super().__init__(os.open(path, os.O_RDWR | os.O_NOCTTY))
        tty.setraw(self._fd)
        iflag, oflag, cflag, lflag, _, _, cc = termios.tcgetattr(self._fd)
        cflag &= ~(termios.CSIZE | termios.PARENB | termios.PARODD | termios.CSTOPB)
        cflag |= termios.CLOCAL | termios.CREAD | getattr(termios, f"CS{line.bits}")
        if line.parity != "N":
            cflag |= termios.PARENB | (termios.PARODD if line.parity == "O" else 0)
        if line.stop == 2:
            cflag |= termios.CSTOPB
        termios.tcsetattr(self._fd, termios.TCSANOW, [iflag, oflag, cflag, lflag, speed, speed, cc])


def _wait_until(moment_ns):
    while (left := moment_ns - time.monotonic_ns()) > 0:
        time.sleep(left / 1e9)


def _write_paced(sink, data, start_ns, byte_ns):
    """Writes each chunk when its last byte has left the line: never too early, no drift.
    Returns the time.monotonic_ns() of the last: before it is written, since who reads it may
    be quicker than who writes."""
    chunk = max(1, _CHUNK_NS // byte_ns)
    moment = start_ns
    for begin in range(0, len(data), chunk):
        end = min(begin + chunk, len(data))
        _wait_until(start_ns + end * byte_ns)
        moment = time.monotonic_ns()
        sink.write(data[begin:end])
    return moment


def send(meter, sink, count=None, at_once=False, faults=None, stamps=None):
    """Sends telegrams 0, 1, 2, ... of ``meter`` to ``sink``; ``count`` None goes on for ever.

    ``at_once`` writes without waiting; otherwise telegram n begins n push intervals after the
    first (later if the one before needs longer), at the line's true speed. ``faults`` is a
    ``Faults`` or None. ``stamps``, an open text file, gets a JSON line for each telegram:
    ``last_byte`` is the time.monotonic_ns() at which its last byte has left the line.
    """
    byte_ns = meter.line.byte_ns
    interval_ns = meter.interval_ms * 1_000_000
    start = time.monotonic_ns()
    n = 0
    while count is None or n < count:
        data = meter.telegram(n)
        if faults:
            data = faults.spoil(n, data)
        last_byte = time.monotonic_ns()
        if at_once:
            sink.write(data)
        elif sink.paces_itself:
            _wait_until(start)
            sink.write(data)
            last_byte = max(time.monotonic_ns(), start + len(data) * byte_ns)
        else:
            _wait_until(start)
            last_byte = _write_paced(sink, data, start, byte_ns)
        if stamps:
            stamp = {
                "n": n,
                "invocation_counter": meter.invocation_counter(n),
                "last_byte": last_byte,
            }
            stamps.write(json.dumps(stamp) + "\n")
            stamps.flush()
        start = max(start + interval_ns, start + len(data) * byte_ns)
        # A process that was held up (a laptop that slept) goes on in step, it does not catch up.
        start += max(0, time.monotonic_ns() - start) // interval_ns * interval_ns
        n += 1
