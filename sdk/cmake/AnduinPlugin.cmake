# anduin_add_plugin(<venue> SOURCES a.cpp ... MANIFEST manifest.json [OUTPUT_DIRECTORY dir])
# Builds anduin-<venue>.so: one exported symbol, the manifest in a section of its own, and the flags that keep a
# plugin loadable beside others, replaceable and unloadable (the reasons stand beside each).
include_guard(GLOBAL)

function(anduin_add_plugin venue)
  cmake_parse_arguments(P "" "MANIFEST;OUTPUT_DIRECTORY" "SOURCES" ${ARGN})
  if(NOT P_SOURCES OR NOT P_MANIFEST)
    message(FATAL_ERROR "anduin_add_plugin(${venue}): SOURCES and MANIFEST are needed")
  endif()
  get_filename_component(manifest ${P_MANIFEST} ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifest})
  file(READ ${manifest} text)
  string(JSON id ERROR_VARIABLE error GET "${text}" id)
  if(error)
    message(FATAL_ERROR "${manifest}: ${error}")
  endif()
  string(JSON version GET "${text}" version)

  # The manifest as bytes, in section .anduin, so that it can be read and hashed before any code runs.
  file(READ ${manifest} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${venue}_manifest.cpp)
  set(content "extern \"C\" {
extern const char anduin_manifest[];
extern const char anduin_manifest_id[];
extern const char anduin_manifest_version[];
__attribute__((section(\".anduin\"), used)) const char anduin_manifest[${size}] = {${bytes}};
const char anduin_manifest_id[] = \"${id}\";
const char anduin_manifest_version[] = \"${version}\";
}
")
  file(CONFIGURE OUTPUT ${generated} CONTENT "${content}" @ONLY)

  set(target anduin-${venue})
  add_library(${target} MODULE ${P_SOURCES} ${generated})
  target_link_libraries(${target} PRIVATE anduin::sdk)
  target_compile_definitions(${target} PRIVATE ANDUIN_MANIFEST_SIZE=${size})
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME anduin-${venue} CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(P_OUTPUT_DIRECTORY)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${P_OUTPUT_DIRECTORY})
  endif()
  target_compile_options(${target} PRIVATE
    -fno-gnu-unique          # a unique symbol would pin the library for ever
    -ffunction-sections -fdata-sections)
  target_link_options(${target} PRIVATE
    LINKER:--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map  # exactly one dynamic symbol
    LINKER:-z,now LINKER:-z,relro)
  if(NOT ANDUIN_SANITIZE)
    target_link_options(${target} PRIVATE LINKER:-z,defs)  # nothing may be left for the host to resolve
  endif()
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
endfunction()
