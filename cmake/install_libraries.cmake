# The part of install.cmake for the four libraries: they, their headers, and how CMake and pkg-config find them.
include(CMakePackageConfigHelpers)

set(SLUICE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)
foreach(kind static shared)
  if(kind STREQUAL static)
    set(libraries sluice sluice_inference)
  else()
    set(libraries sluice_shared sluice_inference_shared)
  endif()
  install(TARGETS ${libraries} EXPORT sluice-${kind} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT sluice-${kind} NAMESPACE sluice:: FILE sluice-${kind}.cmake DESTINATION ${SLUICE_PACKAGE_DIR})
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sluice DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

configure_file(${PROJECT_SOURCE_DIR}/cmake/sluice-config.cmake ${PROJECT_BINARY_DIR}/package/sluice-config.cmake COPYONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/sluice-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/sluice-config.cmake
              ${PROJECT_BINARY_DIR}/package/sluice-config-version.cmake DESTINATION ${SLUICE_PACKAGE_DIR})

# The folder above a pkg-config file's own, so that an installation may be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE SLUICE_PREFIX_FROM_PC)
foreach(part sluice sluice_inference)
  if(part STREQUAL sluice)
    set(SLUICE_PC_NAME "sluice")
    set(SLUICE_PC_REQUIRES "libutf8proc")
    set(SLUICE_PC_DESCRIPTION "Recurrent networks on ordinary processors: train, show, measure and stream")
  else()
    set(SLUICE_PC_NAME "sluice-inference")
    set(SLUICE_PC_REQUIRES "")
    set(SLUICE_PC_DESCRIPTION "Recurrent networks on ordinary processors: load a model and stream")
  endif()
  set(SLUICE_PC_LIBRARY ${part})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/sluice.pc.in ${PROJECT_BINARY_DIR}/package/${SLUICE_PC_NAME}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${SLUICE_PC_NAME}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
