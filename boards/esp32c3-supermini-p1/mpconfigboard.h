#define MICROPY_HW_BOARD_NAME "Meterling esp32c3-supermini-p1"
#define MICROPY_HW_MCU_NAME "ESP32C3"
// The console is on the chip's own USB: UART 0 is not read.
#define MICROPY_HW_ENABLE_UART_REPL (0)

#include "../common/mpconfigboard.h"
