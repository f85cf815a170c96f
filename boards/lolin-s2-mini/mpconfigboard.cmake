set(IDF_TARGET esp32s2)
set(METERLING_FLASH 4)
set(METERLING_SDKCONFIG
    boards/sdkconfig.spiram_sx
    boards/sdkconfig.usb
)
include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)
