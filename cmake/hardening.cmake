# What a release build does so that a fault of memory ends the program and not its owner's safety. Two lists of flags, of
# our own targets alone: SLUICE_HARDENING_COMPILE and SLUICE_HARDENING_LINK, either empty with -DSLUICE_HARDENING=OFF,
# under a sanitizer and for a build type that does not optimise. Flags that the compiler or the processor lacks are
# left out.
option(SLUICE_HARDENING "release builds are protected against faults of memory" ON)
set(SLUICE_HARDENING_COMPILE "")
set(SLUICE_HARDENING_LINK "")
if(SLUICE_HARDENING AND NOT SLUICE_SANITIZE AND NOT SLUICE_FUZZ)
  include(CheckCXXCompilerFlag)
  include(CheckLinkerFlag)
  # Intel's and AMD's marks of places that may be jumped to, and the same on ARM.
  foreach(flag -fstack-protector-strong -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "SLUICE_HAS${flag}" known)
    check_cxx_compiler_flag("-Werror ${flag}" ${known})
    if(${known})
      list(APPEND SLUICE_HARDENING_COMPILE ${flag})
    endif()
  endforeach()
  # Calls of the C library that check the size of what they write to. Some compilers define it already.
  list(APPEND SLUICE_HARDENING_COMPILE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  # What the dynamic linker writes is read-only before main().
  foreach(flag -Wl,-z,relro -Wl,-z,now)
    string(MAKE_C_IDENTIFIER "SLUICE_HAS${flag}" known)
    check_linker_flag(CXX ${flag} ${known})
    if(${known})
      list(APPEND SLUICE_HARDENING_LINK ${flag})
    endif()
  endforeach()
  foreach(list SLUICE_HARDENING_COMPILE SLUICE_HARDENING_LINK)
    list(TRANSFORM ${list} REPLACE "(.+)" "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:\\1>")
  endforeach()
endif()
