"""What is told of a failure of our own."""

import io
import sys


def print_where(error):
    """Print the type and the lines of `error`; its text may hold what nobody may see."""
    print("portal: failed: {}".format(type(error).__name__))
    if hasattr(sys, "print_exception"):  # MicroPython
        text = io.StringIO()
        sys.print_exception(error, text)
        for line in text.getvalue().split("\n"):
            if line.startswith("  File "):
                print(line)
