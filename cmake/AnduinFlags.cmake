# Compiler settings for everything built here. Sanitizers are chosen by the presets through
# ANDUIN_SANITIZE ("address,undefined" or "thread").
set(ANDUIN_SANITIZE "" CACHE STRING "comma separated sanitizers, empty for none")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Wno-psabi>)
# __int128 is the mantissa of every decimal; -Wpedantic objects to the word only.
add_compile_definitions(_GNU_SOURCE)

if(ANDUIN_SANITIZE)
  add_compile_options(-fsanitize=${ANDUIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${ANDUIN_SANITIZE})
endif()
