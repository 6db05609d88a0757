# find_package(AnduinSdk): the target anduin::sdk and the function anduin_add_plugin().
include(${CMAKE_CURRENT_LIST_DIR}/AnduinSdkTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/AnduinPlugin.cmake)
