#define MICROPY_HW_BOARD_NAME "Meterling esp32s3-devkit"
#define MICROPY_HW_MCU_NAME "ESP32S3"

#include "../common/mpconfigboard.h"
