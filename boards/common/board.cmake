# The part of mpconfigboard.cmake that is the same for all boards. Before it, a board sets
#   IDF_TARGET          the chip, as ESP-IDF calls it
#   METERLING_FLASH     4 or 8, MiB: which of the partition tables here
#   METERLING_SDKCONFIG what else it takes of MicroPython's boards/sdkconfig.*
# (MicroPython, docs/develop/porting; ports/esp32/CMakeLists.txt)

# ESP-IDF looks for the table below the port, unless its path is absolute.
file(WRITE ${CMAKE_BINARY_DIR}/sdkconfig.meterling
    "CONFIG_PARTITION_TABLE_CUSTOM=y\n"
    "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME=\"${CMAKE_CURRENT_LIST_DIR}/partitions-${METERLING_FLASH}MiB.csv\"\n"
    "CONFIG_ESPTOOLPY_FLASHSIZE_${METERLING_FLASH}MB=y\n"
    # The bootloader returns to the other slot if the new one does not confirm itself.
    "CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE=y\n"
)

set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    ${METERLING_SDKCONFIG}
    ${CMAKE_BINARY_DIR}/sdkconfig.meterling
)

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
