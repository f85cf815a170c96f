#define MICROPY_HW_BOARD_NAME "Meterling wt32-eth01"
#define MICROPY_HW_MCU_NAME "ESP32"

#include "../common/mpconfigboard.h"
