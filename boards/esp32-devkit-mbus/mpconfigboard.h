#define MICROPY_HW_BOARD_NAME "Meterling esp32-devkit-mbus"
#define MICROPY_HW_MCU_NAME "ESP32"

#include "../common/mpconfigboard.h"
