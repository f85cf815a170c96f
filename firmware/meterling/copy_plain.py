"""Copying bytes: plain twin of copy_viper."""


def copy(target, at, source, begin, count):
    """Copy `count` bytes from `source[begin]` to `target[at]`."""
    target[at : at + count] = source[begin : begin + count]
