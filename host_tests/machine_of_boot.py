"""A `machine` whose timer waits for nobody, and whose reset ends the program."""

import sys


class Timer:
    ONE_SHOT = 0
    armed = []

    def __init__(self, number):
        pass

    def init(self, mode, period, callback):
        self.armed.append((period, callback))


def reset():
    raise SystemExit


sys.modules["machine"] = sys.modules[__name__]
