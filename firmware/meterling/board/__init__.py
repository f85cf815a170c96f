"""The hardware as plain Python: the only room that imports `machine`, `network`, `esp32`."""
