"""`esp32` on a PC: the firmware uses nothing of it yet."""
