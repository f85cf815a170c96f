"""Loops over bytes: plain twin of octets."""


def copy(target, source, at, begin, count):
    """See octets.copy."""
    target[at : at + count] = source[begin : begin + count]


def index(data, value, begin, end):
    """See octets.index."""
    found = data.find(bytes((value,)), begin, end)  # MicroPython finds no numbers
    return end if found < 0 else found


def checksum(data, begin, count):
    """See octets.checksum."""
    return sum(data[begin : begin + count]) & 0xFF
