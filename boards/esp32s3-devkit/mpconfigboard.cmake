set(IDF_TARGET esp32s3)
set(METERLING_FLASH 8)
set(METERLING_SDKCONFIG boards/sdkconfig.usb)
include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)
