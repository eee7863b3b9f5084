# What is needed from elsewhere. What lacks is named with Debian's package for it, all at once.
set(SLUICE_LACKING "")

# sluice_package(DEBIAN_PACKAGE NAME [VERSION]): a package of CMake's.
macro(sluice_package debian name)
  find_package(${name} ${ARGN} QUIET)
  if(NOT ${name}_FOUND)
    list(APPEND SLUICE_LACKING ${debian})
  endif()
endmacro()

# sluice_module(DEBIAN_PACKAGE PREFIX NAME [OPTION...]): a package of pkg-config's.
macro(sluice_module debian prefix name)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(${prefix} QUIET ${ARGN} ${name})
  endif()
  if(NOT ${prefix}_FOUND)
    list(APPEND SLUICE_LACKING ${debian})
  endif()
endmacro()

find_package(Threads REQUIRED)
sluice_package(pkg-config PkgConfig)
sluice_package(nlohmann-json3-dev nlohmann_json 3.11)
# Of these two the headers alone: nobody links them.
sluice_module(libhwy-dev SLUICE_HWY libhwy)
sluice_module(libxxhash-dev SLUICE_XXHASH libxxhash)
# Headers alone as well, and no file for pkg-config.
find_path(SLUICE_PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp)
if(NOT SLUICE_PROTOZERO_INCLUDE_DIR)
  list(APPEND SLUICE_LACKING libprotozero-dev)
endif()
# Global, since whoever links a static library from another folder links it too.
sluice_module(libutf8proc-dev SLUICE_UTF8PROC libutf8proc IMPORTED_TARGET GLOBAL)
if(SLUICE_TOOL OR SLUICE_PYTHON)
  sluice_package(libfmt-dev fmt 9)
  sluice_package(zlib1g-dev ZLIB)
endif()
if(SLUICE_TOOL)
  sluice_package(libcli11-dev CLI11 2.1)
  sluice_module(libmicrohttpd-dev SLUICE_MHD libmicrohttpd IMPORTED_TARGET)
endif()
if(SLUICE_TESTS)
  sluice_package("libgtest-dev;libgmock-dev" GTest)
  sluice_package(librapidcheck-dev rapidcheck)
endif()

if(SLUICE_LACKING)
  list(JOIN SLUICE_LACKING " " SLUICE_LACKING)
  message(FATAL_ERROR "Sluice needs packages that were not found. On Debian:\n  sudo apt install ${SLUICE_LACKING}\n"
                      "scripts/build does that by itself; -DSLUICE_TESTS=OFF and -DSLUICE_TOOL=OFF need fewer.")
endif()
