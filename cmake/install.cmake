# What `cmake --install` puts where, and the target that takes it away again: the command if it is built (SLUICE_TOOL),
# the libraries if they are (SLUICE_LIBRARIES).
include(GNUInstallDirs)
# Builds what is installed, and nothing else.
add_custom_target(sluice_installed)

if(SLUICE_TOOL)
  add_dependencies(sluice_installed sluice_tool)
  install(TARGETS sluice_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The program itself writes its manual page and its completions, in the build folder.
  if(CMAKE_CROSSCOMPILING)
    message(STATUS "cross-compiling: neither a manual page nor completions of the command are installed")
  else()
    set(SLUICE_SHARE ${PROJECT_BINARY_DIR}/share)
    file(MAKE_DIRECTORY ${SLUICE_SHARE})
    add_custom_command(TARGET sluice_tool POST_BUILD
      COMMAND sluice_tool help --man > ${SLUICE_SHARE}/sluice.1
      COMMAND sluice_tool completion bash > ${SLUICE_SHARE}/sluice
      COMMAND sluice_tool completion zsh > ${SLUICE_SHARE}/_sluice
      COMMAND sluice_tool completion fish > ${SLUICE_SHARE}/sluice.fish)
    install(FILES ${SLUICE_SHARE}/sluice.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${SLUICE_SHARE}/sluice DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${SLUICE_SHARE}/_sluice DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
    install(FILES ${SLUICE_SHARE}/sluice.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
  endif()
endif()

if(SLUICE_LIBRARIES)
  add_dependencies(sluice_installed sluice sluice_shared sluice_inference sluice_inference_shared)
  include(cmake/install_libraries.cmake)
endif()

if(PROJECT_IS_TOP_LEVEL)
  add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} -DMANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt
            -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake
    COMMENT "Removing what was installed")
endif()
