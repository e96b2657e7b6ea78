# How everything is compiled. Presets choose; this file carries out.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(WRIT_WERROR "warnings in our own code are errors" ON)
set(WRIT_SANITIZE "" CACHE STRING "comma-separated sanitizers, for example address,undefined")
option(WRIT_FUZZ "build the libFuzzer targets (clang only)" OFF)

find_program(WRIT_CCACHE ccache)
if(WRIT_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${WRIT_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${WRIT_CCACHE})
endif()

find_program(WRIT_MOLD mold)
if(WRIT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(writ_flags INTERFACE)
target_compile_options(writ_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers
  $<$<BOOL:${WRIT_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these inside the standard library and coroutine frames.
  target_compile_options(writ_flags INTERFACE -fcoroutines -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-dangling-pointer)
endif()
if(WRIT_SANITIZE)
  add_compile_options(-fsanitize=${WRIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WRIT_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-fno-sanitize=function)   # clang 14 emits a prologue for it that it cannot assemble in coroutines
  endif()
endif()
if(WRIT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
target_include_directories(writ_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)

enable_testing()
