#define MICROPY_HW_BOARD_NAME "Meterling m5stack-atom"
#define MICROPY_HW_MCU_NAME "ESP32"

#include "../common/mpconfigboard.h"
