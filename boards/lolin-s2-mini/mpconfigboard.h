#define MICROPY_HW_BOARD_NAME "Meterling lolin-s2-mini"
#define MICROPY_HW_MCU_NAME "ESP32S2"

#include "../common/mpconfigboard.h"
