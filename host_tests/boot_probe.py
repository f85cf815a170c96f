"""Starts like a dongle: argument: root (ends with "/"). Prints what the app prints, and at
last "started" with the slot, "reset" where the chip would start anew, or what was raised."""

import sys

import boot_slots
import machine_of_boot  # noqa: F401

try:
    print("started", boot_slots.run(sys.argv[1]) or "nothing")
except SystemExit:
    print("reset")
except ValueError as error:
    print("raised", error)
