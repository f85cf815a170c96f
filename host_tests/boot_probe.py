"""Starts like a dongle: arguments: main.py, and the folder of the slots. Prints what the app
prints, and at last "ended", or "reset" where the chip would start anew."""

import os
import sys

import machine_of_boot  # noqa: F401


class Micropython:
    @staticmethod
    def kbd_intr(byte):
        pass


class Rescue:
    @staticmethod
    def run():
        print("rescue")


if sys.implementation.name == "cpython":
    sys.modules["micropython"] = Micropython
sys.modules["rescue"] = Rescue  # what it does: test_update_rescue
with open(sys.argv[1]) as file:
    code = compile(file.read(), "main.py", "exec")
os.chdir(sys.argv[2])
try:
    exec(code, {"__name__": "__main__"})
    print("ended")
except SystemExit:
    print("reset")
