# find_package(sluice [COMPONENTS static|shared]) gives
#   sluice::sluice      everything
#   sluice::inference   what loads a model, inspects it and streams
# Without a component, BUILD_SHARED_LIBS says which; a static library unless it is on.
set(sluice_kind static)
if(sluice_FIND_COMPONENTS)
  set(sluice_kind ${sluice_FIND_COMPONENTS})
elseif(BUILD_SHARED_LIBS)
  set(sluice_kind shared)
endif()
if(NOT sluice_kind MATCHES "^(static|shared)$")
  set(sluice_FOUND FALSE)
  set(sluice_NOT_FOUND_MESSAGE "sluice: expected the component static or shared, found ${sluice_kind}")
  return()
endif()

# A shared library brings what it needs; what a static one needs is linked here.
if(sluice_kind STREQUAL "static")
  include(CMakeFindDependencyMacro)
  find_dependency(Threads)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND AND NOT TARGET PkgConfig::SLUICE_UTF8PROC)
    pkg_check_modules(SLUICE_UTF8PROC QUIET IMPORTED_TARGET GLOBAL libutf8proc)
  endif()
endif()

if(NOT TARGET sluice::${sluice_kind})
  include(${CMAKE_CURRENT_LIST_DIR}/sluice-${sluice_kind}.cmake)
endif()
if(NOT TARGET sluice::inference)
  add_library(sluice::inference ALIAS sluice::inference_${sluice_kind})
endif()
# The inference part does without libutf8proc.
if(NOT TARGET sluice::sluice)
  if(sluice_kind STREQUAL "shared" OR TARGET PkgConfig::SLUICE_UTF8PROC)
    add_library(sluice::sluice ALIAS sluice::${sluice_kind})
  elseif(NOT sluice_FIND_QUIETLY)
    message(STATUS "sluice: without libutf8proc (Debian: libutf8proc-dev) there is sluice::inference alone")
  endif()
endif()
unset(sluice_kind)
