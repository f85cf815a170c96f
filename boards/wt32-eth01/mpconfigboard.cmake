set(IDF_TARGET esp32)
set(METERLING_FLASH 4)
include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)
