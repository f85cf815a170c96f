// The same for all boards. No Bluetooth, no ESP-NOW: 300 kB that two slots cannot spare.
#define MICROPY_PY_BLUETOOTH (0)
#define MICROPY_PY_ESPNOW (0)
